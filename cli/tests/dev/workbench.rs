//! `tidings dev` for the development of a bot: its queues with a real SDK, actions posted to a bot, dead letters, the
//! clock, secrets.

use crate::support::{BINARY, Dev, command, err, json, out, run};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::MessageSystemAttributeName as Attribute;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

fn client(dev: &Dev, key: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-central-1"))
        .endpoint_url(dev.dynamodb())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new(key, "dev", None, None, "test"));
    Client::from_conf(config.build())
}

const CASE: &str = "orders-delivered-early";

#[tokio::test(flavor = "multi_thread")]
async fn an_sdk_receives_actions_as_on_aws() {
    let dev = Dev::start(&["--actions-to", "queue"]);
    let sqs = client(&dev, &dev.token);
    let stranger = client(&dev, "AKIASTRANGER").list_queues().send().await;
    assert!(stranger.is_err(), "a request without the token is refused");

    let urls = sqs.list_queues().send().await.expect("an answer").queue_urls.unwrap_or_default();
    for name in ["tidings-actions.fifo", "tidings-events", "tidings-events-dead", "tidings-links", "tidings-links-dead"] {
        let at = format!("{}/123456789012/{name}", dev.dynamodb());
        assert!(urls.contains(&at), "{at} of {urls:?}");
    }
    let got = sqs.get_queue_url().queue_name("tidings-actions.fifo").send().await.expect("an answer");
    let url = got.queue_url.expect("an address");

    // A waiting consumer is woken.
    let waits = sqs.receive_message().queue_url(&url).wait_time_seconds(20).visibility_timeout(30).max_number_of_messages(10);
    let waits = waits.message_system_attribute_names(Attribute::All).send();
    let waits = tokio::spawn(waits);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let sent = Instant::now();
    assert!(dev.send(&["--case", CASE]).status.success());
    let messages = waits.await.expect("no panic").expect("an answer").messages.unwrap_or_default();
    assert!(sent.elapsed() < Duration::from_secs(15) && messages.len() == 1, "{messages:?}");
    let message = &messages[0];
    let action: Value = serde_json::from_str(message.body().expect("a body")).expect("JSON");
    let of = |name: Attribute| message.attributes().and_then(|all| all.get(&name)).cloned().unwrap_or_default();
    assert_eq!(of(Attribute::MessageDeduplicationId), action["id"]);
    assert_eq!(of(Attribute::MessageGroupId).len(), 64);
    assert_eq!(of(Attribute::SequenceNumber).len(), 20);
    assert_eq!(of(Attribute::ApproximateReceiveCount), "1");
    assert!(of(Attribute::SentTimestamp).parse::<u64>().is_ok() && !of(Attribute::ApproximateFirstReceiveTimestamp).is_empty());

    // Hidden, visible again, received again, deleted.
    let receive = || sqs.receive_message().queue_url(&url).message_system_attribute_names(Attribute::ApproximateReceiveCount);
    assert!(receive().send().await.expect("an answer").messages.is_none_or(|none| none.is_empty()));
    let change = sqs.change_message_visibility().queue_url(&url).visibility_timeout(0);
    change.set_receipt_handle(message.receipt_handle.clone()).send().await.expect("it is shown");
    let again = receive().send().await.expect("an answer").messages.expect("it is there");
    assert_eq!(again[0].attributes().expect("some")[&Attribute::ApproximateReceiveCount], "2");
    assert_eq!(again[0].attributes().expect("some").len(), 1, "only what was asked for");
    let deleted = sqs.delete_message().queue_url(&url).set_receipt_handle(again[0].receipt_handle.clone()).send().await;
    deleted.expect("it is deleted");
    let depth = sqs.get_queue_attributes().queue_url(&url);
    let depth = depth.attribute_names(aws_sdk_sqs::types::QueueAttributeName::All).send().await.expect("an answer");
    let depth = depth.attributes.expect("some");
    let number = |name: &str| depth.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value.as_str());
    assert_eq!((number("ApproximateNumberOfMessages"), number("ApproximateNumberOfMessagesNotVisible")), (Some("0"), Some("0")));
    assert!(!dev.said().contains("says"), "dev itself takes none: {}", dev.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifo_queue_refuses_what_aws_refuses_and_delivers_a_group_in_order() {
    let dev = Dev::start(&["--actions-to", "queue"]);
    let sqs = client(&dev, &dev.token);
    let url = format!("{}/123456789012/tidings-actions.fifo", dev.dynamodb());
    let send = |body: &str| sqs.send_message().queue_url(&url).message_body(body);
    assert!(send("no group").message_deduplication_id("1").send().await.is_err());
    assert!(send("no id").message_group_id("a").send().await.is_err());
    assert!(send("late").message_group_id("a").message_deduplication_id("1").delay_seconds(5).send().await.is_err());
    for (body, group, id) in [("a1", "a", "1"), ("a2", "a", "2"), ("b1", "b", "3"), ("a1 again", "a", "1")] {
        send(body).message_group_id(group).message_deduplication_id(id).send().await.expect("it is sent");
    }
    let take = || sqs.receive_message().queue_url(&url).visibility_timeout(30);
    let bodies = async |request: aws_sdk_sqs::operation::receive_message::builders::ReceiveMessageFluentBuilder| {
        let messages = request.send().await.expect("an answer").messages.unwrap_or_default();
        messages.into_iter().map(|message| message.body.unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(bodies(take()).await, ["a1"]);
    assert_eq!(bodies(take().max_number_of_messages(10)).await, ["b1"], "the rest of a group waits for what is out");
    assert!(take().max_number_of_messages(11).send().await.is_err());
    let gone = sqs.receive_message().queue_url(format!("{url}x")).send().await.unwrap_err();
    assert!(gone.into_service_error().is_queue_does_not_exist());
}

/// The requests that a bot got: the number of the receive, and the action. It answers 500 to the first of each.
fn bot() -> (String, mpsc::Receiver<(u32, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/actions", listener.local_addr().expect("an address"));
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
            let (mut length, mut receives, mut line) = (0, 0, String::new());
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                let lower = line.to_ascii_lowercase();
                let value = |name: &str| lower.strip_prefix(name).and_then(|value| value.trim().parse().ok());
                length = value("content-length:").unwrap_or(length);
                receives = value("tidings-receive-count:").unwrap_or(receives);
                line.clear();
            }
            let mut body = vec![0; length as usize];
            if reader.read_exact(&mut body).is_err() {
                continue;
            }
            let status = if receives == 1 { "500 No" } else { "204 Good" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if tell.send((receives, serde_json::from_slice(&body).expect("JSON"))).is_err() {
                return;
            }
        }
    });
    (url, told)
}

#[test]
fn a_bot_gets_each_action_until_it_answers_with_a_2xx_and_in_order() {
    let (url, told) = bot();
    let dev = Dev::start(&["--actions-to", &url]);
    for case in ["orders-delivered-early", "stripe-checkout-completed"] {
        assert!(dev.send(&["--case", case]).status.success());
    }
    let mut sequences: std::collections::BTreeMap<String, Vec<(u64, u32)>> = std::collections::BTreeMap::new();
    let until = Instant::now() + Duration::from_secs(20);
    let done = |sequences: &std::collections::BTreeMap<String, Vec<(u64, u32)>>| {
        sequences.values().flatten().filter(|(_, receives)| *receives == 2).count() >= 1
    };
    while !done(&sequences) {
        let left = until.saturating_duration_since(Instant::now());
        let (receives, action) = told.recv_timeout(left).expect("an action");
        let conversation = action["conversation"].as_str().expect("a conversation").to_owned();
        sequences.entry(conversation).or_default().push((action["sequence"].as_u64().unwrap_or_default(), receives));
    }
    for (conversation, tries) in &sequences {
        let mut last = (0, 2);
        for (sequence, receives) in tries {
            let goes_on = *sequence == last.0 || last.1 >= 2;
            assert!(goes_on, "{conversation}: an action came before the bot had taken the one before: {tries:?}");
            last = (*sequence, *receives);
        }
    }
}

/// A `dev` that prints each action as a line of JSON. Its standard output is read by the test.
struct Lines {
    process: Child,
    url: String,
    /// Its standard error, without the banner.
    said: Arc<Mutex<String>>,
}

impl Lines {
    fn start() -> Self {
        let mut process = Command::new(BINARY)
            .args(["dev", "--port", "0", "--actions-to", "-"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        let mut lines = BufReader::new(process.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let line = lines.find(|line| line.trim().starts_with("webhooks")).expect("the banner");
        let url = line.split_whitespace().nth(1).expect("an address").trim_end_matches("/webhooks/{source}").to_owned();
        let said = Arc::new(Mutex::new(String::new()));
        let keep = Arc::clone(&said);
        thread::spawn(move || lines.for_each(|line| keep.lock().expect("no panic").push_str(&(line + "\n"))));
        Self { process, url, said }
    }

    fn send(&self, arguments: &[&str]) {
        run(&[&["send", "--url", &self.url], arguments].concat());
    }

    fn wait_until_said(&self, part: &str) {
        let until = Instant::now() + Duration::from_secs(30);
        while !self.said.lock().expect("no panic").contains(part) {
            assert!(Instant::now() < until, "{part}: {}", self.said.lock().expect("no panic"));
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn actions_are_lines_of_json_on_standard_output_and_nothing_else_is() {
    let mut dev = Lines::start();
    let mut output = BufReader::new(dev.process.stdout.take().expect("a pipe"));
    dev.send(&["--case", "orders-poison"]);
    dev.send(&["--case", "github-push", "--tamper", "signature"]);
    dev.wait_until_said("refused: ");
    dev.wait_until_said("dead-lettered after ");
    dev.wait_until_said("tidings events show ");
    dev.send(&["--case", CASE]);
    let mut first = String::new();
    output.read_line(&mut first).expect("a line");
    let is_action = |line: &str| {
        let action: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(action["id"].is_string() && action["conversation"].is_string(), "{action}");
    };
    is_action(&first);
    drop(dev);
    output.lines().map_while(Result::ok).for_each(|line| is_action(&line));
}

#[test]
fn actions_wait_in_their_queue_once_standard_output_is_closed() {
    let mut dev = Lines::start();
    drop(dev.process.stdout.take());
    dev.send(&["--case", CASE]);
    dev.wait_until_said("standard output is closed; actions wait");
    dev.send(&["--case", "stripe-checkout-completed"]);
    thread::sleep(Duration::from_secs(3));
    let status = json(&run(&["status", "--json", "--url", &dev.url]));
    let depth = &status["backlog"]["queues"][2]["depth"];
    let waiting = ["visible", "in_flight"].iter().filter_map(|name| depth[name].as_u64()).sum::<u64>();
    assert!(waiting > 0, "{status}");
    let said = dev.said.lock().expect("no panic").clone();
    assert_eq!(said.matches("standard output is closed").count(), 1, "{said}");
}

#[test]
fn dead_letters_are_listed_shown_sent_again_and_dropped_as_on_a_stack() {
    let dev = Dev::start(&[]);
    assert!(dev.send(&["--case", "orders-poison"]).status.success());
    let dead = |n: u64| {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let listed = json(&dev.ask(&["dlq", "list", "--json"]));
            if listed["messages"] == n || listed["matched"] == n || listed["looked_at"] == n {
                return listed;
            }
            assert!(Instant::now() < until, "{listed}");
            thread::sleep(Duration::from_millis(200));
        }
    };
    let listed = dead(1);
    assert!(listed.to_string().contains("set.total"), "{listed}");
    let key = "orders#ord-evt-3666";
    let here = format!("--endpoint-url {}", dev.dynamodb());
    let listed = out(&dev.ask(&["dlq", "list"]));
    assert!(listed.contains(&format!("tidings dlq show '{key}' {here}")), "{listed}");
    assert!(listed.contains("1 message, 1 reason ("), "{listed}");
    let shown = dev.ask(&["dlq", "show", key]);
    assert!(shown.status.success() && out(&shown).contains("set.total"), "{}{}", out(&shown), err(&shown));
    for command in ["redrive", "drop"] {
        let would = json(&dev.ask(&["dlq", command, "--json"]));
        assert_eq!((&would["dry_run"], &would["messages"]), (&true.into(), &1.into()), "{command}: {would}");
        let asked = dev.ask(&["dlq", command]);
        assert!(out(&asked).contains("--yes applies the change"), "{command}: {}", out(&asked));
        dead(1);
    }
    let redriven = dev.ask(&["dlq", "redrive", "--yes", "--json"]);
    assert_eq!(json(&redriven)["redrive"]["moved"], 1, "{}", err(&redriven));
    // It is dead-lettered again.
    dead(1);
    let replayed = dev.ask(&["replay", "--dlq"]);
    assert!(!err(&replayed).contains("which stack"), "{}", err(&replayed));
    let dropped = dev.ask(&["dlq", "drop", "--yes", "--json"]);
    assert_eq!(json(&dropped)["dropped"], 1, "{}", err(&dropped));
    dead(0);
    let status = json(&dev.ask(&["status", "--json"]));
    assert_eq!(status["backlog"]["queues"][1]["depth"]["visible"], 0, "{status}");
    // The claim names the dead-lettered event, and so does the status.
    assert_eq!(status["next"][0]["do"], format!("tidings dlq list {here}"), "{status}");
    // The second line is of the redrive: the receiver didn't see that event again.
    let lines: Vec<String> = dev.said().lines().filter(|line| line.contains("dead-lettered after")).map(str::to_owned).collect();
    assert!(lines.len() >= 2 && lines.iter().all(|line| line.contains(" order.priced ")), "{lines:?}");
    assert!(dev.said().contains(&format!("tidings events show '{key}' {here}")), "{}", dev.said());
}

#[test]
fn either_address_leads_to_the_other_and_hints_name_the_port() {
    let dev = Dev::start(&[]);
    let sent = dev.send(&["--case", CASE]);
    let hint = format!("--endpoint-url {}", dev.dynamodb());
    assert!(out(&sent).contains(&hint), "{}", out(&sent));
    let key = out(&sent).split("events show '").nth(1).and_then(|rest| rest.split('\'').next()).expect("a key").to_owned();
    dev.claim(&key, "processed");
    for arguments in [
        ["status", "--url", &dev.webhooks],
        ["status", "--endpoint-url", dev.dynamodb()],
        ["events", "list", ""].map(|word| if word.is_empty() { "--json" } else { word }),
    ] {
        if arguments[0] == "events" {
            let listed = run(&["events", "list", "--json", "--endpoint-url", &dev.webhooks]);
            assert!(out(&listed).contains(&key), "by the other address: {}", err(&listed));
            continue;
        }
        let status = run(&[&arguments[..], &["--json"]].concat());
        let status = json(&status);
        assert_eq!(status["endpoint"]["url"], dev.webhooks, "{status}");
        assert!(status["backlog"]["claims"].is_array(), "{status}");
    }
    let linked = run(&["link", "order:1", "whatsapp:1", "--url", &dev.webhooks]);
    assert!(out(&linked).contains(&hint), "{}{}", out(&linked), err(&linked));
}

#[test]
fn the_clock_of_a_running_dev_is_advanced_and_send_signs_by_it() {
    let dev = Dev::start(&[]);
    let moved = json(&run(&["dev", "advance", "45m", "--json", "--url", &dev.webhooks]));
    assert_eq!(moved["ahead_seconds"], 2700, "{moved}");
    assert!(dev.send(&["--case", "slack-app-mention"]).status.success(), "by its clock");
    let stranger = std::env::temp_dir().join(format!("tidings-nobody-{}", std::process::id()));
    let mut stranger_sends = command();
    stranger_sends.env("XDG_RUNTIME_DIR", &stranger).args(["send", "--url", &dev.webhooks, "--case", "github-push"]);
    assert!(stranger_sends.output().expect("the binary").status.success(), "by the machine's clock");
    let refused = run(&["dev", "advance", "401d", "--url", &dev.webhooks]);
    assert_eq!(refused.status.code(), Some(2));
    let nobody = run(&["dev", "advance", "1m", "--url", "http://127.0.0.1:1"]);
    assert!(nobody.status.code() == Some(1) && err(&nobody).contains("is `tidings dev` running?"), "{}", err(&nobody));
}

#[test]
fn env_prints_what_an_sdk_needs() {
    let dev = Dev::start(&[]);
    let printed = out(&run(&["dev", "env", "--url", &dev.webhooks]));
    assert!(printed.contains(&format!("export AWS_ENDPOINT_URL_SQS={}", dev.dynamodb())), "{printed}");
    assert!(printed.contains(&format!("export AWS_ACCESS_KEY_ID={}", dev.token)), "{printed}");
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        assert!(printed.contains(&format!("export {name}=eu-central-1")), "{printed}");
    }
    let url = format!("export ACTIONS_QUEUE_URL={}/123456789012/tidings-actions.fifo", dev.dynamodb());
    assert!(printed.contains(&url), "{printed}");
}

#[test]
fn secrets_of_a_file_are_added_and_sources_without_one_are_reported() {
    let file = std::env::temp_dir().join(format!("tidings-secrets-{}.json", std::process::id()));
    std::fs::write(&file, r#"{"github": [], "orders": "0123456789abcdef0123456789abcdef"}"#).expect("a file");
    let dev = Dev::start(&["--secrets", file.to_str().expect("UTF-8")]);
    let until = Instant::now() + Duration::from_secs(10);
    while !dev.said().contains("no secret") {
        assert!(Instant::now() < until, "{}", dev.said());
        thread::sleep(Duration::from_millis(20));
    }
    assert!(dev.said().contains("github: requests are answered 503"), "{}", dev.said());
    assert!(!dev.said().contains("stripe:"), "{}", dev.said());
    assert_eq!(json(&dev.send(&["--case", "stripe-checkout-completed", "--json"]))["status"], 202, "its demo secret stays");
    assert_eq!(json(&dev.send(&["--case", CASE, "--json"]))["status"], 401, "its own secret is another");
    std::fs::remove_file(file).expect("the file");
}

#[test]
fn a_demo_with_another_consumer_of_the_actions_is_refused() {
    let refused = run(&["dev", "--port", "0", "--demo", "--actions-to", "queue"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("--actions-to URL"), "{}", err(&refused));
    assert_eq!(run(&["dev", "--actions-to", "nowhere"]).status.code(), Some(2));
    let last = run(&["dev", "--port", "65535"]);
    assert!(last.status.code() == Some(2) && err(&last).contains("use the next port"), "{}", err(&last));
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_dev_takes_less_than_a_hundredth_of_a_processor() {
    let dev = Dev::start(&[]);
    thread::sleep(Duration::from_secs(2));
    // In hundredths of a second. User and system time are fields 14 and 15.
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", dev.id())).expect("Linux has it");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number")
    };
    let before = ticks();
    thread::sleep(Duration::from_secs(10));
    let used = ticks() - before;
    assert!(used <= 10, "{used} hundredths of a second in ten seconds");
}
