//! The inspector of a running `dev`: who may read it, what its data is, what it hides. Pages: `tests/inspector/run`.

use crate::access::raw;
use crate::stack::Stack;
use crate::support::{Dev, command, json, out};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A page of the inspector, with its key.
struct Page<'d> {
    dev: &'d Dev,
    host: String,
    key: String,
}

impl<'d> Page<'d> {
    /// Gets the key, as a page that this user has opened.
    fn open(dev: &'d Dev) -> Self {
        let host = dev.webhooks.trim_start_matches("http://").to_owned();
        let (status, answer) = raw(&dev.webhooks, "POST", "/_dev/api/session", &[("host", &host)], "");
        assert_eq!(status, 200, "{answer}");
        let key = body(&answer)["key"].as_str().expect("a key").to_owned();
        Self { dev, host, key }
    }

    fn ask(&self, method: &str, path: &str, given: &str) -> (u16, Value) {
        let json = ("content-type", "application/json");
        let headers = [("host", self.host.as_str()), ("x-tidings-key", self.key.as_str()), json];
        let (status, answer) = raw(&self.dev.webhooks, method, &format!("/_dev/api/{path}"), &headers, given);
        (status, body(&answer))
    }

    fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, "");
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }
}

/// The JSON of a response, which may be chunked.
fn body(answer: &str) -> Value {
    let json = answer.split_once("\r\n\r\n").expect("a body").1;
    let (start, end) = (json.find('{').unwrap_or_default(), json.rfind('}').map_or(0, |end| end + 1));
    serde_json::from_str(json.get(start..end).unwrap_or_default()).unwrap_or_default()
}

fn encoded(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A running `tidings inspect`, with its key.
struct Inspect {
    process: Child,
    url: String,
    host: String,
    key: String,
}

impl Inspect {
    fn start(options: &[&str]) -> Self {
        let mut command = command();
        command.args(["inspect", "--port", "0", "--json"]).args(options).stdout(Stdio::piped());
        command.envs([("AWS_ACCESS_KEY_ID", "none"), ("AWS_SECRET_ACCESS_KEY", "none"), ("AWS_MAX_ATTEMPTS", "1")]);
        let mut process = command.spawn().expect("the binary");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let address = said["address"].as_str().unwrap_or_else(|| panic!("no address: {line}"));
        let url = address.split("/#").next().unwrap_or_default().trim_end_matches('/').to_owned();
        let host = url.trim_start_matches("http://").to_owned();
        let (status, answer) = raw(&url, "POST", "/api/session", &[("host", &host)], "");
        assert_eq!(status, 200, "{answer}");
        let key = body(&answer)["key"].as_str().expect("a key").to_owned();
        Self { process, url, host, key }
    }

    fn get(&self, path: &str) -> (u16, String) {
        raw(&self.url, "GET", path, &[("host", &self.host), ("x-tidings-key", &self.key)], "")
    }

    /// Stops it like Ctrl-C.
    fn stop(mut self) {
        let sent = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status().expect("kill");
        assert!(sent.success() && self.process.wait().expect("its end").success());
    }
}

impl Drop for Inspect {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const CHECKOUT: &str = "stripe#evt_1TidingsCheckout1042";
pub(crate) const DEAD: &str = "orders#ord-evt-3666";

/// Sends an event that can't be processed, and waits until its message is in the dead-letter queue.
pub(crate) fn dead_letter(dev: &Dev) {
    dev.send(&["--case", "orders-poison"]);
    dev.claim(DEAD, "dead");
    let until = Instant::now() + Duration::from_secs(20);
    while out(&dev.ask(&["dlq", "list", "--each", "--json"])).is_empty() {
        assert!(Instant::now() < until, "its message isn't in the dead-letter queue");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn data_is_refused_without_the_key_and_to_other_pages_hosts_and_methods() {
    let dev = Dev::start(&[]);
    let page = Page::open(&dev);
    let port = page.host.rsplit(':').next().unwrap().to_owned();
    let rebound = format!("evil.example:{port}");
    let name = format!("localhost:{port}");
    let origin = format!("http://{}", page.host);
    let elsewhere = format!("http://127.0.0.1:{}", port.parse::<u16>().unwrap().wrapping_add(1));
    let (host, key) = (("host", page.host.as_str()), ("x-tidings-key", page.key.as_str()));
    let refused: [(&[(&str, &str)], u16); 13] = [
        (&[("host", &rebound), key], 403),
        (&[("host", "evil.example"), key], 403),
        (&[("host", "127.0.0.1"), key], 403),
        (&[("host", ""), key], 403),
        (&[key], 403),
        (&[host, key, ("origin", "https://evil.example")], 403),
        (&[host, key, ("origin", &elsewhere)], 403),
        (&[host, key, ("origin", "null")], 403),
        (&[host, key, ("sec-fetch-site", "cross-site")], 403),
        (&[host, key, ("sec-fetch-site", "same-site")], 403),
        (&[host], 401),
        (&[host, ("x-tidings-key", &dev.token)], 401),
        (&[host, key, key], 401),
    ];
    for path in ["about", "status", "events", "live", "requests", "dead-letters", "events/a", "nothing", "a/b/c"] {
        for (headers, status) in &refused {
            let (seen, answer) = raw(&dev.webhooks, "GET", &format!("/_dev/api/{path}"), headers, "");
            assert_eq!(seen, *status, "{path} {headers:?}");
            assert!(!answer.to_lowercase().contains("access-control"), "{answer}");
        }
    }
    for (headers, status) in refused.iter().filter(|(_, status)| *status == 403) {
        assert_eq!(raw(&dev.webhooks, "POST", "/_dev/api/session", headers, "").0, *status, "the key: {headers:?}");
        assert_eq!(raw(&dev.webhooks, "POST", "/_dev/api/dead-letters/redrive", headers, "{}").0, *status, "{headers:?}");
    }
    let own: [&[(&str, &str)]; 3] = [
        &[host, key],
        &[("host", &name), key],
        &[host, key, ("origin", &origin), ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")],
    ];
    for headers in own {
        assert_eq!(raw(&dev.webhooks, "GET", "/_dev/api/about", headers, "").0, 200, "{headers:?}");
    }
    assert_eq!(page.ask("GET", "nothing", "").0, 404);
    assert_eq!(page.ask("PUT", "events", "").0, 405);
    assert_eq!(page.ask("GET", "dead-letters/redrive", "").0, 405, "a redrive isn't a link");
}

#[test]
fn the_pages_are_only_served_under_this_servers_name_and_only_by_a_get() {
    let dev = Dev::start(&[]);
    let host = dev.webhooks.trim_start_matches("http://").to_owned();
    for path in ["/_dev/", "/_dev/assets/app.js"] {
        assert_eq!(raw(&dev.webhooks, "GET", path, &[("host", &host)], "").0, 200, "{path}");
        assert_eq!(raw(&dev.webhooks, "GET", path, &[("host", "evil.example")], "").0, 403, "{path}");
        assert_eq!(raw(&dev.webhooks, "POST", path, &[("host", &host)], "").0, 405, "{path}");
    }
    for path in ["/_dev/assets/index.html", "/_dev/assets/..%2fmod.rs", "/_dev/assets/mod.rs", "/_dev/assets/"] {
        let (seen, answer) = raw(&dev.webhooks, "GET", path, &[("host", &host)], "");
        assert!([401, 404].contains(&seen), "{path}: {answer}");
    }
}

#[test]
fn its_data_is_what_the_commands_print() {
    let dev = Dev::start(&["--keep-events"]);
    dev.send(&["--case", "stripe-checkout-completed"]);
    dev.claim(CHECKOUT, "processed");
    dead_letter(&dev);
    let page = Page::open(&dev);

    let listed = page.get("events?source=stripe&limit=5");
    assert_eq!(listed["events"], json(&dev.ask(&["events", "list", "--source", "stripe", "--json"])));
    assert_eq!(page.get("events?text=ORD-EVT")["events"].as_array().map(Vec::len), Some(1), "a part of a key, in any case");
    let story = page.get(&format!("events/{}", encoded(CHECKOUT)));
    assert_eq!(story["event"], json(&dev.ask(&["events", "show", CHECKOUT, "--payload", "--json"])));
    let explained = json(&dev.ask(&["rules", "explain", CHECKOUT, "--json"]));
    assert_eq!(story["explained"]["rules"], explained["explained"]["rules"]);
    assert_eq!(story["requests"][0]["events"][0]["key"], CHECKOUT);
    let context = page.get(&format!("conversations/{}", encoded("whatsapp:491713920012")));
    assert_eq!(context, json(&dev.ask(&["context", "show", "whatsapp:491713920012", "--json"])));
    let dead = page.get("dead-letters?source=orders");
    let printed = json(&dev.ask(&["dlq", "list", "--source", "orders", "--json"]));
    for name in ["groups", "messages", "looked_at", "complete"] {
        assert_eq!(dead[name], printed[name], "{name}");
    }
    assert_eq!(dead["events"], Value::Array(vec![json(&dev.ask(&["dlq", "list", "--each", "--json"]))]));
    let (mut status, mut printed) = (page.get("status"), json(&dev.ask(&["status", "--url", &dev.webhooks, "--json"])));
    (status["at"], printed["at"]) = (Value::Null, Value::Null);
    assert_eq!(status, printed);

    for (path, said) in [
        ("events?state=lost", "possible values: received, enqueued, processed, dead"),
        ("events?since=yesterday", "24h, 7d ago"),
        ("events?yes=1", "isn't a parameter, allowed: source"),
        ("events?limit=0", "allowed: 1 to 1000"),
        ("status?over=1s", "allowed: 5m to"),
    ] {
        let (status, answer) = page.ask("GET", path, "");
        assert!(status == 400 && answer["error"].as_str().unwrap().contains(said), "{path}: {answer}");
    }
    let (status, answer) = page.ask("GET", "events/stripe%23none", "");
    assert!(status == 404 && answer["hint"].as_str().unwrap().contains("never received"), "{answer}");
    assert_eq!(page.ask("GET", "conversations/nobody", "").0, 404);
}

#[test]
fn a_redrive_needs_a_confirmation_and_a_replay_changes_nothing() {
    let dev = Dev::start(&[]);
    dead_letter(&dev);
    let page = Page::open(&dev);
    let filter = json!({ "filter": { "key": DEAD } });
    let (status, would) = page.ask("POST", "dead-letters/redrive", &filter.to_string());
    assert_eq!((status, &would["dry_run"], &would["messages"]), (200, &json!(true), &json!(1)), "{would}");
    let (_, replayed) = page.ask("POST", &format!("events/{}/replay", encoded(DEAD)), "");
    assert_eq!(replayed["replayed"]["events"][0]["state"], "dead", "{replayed}");
    assert_eq!(page.get("dead-letters")["messages"], 1, "both left it there");
    for bad in [r#"{"filter": {"yes": "1"}}"#, r#"{"yes": true}"#, r#"["--yes"]"#, "{", ""] {
        assert!((400..500).contains(&page.ask("POST", "dead-letters/redrive", bad).0), "{bad}");
    }
    let confirmed = json!({ "filter": { "key": DEAD }, "confirmed": true });
    let (_, moved) = page.ask("POST", "dead-letters/redrive", &confirmed.to_string());
    assert_eq!(moved["redrive"], json!({ "moved": 1, "in_both": 0, "refused": 0, "failed": 0 }));
}

#[test]
fn a_request_is_kept_with_its_diagnosis_and_without_its_proof() {
    let dev = Dev::start(&[]);
    dev.send(&["--case", "stripe-checkout-completed"]);
    dev.send(&["github", "--tamper", "signature"]);
    raw(&dev.webhooks, "POST", "/webhooks/strip", &[("host", "x"), ("x-token", "c4n4ry")], "{\"token\":\"c4n4ry\"}");
    raw(&dev.webhooks, "GET", "/health", &[("host", "x")], "");
    dev.claim(CHECKOUT, "processed");
    let page = Page::open(&dev);
    let all = page.get("requests");
    let statuses: Vec<&Value> = all["requests"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, [404, 401, 202], "newest first, without our own pages");
    let of = |n: usize| page.get(&format!("requests/{}", all["requests"][n]["id"].as_str().unwrap()));
    let (unknown, forged, accepted) = (of(0), of(1), of(2));
    assert!(unknown["verify"]["hints"][0].as_str().unwrap().contains("stripe"), "{unknown}");
    assert!(!unknown.to_string().contains("c4n4ry"), "{unknown}");
    assert!(forged["verify"]["why"].as_str().unwrap().contains("doesn't match"), "{forged}");
    assert_eq!(accepted["verify"]["answer"]["events"][0]["key"], CHECKOUT);
    let header =
        |one: &Value, name: &str| one["headers"].as_array().unwrap().iter().find(|h| h["name"] == name).cloned().unwrap();
    assert_eq!(header(&forged, "x-hub-signature-256"), json!({ "name": "x-hub-signature-256", "hidden_bytes": 71 }));
    assert_eq!(header(&forged, "x-github-event")["value"], "issues");

    let id = all["requests"][2]["id"].as_str().unwrap();
    let (_, sent) = page.ask("POST", &format!("requests/{id}/send"), "");
    assert_eq!((&sent["status"], &sent["signed_again"]), (&json!(200), &json!(true)), "a duplicate: {sent}");
    let id = all["requests"][1]["id"].as_str().unwrap();
    let (_, sent) = page.ask("POST", &format!("requests/{id}/send"), "");
    assert_eq!((&sent["status"], &sent["signed_again"]), (&json!(401), &json!(false)), "as it was: {sent}");
    assert_eq!(page.ask("GET", "requests/1-1", "").0, 404);
}

#[test]
fn the_inspector_of_another_process_has_the_same_events_and_no_requests() {
    let dev = Dev::start(&[]);
    dev.send(&["--case", "stripe-checkout-completed"]);
    dev.claim(CHECKOUT, "processed");
    let inspect = Inspect::start(&["--endpoint-url", dev.dynamodb()]);
    assert_eq!(inspect.get("/").0, 200);
    assert_eq!(body(&inspect.get("/api/events").1)["events"], json(&dev.ask(&["events", "list", "--json"])));
    assert_eq!(inspect.get("/api/requests").0, 404);
    assert_eq!(body(&inspect.get("/api/about").1)["requests"], false);
    inspect.stop();

    let gone = dev.ask(&["events", "list", "--text", "evt_1tidings", "--json"]);
    assert!(out(&gone).contains(CHECKOUT), "the command has the same search");
}

#[test]
fn the_inspector_of_a_stack_reads_the_stacks_own_tables_and_says_what_it_read() {
    let dev = Dev::start(&["--keep-events"]);
    dev.send(&["--case", "stripe-checkout-completed"]);
    dev.claim(CHECKOUT, "processed");
    let stack = Stack::around(&dev, "{}");
    let inspect = Inspect::start(&["--stack", "shop", "--region", "eu-central-1", "--endpoint-url", &stack.endpoint]);
    let about = body(&inspect.get("/api/about").1);
    assert_eq!((&about["stack"], &about["billed"], &about["requests"]), (&json!("shop"), &json!(true), &json!(false)));
    assert!(about["project"].is_string() && about["sources"].as_array().is_some_and(|all| all.contains(&json!("stripe"))));
    let listed = body(&inspect.get("/api/events?source=stripe").1);
    assert_eq!((&listed["events"][0]["key"], listed["read"].as_u64() >= Some(1)), (&json!(CHECKOUT), true), "{listed}");
    let story = body(&inspect.get(&format!("/api/events/{}", encoded(CHECKOUT))).1);
    let matches = story["explained"]["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "checkout-paid");
    assert_eq!(matches.map(|rule| &rule["is_about"]), Some(&json!(true)), "{story}");
    let status = body(&inspect.get("/api/status").1);
    assert_eq!(status["stack"], "shop");
    assert!(status["alarms"]["needs"].is_string(), "what can't be read is named: {status}");
    inspect.stop();
}

#[test]
fn without_a_dev_and_without_a_stack_it_says_what_to_do() {
    let asked = command().args(["inspect", "--port", "0", "--endpoint-url", "http://127.0.0.1:1"]).output().expect("the binary");
    let said = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert_eq!(asked.status.code(), Some(1), "{said}");
    assert!(said.contains("no `tidings dev` responds") && said.contains("--stack"), "{said}");
}
