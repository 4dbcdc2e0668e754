//! `tidings events list` and `tail`, with events of a running `dev`.

use crate::stack::Stack;
use crate::support::{Dev, err, golden, json, out, run};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const CONVERSATION: &str = "whatsapp:491713920012";

fn keys(events: &Value) -> Vec<&str> {
    events.as_array().expect("an array").iter().map(|event| event["key"].as_str().expect("a key")).collect()
}

/// Two events of one conversation, sent in reverse order, and one of another.
fn lived() -> Dev {
    let dev = Dev::start(&[]);
    for (case, key) in [
        ("orders-delivered-early", "orders#ord-evt-3002"),
        ("stripe-checkout-completed", "stripe#evt_1TidingsCheckout1042"),
        ("slack-app-mention", "slack#Ev0TIDINGS001"),
    ] {
        assert!(dev.send(&["--case", case]).status.success(), "{case}");
        dev.claim(key, "processed");
    }
    dev
}

#[test]
fn the_newest_of_all_events_are_listed_with_the_cost_of_the_scan() {
    let dev = lived();
    golden("events-list", &dev.ask(&["events", "list"]), 0);
    let all = json(&dev.ask(&["events", "list", "--json"]));
    assert_eq!(keys(&all), ["slack#Ev0TIDINGS001", "stripe#evt_1TidingsCheckout1042", "orders#ord-evt-3002"]);
    let received = all[1]["received"].as_str().expect("a time").to_owned();

    for (filter, expected) in [
        (&["--limit", "2"][..], &["slack#Ev0TIDINGS001", "stripe#evt_1TidingsCheckout1042"][..]),
        (&["--source", "orders"], &["orders#ord-evt-3002"]),
        (&["--type", "checkout.*"], &["stripe#evt_1TidingsCheckout1042"]),
        (&["--state", "processed", "--source", "slack"], &["slack#Ev0TIDINGS001"]),
        (&["--state", "dead"], &[]),
        (&["--since", &received], &["slack#Ev0TIDINGS001", "stripe#evt_1TidingsCheckout1042"]),
        (&["--until", &received], &["stripe#evt_1TidingsCheckout1042", "orders#ord-evt-3002"]),
        (&["--until", "1h"], &[]),
        (&["--since", "1h"], &["slack#Ev0TIDINGS001", "stripe#evt_1TidingsCheckout1042", "orders#ord-evt-3002"]),
    ] {
        let listed = dev.ask(&[&["events", "list", "--json"], filter].concat());
        assert_eq!(keys(&json(&listed)), expected, "{filter:?}");
        assert!(err(&listed).contains("3 claims read"), "{}", err(&listed));
    }
}

#[test]
fn a_conversations_events_are_listed_by_their_own_time_and_nothing_else_is_read() {
    let dev = lived();
    golden("events-list-conversation", &dev.ask(&["events", "list", "--conversation", CONVERSATION]), 0);
    for (filter, expected) in [
        (&[][..], &["orders#ord-evt-3002", "stripe#evt_1TidingsCheckout1042"][..]),
        (&["--limit", "1"], &["orders#ord-evt-3002"]),
        (&["--since", "2026-11-21T09:30:00Z"], &["orders#ord-evt-3002"]),
        (&["--since", "2026-11-21T09:30:00.001Z"], &[]),
        (&["--until", "2026-11-20T10:00:00Z"], &["stripe#evt_1TidingsCheckout1042"]),
        (&["--until", "2026-11-20T09:59:59.999Z"], &[]),
        (&["--source", "stripe", "--limit", "1"], &["stripe#evt_1TidingsCheckout1042"]),
    ] {
        let listed = dev.ask(&[&["events", "list", "--json", "--conversation", CONVERSATION], filter].concat());
        assert_eq!(keys(&json(&listed)), expected, "{filter:?}");
        assert!(!err(&listed).contains("claims read"), "{}", err(&listed));
    }
    let nobody = dev.ask(&["events", "list", "--conversation", "nobody"]);
    assert_eq!((nobody.status.code(), out(&nobody), err(&nobody).trim()), (Some(0), String::new(), "no event matches"));
}

/// A running `tail`, which is ended with the test.
struct Tail(Child);

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_tail_prints_each_state_of_each_event_once_until_it_is_interrupted() {
    let dev = Dev::start(&[]);
    assert!(dev.send(&["--case", "stripe-checkout-completed"]).status.success());
    dev.claim("stripe#evt_1TidingsCheckout1042", "processed");
    let once = dev.ask(&["events", "tail", "--once"]);
    assert_eq!((once.status.code(), out(&once).lines().count()), (Some(0), 1));
    assert!(err(&once).contains("1 claims: the whole table is read every 2s"), "{}", err(&once));

    let tail = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .args(["events", "tail", "--every", "1s", "--json", "--endpoint-url", dev.dynamodb()])
        .stdout(Stdio::piped())
        .spawn();
    let mut tail = Tail(tail.expect("the binary"));
    let mut lines = BufReader::new(tail.0.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let mut next = || -> (String, String) {
        let event: Value = serde_json::from_str(&lines.next().expect("a line")).expect("JSON");
        (event["key"].as_str().unwrap().to_owned(), event["state"].as_str().unwrap().to_owned())
    };
    assert_eq!(next(), ("stripe#evt_1TidingsCheckout1042".to_owned(), "processed".to_owned()));
    // A poison event: it is queued for some polls, and then dead-lettered.
    assert!(dev.send(&["--case", "orders-poison"]).status.success());
    let poison = |state: &str| ("orders#ord-evt-3666".to_owned(), state.to_owned());
    assert_eq!(next(), poison("received"));
    assert_eq!(next(), poison("dead"));
    let interrupted = Command::new("kill").args(["-INT", &tail.0.id().to_string()]).status().expect("kill");
    assert!(interrupted.success() && tail.0.wait().expect("its end").success());
    assert_eq!(lines.next(), None);
}

#[test]
fn wrong_usage_is_explained() {
    for (arguments, said) in [
        (&["events", "list", "--limit", "0"][..], "allowed: 1 to 1000"),
        (&["events", "list", "--limit", "1001"], "allowed: 1 to 1000"),
        (&["events", "list", "--since", "yesterday"], "90s, 10m, 24h, 7d ago"),
        (&["events", "list", "--state", "lost"], "[possible values: received, enqueued, processed, dead]"),
        (&["events", "list", "--type", "order.ship*"], "as order.shipped, order.*"),
        (&["events", "tail", "--every", "500ms"], "isn't a duration"),
    ] {
        let refused = run(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(err(&refused).contains(said), "{arguments:?}: {}", err(&refused));
    }
    for command in ["list", "tail"] {
        assert!(out(&run(&["events", command, "--help"])).contains("--stack tidings --state dead"), "{command}");
        let nobody = run(&["events", command, "--endpoint-url", "http://127.0.0.1:9"]);
        assert_eq!(nobody.status.code(), Some(1));
        assert!(err(&nobody).contains("check that a `tidings dev` listens at"), "{}", err(&nobody));
    }
}

/// An event with an invalid time, and the same event with another body.
#[test]
fn oddities_of_an_event_are_in_its_story_in_the_list_and_in_the_output_of_dev() {
    const ODD: &str = "orders#ord-evt-3667";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder");
    let body = std::fs::read_to_string(root.join("events/bodies/orders_batchmate.json")).expect("the body");
    let mut body: Value = serde_json::from_str(&body).expect("JSON");
    let file = std::env::temp_dir().join(format!("tidings-odd-{}.json", std::process::id()));
    let dev = Dev::start(&["-v"]);
    for at in ["soon", "later", "later"] {
        body["occurred_at"] = at.into();
        std::fs::write(&file, body.to_string()).expect("a file");
        let file = file.to_str().expect("a path");
        assert!(dev.send(&["--case", "orders-batchmate", "--file", file]).status.success(), "{at}");
        dev.claim(ODD, "processed");
    }
    std::fs::remove_file(&file).expect("the file");
    golden("event-odd", &dev.ask(&["events", "show", ODD]), 0);
    let listed = json(&dev.ask(&["events", "list", "--json"]));
    assert_eq!(listed[0]["unread"], serde_json::json!(["time"]));
    assert_eq!(listed[0]["other_bodies"].as_array().map(Vec::len), Some(1));
    let said = dev.said();
    let steps = |step: &str| said.lines().filter(|line| line.contains(step)).count();
    assert_eq!((steps("other_body"), steps("unread")), (2, 3), "{said}");
    assert!(said.contains("time can't be read"), "{said}");
}

#[test]
fn an_event_s_story_says_where_its_message_is() {
    const DEAD: &str = "orders#ord-evt-3666";
    let dev = Dev::start(&[]);
    assert!(dev.send(&["--case", "orders-poison"]).status.success());
    dev.claim(DEAD, "dead");
    // The claim is `dead` after the last receive. The queue moves the message at the next one.
    let until = Instant::now() + Duration::from_secs(20);
    while !out(&dev.ask(&["dlq", "list", "--json"])).contains(DEAD) {
        assert!(Instant::now() < until, "the message is moved");
        thread::sleep(Duration::from_millis(50));
    }
    golden("event-dead-dev", &dev.ask(&["events", "show", DEAD]), 0);
    let stack = Stack::around(&dev, "{}");
    golden("event-dead-gone", &stack.ask(&["events", "show", DEAD]), 0);
    stack.dead_letter(&format!(r#"{{"claimkey":"{DEAD}"}}"#));
    golden("event-dead", &stack.ask(&["events", "show", DEAD]), 0);
    stack.dead_letter(&format!(r#"{{"claimkey":"{DEAD}"}}"#));
    let json = stack.ask_json(&["events", "show", DEAD]);
    assert_eq!(json["message"], serde_json::json!({ "queue": "dead_letters", "found": true }));
}
