//! Outbound webhooks of a running `dev`: registered, delivered, retried, and received by another `dev`.

use crate::support::{Dev, err, json, out, run};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The lines of a request's head, and its body.
type Got = (Vec<String>, String);

/// A server on this machine: it answers each POST with the status that is set, and keeps what it got.
struct Server {
    url: String,
    status: Arc<Mutex<u16>>,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Server {
    fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hooks", listener.local_addr().expect("its address"));
        let (status, got) = (Arc::new(Mutex::new(status)), Arc::new(Mutex::new(Vec::new())));
        let server = Self { url, status: Arc::clone(&status), got: Arc::clone(&got) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.expect("a connection"));
                let mut head = Vec::new();
                for line in stream.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
                    head.push(line);
                }
                let length =
                    head.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                stream.read_exact(&mut body).expect("the body");
                got.lock().expect("no panic").push((head, String::from_utf8(body).expect("UTF-8")));
                let status = *status.lock().expect("no panic");
                let _ = write!(stream.get_mut(), "HTTP/1.1 {status} x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
            }
        });
        server
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().expect("no panic").clone()
    }

    /// What it got, once there are so many.
    fn wait_for(&self, number: usize) -> Vec<Got> {
        let until = Instant::now() + Duration::from_secs(20);
        while self.got().len() < number {
            assert!(Instant::now() < until, "{} of {number}", self.got().len());
            thread::sleep(Duration::from_millis(50));
        }
        self.got()
    }
}

fn added(dev: &Dev, arguments: &[&str]) -> String {
    let added = dev.ask(&[&["endpoints", "add"], arguments, &["--json"]].concat());
    assert!(added.status.success(), "{}", err(&added));
    json(&added)["id"].as_str().expect("an id").to_owned()
}

fn deliveries(dev: &Dev, id: &str) -> Vec<Value> {
    json(&dev.ask(&["endpoints", "attempts", id, "--json"])).as_array().expect("a list").clone()
}

/// The only delivery, once it is in this state.
fn delivery(dev: &Dev, id: &str, state: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let found = deliveries(dev, id);
        if let Some(one) = found.iter().find(|one| one["state"] == state) {
            return one.clone();
        }
        assert!(Instant::now() < until, "{found:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_endpoint_gets_the_events_that_it_subscribes_to_signed_and_once() {
    let (server, dev) = (Server::start(200), Dev::start(&[]));
    let id = added(&dev, &[&server.url, "--event", "checkout.session.*", "--event", "action:*"]);
    assert!(dev.send(&["stripe", "--same"]).status.success());
    assert!(dev.send(&["stripe", "--same"]).status.success());
    let got = server.wait_for(1);
    let (head, body) = &got[0];
    let header = |name: &str| head.iter().any(|line| line.to_ascii_lowercase().starts_with(name));
    assert!(header("webhook-id: msg_") && header("webhook-timestamp: ") && header("webhook-signature: v1,"), "{head:?}");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!((&body["specversion"], &body["type"]), (&"1.0".into(), &"checkout.session.completed".into()));
    let one = delivery(&dev, &id, "delivered");
    assert_eq!((&one["attempts"], &one["log"][0]["status"]), (&1.into(), &200.into()));
    let events = got.iter().filter(|(_, body)| body.contains("checkout.session.completed\",\"data")).count();
    assert!(events <= 1, "a duplicate isn't delivered twice");
}

#[test]
fn tidings_receives_its_own_webhooks() {
    let dev = Dev::start(&[]);
    let folder = std::env::temp_dir().join(format!("tidings-own-webhooks-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("secrets.json");
    // The secret follows from the endpoint's id, so the receiver learns it after the endpoint is registered.
    std::fs::write(&file, "{\"standard-webhooks\": []}").expect("a file");
    let receiver = Dev::start(&["--presets", "--secrets", file.to_str().expect("UTF-8")]);
    let url = format!("{}/webhooks/standard-webhooks", receiver.webhooks);
    let id = added(&dev, &[&url, "--event", "*", "--format", "standard"]);
    let shown = json(&dev.ask(&["endpoints", "show", &id, "--secret", "--json"]));
    let secret = shown["secrets"][0].as_str().expect("a secret");
    std::fs::write(&file, serde_json::json!({ "standard-webhooks": secret }).to_string()).expect("a file");
    // It reads the file again.
    let until = Instant::now() + Duration::from_secs(20);
    while !receiver.said().contains("reloaded") {
        assert!(Instant::now() < until, "{}", receiver.said());
        thread::sleep(Duration::from_millis(50));
    }
    assert!(dev.send(&["stripe", "--same"]).status.success());
    let one = delivery(&dev, &id, "delivered");
    let status = one["log"].as_array().expect("attempts").last().expect("one")["status"].clone();
    assert_eq!(status, 202, "{one}");
    let key = format!("standard-webhooks#{}", one["webhook_id"].as_str().expect("an id"));
    let claim = receiver.claim(&key, "processed");
    assert_eq!(claim["type"], "checkout.session.completed", "{claim}");
    std::fs::remove_dir_all(&folder).expect("it was made");
}

#[test]
fn retries_follow_the_clock_that_is_advanced_and_a_retry_by_hand_begins_anew() {
    let (server, dev) = (Server::start(503), Dev::start(&[]));
    let id = added(&dev, &[&server.url, "--event", "checkout.session.*"]);
    assert!(dev.send(&["stripe", "--same"]).status.success());
    server.wait_for(1);
    delivery(&dev, &id, "pending");
    let advance = |by: &str| {
        let advanced = run(&["dev", "advance", by, "--url", &dev.webhooks]);
        assert!(advanced.status.success(), "{}", err(&advanced));
    };
    advance("45m");
    assert_eq!(server.wait_for(4).len(), 4, "at once, and after 1, 5 and 30 minutes");
    advance("48h");
    assert_eq!(server.wait_for(7).len(), 7, "after 2, 8 and 24 hours");
    let failed = delivery(&dev, &id, "failed");
    assert_eq!(failed["log"].as_array().expect("attempts").len(), 7);

    *server.status.lock().expect("no panic") = 200;
    let dry = dev.ask(&["endpoints", "retry", &id]);
    assert!(out(&dry).contains("1 would be sent again"), "{}", out(&dry));
    let retried = dev.ask(&["endpoints", "retry", &id, "--yes", "--json"]);
    assert_eq!((&json(&retried)["queued"], retried.status.success()), (&1.into(), true));
    delivery(&dev, &id, "delivered");
    let ids: std::collections::BTreeSet<String> = server
        .wait_for(8)
        .into_iter()
        .filter_map(|(head, _)| head.into_iter().find(|line| line.to_ascii_lowercase().starts_with("webhook-id: ")))
        .collect();
    assert_eq!(ids.len(), 1, "one id for all attempts");
}

#[test]
fn an_endpoint_is_tested_disabled_enabled_rotated_and_removed() {
    let (server, dev) = (Server::start(200), Dev::start(&[]));
    let id = added(&dev, &[&server.url, "--event", "none.such"]);
    let tested = dev.ask(&["endpoints", "test", &id]);
    assert!(tested.status.success() && out(&tested).contains("tidings.endpoint.test"), "{}{}", out(&tested), err(&tested));
    *server.status.lock().expect("no panic") = 410;
    let tested = dev.ask(&["endpoints", "test", &id]);
    assert_eq!(tested.status.code(), Some(1), "{}", out(&tested));
    assert!(out(&dev.ask(&["endpoints", "list"])).contains("disabled (gone)"));
    *server.status.lock().expect("no panic") = 200;
    assert!(dev.ask(&["endpoints", "enable", &id]).status.success());
    assert!(dev.ask(&["endpoints", "test", &id]).status.success());
    assert!(dev.ask(&["endpoints", "disable", &id]).status.success());
    assert!(out(&dev.ask(&["endpoints", "list"])).contains("disabled (by_hand)"));
    assert!(err(&dev.ask(&["endpoints", "test", &id])).contains("is disabled"));

    let secrets =
        || json(&dev.ask(&["endpoints", "show", &id, "--secret", "--json"]))["secrets"].as_array().expect("a list").clone();
    let before = secrets();
    assert!(out(&dev.ask(&["endpoints", "rotate", &id])).contains("dry run"));
    assert_eq!(secrets(), before);
    assert!(dev.ask(&["endpoints", "rotate", &id, "--yes"]).status.success());
    assert_eq!((secrets().len(), &secrets()[1]), (2, &before[0]), "the old one signs as well");

    assert!(out(&dev.ask(&["endpoints", "remove", &id])).contains("dry run"));
    assert!(dev.ask(&["endpoints", "remove", &id, "--yes"]).status.success());
    let gone = dev.ask(&["endpoints", "show", &id]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(err(&gone).contains("there is no endpoint"), "{}", err(&gone));
    assert_eq!(json(&dev.ask(&["endpoints", "list", "--json"])), serde_json::json!([]));
}

#[test]
fn an_endpoint_that_may_not_be_reached_is_not_registered() {
    let dev = Dev::start(&[]);
    for (url, said) in [
        ("http://example.com/", "allowed: https"),
        ("https://169.254.169.254/", "isn't public"),
        ("https://me:hunter2@example.com/", "user name"),
        ("https://example.com:22/", "allowed: 443, 8443"),
    ] {
        let refused = dev.ask(&["endpoints", "add", url, "--event", "*"]);
        assert_eq!(refused.status.code(), Some(2), "{url}");
        assert!(err(&refused).contains(said) && !err(&refused).contains("hunter2"), "{url}: {}", err(&refused));
    }
    let refused = dev.ask(&["endpoints", "add", "https://example.com/", "--event", "*", "--when", "data.total >"]);
    assert_eq!(refused.status.code(), Some(2));
    let refused = dev.ask(&["endpoints", "add", "https://example.com/", "--event", "*", "--header", "Authorization=hunter2"]);
    assert!(refused.status.code() == Some(2) && err(&refused).contains("would hold a secret"), "{}", err(&refused));
}

/// The status and the JSON of an answer of the endpoints' API.
fn api(dev: &Dev, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", dev.webhooks))
        .header("authorization", format!("Bearer {token}"))
        .header("idempotency-key", "of-a-test");
    let mut answer = agent.run(request.body(body.to_string()).expect("a request")).expect("an answer");
    let text = answer.body_mut().read_to_string().expect("text");
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[test]
fn a_customer_registers_an_endpoint_over_http_and_gets_its_events() {
    let (server, dev) = (Server::start(200), Dev::start(&[]));
    let token = |owner: &str| out(&dev.ask(&["endpoints", "portal-token", "--owner", owner])).trim().to_owned();
    let (seven, eight) = (token("customer-7"), token("customer-8"));
    let new = serde_json::json!({"url": server.url, "events": ["checkout.session.*"]});
    assert_eq!(api(&dev, "a-token-of-nobody-with-32-characters", "POST", "/endpoints", &new).0, 401);
    let (status, made) = api(&dev, &seven, "POST", "/endpoints", &new);
    assert_eq!((status, made["owner"].as_str()), (201, Some("customer-7")), "{made}");
    let id = made["id"].as_str().expect("an id");
    let shown = json(&dev.ask(&["endpoints", "show", id, "--secret", "--json"]));
    assert_eq!(made["secrets"], shown["secrets"], "the command shows the secret that the creation told");
    assert_eq!(api(&dev, &eight, "GET", &format!("/endpoints/{id}"), &Value::Null).0, 404);
    assert_eq!(api(&dev, &dev.token, "GET", &format!("/endpoints/{id}"), &Value::Null).0, 200, "the backend sees all");
    assert!(dev.send(&["stripe"]).status.success());
    server.wait_for(1);
    delivery(&dev, id, "delivered");
    let (_, attempts) = api(&dev, &seven, "GET", &format!("/endpoints/{id}/attempts?state=delivered"), &Value::Null);
    assert_eq!(attempts["deliveries"][0]["attempts"][0]["status"], 200, "{attempts}");
    assert_eq!(api(&dev, &seven, "DELETE", &format!("/endpoints/{id}"), &Value::Null).0, 204);
    assert!(err(&dev.ask(&["endpoints", "show", id])).contains("no endpoint"));
}
