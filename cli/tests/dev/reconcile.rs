//! `tidings reconcile` against lists in the forms that the providers document, and a running `dev`.

use crate::support::{Dev, command, err, json, out};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json as object};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tidings_config::time::Timestamp;
use tidings_events::Sample;

const TOKEN: &str = "rk_test_tidings_token";

type Answer = (u16, Vec<(&'static str, String)>, String);
type Answers = Box<dyn Fn(&str, usize) -> Answer + Send>;

/// A provider's API. It records what it is asked.
struct Api {
    url: String,
    asked: Arc<Mutex<Vec<(String, HeaderMap)>>>,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Clone)]
struct Behind {
    asked: Arc<Mutex<Vec<(String, HeaderMap)>>>,
    answers: Arc<Mutex<Answers>>,
}

impl Api {
    /// `answers` gets path and query, and how many requests came before.
    fn new(answers: impl Fn(&str, usize) -> Answer + Send + 'static) -> Self {
        let asked = Arc::default();
        let behind = Behind { asked: Arc::clone(&asked), answers: Arc::new(Mutex::new(Box::new(answers))) };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let app = Router::new().fallback(answer).with_state(behind);
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { url, asked, _runtime: runtime }
    }

    fn paths(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").iter().map(|(path, _)| path.clone()).collect()
    }

    fn header(&self, name: &str) -> Option<String> {
        let asked = self.asked.lock().expect("no panic");
        asked.last()?.1.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }
}

async fn answer(State(behind): State<Behind>, request: Request) -> Response {
    let path = request.uri().to_string();
    let before = {
        let mut asked = behind.asked.lock().expect("no panic");
        asked.push((path.clone(), request.headers().clone()));
        asked.len() - 1
    };
    let (status, headers, body) = behind.answers.lock().expect("no panic")(&path, before);
    let response = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
    let response = headers.into_iter().fold(response, |response, (name, value)| response.header(name, value));
    response.body(Body::from(body)).expect("a response")
}

fn ok(body: &Value) -> Answer {
    (200, Vec::new(), body.to_string())
}

fn now_s() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs()).expect("it fits")
}

/// An event as Stripe's list has it: the object of the webhook, with another count of webhooks.
fn event(id: &str, ago_s: i64) -> Value {
    object!({
        "id": id, "object": "event", "api_version": "2025-12-15.clover", "created": now_s() - ago_s,
        "data": { "object": { "id": "in_1", "object": "invoice", "customer": "cus_1", "amount_paid": 4890, "note": "Zürich <3" } },
        "livemode": false, "pending_webhooks": 0, "request": { "id": null, "idempotency_key": null }, "type": "invoice.paid"
    })
}

/// Stripe's list, two events a page, newest first.
fn stripe(events: Vec<Value>) -> Api {
    Api::new(move |path, _| {
        assert!(path.starts_with("/v1/events?limit=100&created%5Bgte%5D="), "{path}");
        let after = path.split_once("&starting_after=").map(|(_, id)| id);
        let from = after.map_or(0, |id| 1 + events.iter().position(|event| event["id"] == id).expect("a known id"));
        let page: Vec<Value> = events.iter().skip(from).take(2).cloned().collect();
        let has_more = from + page.len() < events.len();
        ok(&object!({ "object": "list", "url": "/v1/events", "has_more": has_more, "data": page }))
    })
}

fn reconcile(dev: &Dev, api: &Api, arguments: &[&str]) -> Output {
    let given = ["--url", &dev.webhooks, "--endpoint-url", dev.dynamodb(), "--api", &api.url];
    command()
        .arg("reconcile")
        .args(arguments)
        .args(given)
        .envs([("STRIPE_API_KEY", TOKEN), ("GITHUB_TOKEN", TOKEN), ("SHOPIFY_ACCESS_TOKEN", TOKEN)])
        .output()
        .expect("the binary")
}

/// The keys of what is missing, in order.
fn missing(said: &Value) -> Vec<&str> {
    said["missing"].as_array().expect("a list").iter().map(|one| one["key"].as_str().expect("a key")).collect()
}

#[test]
fn an_event_that_never_arrived_is_found_sent_and_processed_once() {
    let dev = Dev::start(&[]);
    let events = vec![event("evt_3", 60), event("evt_2", 120), event("evt_1", 180), event("evt_other", 200)];
    let api = stripe(events);
    let stripe = |more: &[&str]| reconcile(&dev, &api, &[&["stripe", "--since", "24h", "--json"], more].concat());

    let first = stripe(&[]);
    let said = json(&first);
    assert_eq!((first.status.code(), &said["dry_run"], &said["listed"]), (Some(1), &true.into(), &4.into()), "{said}");
    assert_eq!(missing(&said), ["stripe#evt_other", "stripe#evt_1", "stripe#evt_2", "stripe#evt_3"], "the oldest first");
    assert_eq!(api.header("authorization").as_deref(), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(api.paths().len(), 2, "two pages");
    assert!(json(&dev.ask(&["events", "list", "--json"]))["events"].as_array().is_none_or(Vec::is_empty), "it only read");

    // One arrives meanwhile, with the same id.
    let body = format!("{}/late.json", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&body, event("evt_2", 120).to_string()).expect("a file");
    assert!(dev.send(&["stripe", "--file", &body]).status.success());
    dev.claim("stripe#evt_2", "processed");

    let sent = stripe(&["--send"]);
    let said = json(&sent);
    assert_eq!(sent.status.code(), Some(0), "{said}");
    assert_eq!(missing(&said), ["stripe#evt_other", "stripe#evt_1", "stripe#evt_3"]);
    assert!(said["missing"].as_array().unwrap().iter().all(|one| one["sent"]["status"] == 202), "{said}");
    for key in ["stripe#evt_other", "stripe#evt_1", "stripe#evt_2", "stripe#evt_3"] {
        dev.claim(key, "processed");
    }
    let again = stripe(&["--send"]);
    assert_eq!((again.status.code(), &json(&again)["known"]), (Some(0), &4.into()), "once");

    // One that arrives after the list was compared is a duplicate: sending it again changes nothing.
    let late = dev.send(&["stripe", "--file", &body]);
    assert_eq!(json(&dev.send(&["stripe", "--file", &body, "--json"]))["reply"]["status"], "duplicate", "{}", out(&late));
    let text = out(&reconcile(&dev, &api, &["stripe", "--since", "24h"]));
    assert!(text.contains("4 known, 0 without a claim"), "{text}");
}

#[test]
fn only_wanted_types_and_times_are_compared() {
    let dev = Dev::start(&[]);
    let mut refund = event("evt_r", 7_200);
    refund["type"] = "charge.refunded".into();
    let api = stripe(vec![event("evt_1", 60), refund]);
    let keys = |arguments: &[&str]| {
        let said = json(&reconcile(&dev, &api, &[&["stripe", "--json"], arguments].concat()));
        missing(&said).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(keys(&["--since", "24h", "--type", "charge.*"]), ["stripe#evt_r"]);
    assert_eq!(keys(&["--since", "24h", "--type", "customer.*"]), [""; 0]);
    assert_eq!(keys(&["--since", "1h"]), ["stripe#evt_1"]);
    assert_eq!(keys(&["--since", "24h", "--until", "1h"]), ["stripe#evt_r"]);
    for (arguments, said) in [
        (&["stripe", "--since", "31d"][..], "at most 30d ago"),
        (&["stripe", "--since", "1h", "--until", "2h"], "is before --since"),
        (&["stripe", "--since", "1h", "--of", "hook=1"], "needs no --of"),
        (&["github", "--since", "1h"], "--of hook="),
        (&["github", "--since", "1h", "--of", "hook=repos/../../user"], "allowed: repos/OWNER"),
    ] {
        let refused = reconcile(&dev, &api, arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", err(&refused));
        assert!(err(&refused).contains(said), "{arguments:?}: {}", err(&refused));
    }
    for (source, said) in [("orders", "a scheme of its own"), ("slack", "no list of Slack"), ("strip", "did you mean")] {
        let refused = reconcile(&dev, &api, &[source, "--since", "1h"]);
        assert!(refused.status.code() == Some(1) && err(&refused).contains(said), "{source}: {}", err(&refused));
    }
}

#[test]
fn rate_limits_are_waited_for_and_the_token_is_never_said() {
    let dev = Dev::start(&[]);
    let limited = Api::new(|_, before| match before {
        0 => (429, vec![("retry-after", "1".to_owned())], object!({ "error": { "message": "slow down" } }).to_string()),
        1 => (503, Vec::new(), String::new()),
        _ => ok(&object!({ "object": "list", "has_more": false, "data": [] })),
    });
    let output = reconcile(&dev, &limited, &["stripe", "--since", "1h"]);
    assert_eq!((output.status.code(), limited.paths().len()), (Some(0), 3), "{}{}", out(&output), err(&output));
    assert!(err(&output).contains("the provider answers 429: asked again in 1 s"), "{}", err(&output));

    for (status, body, said) in [
        (401, object!({ "error": { "message": "Invalid API Key provided: \u{1b}[31mrk" } }), "answers 401: Invalid API Key"),
        (302, Value::Null, "answers 302"),
        (200, object!({ "data": 5 }), "isn't as documented"),
        (200, object!({ "has_more": false, "data": [{ "id": "evt_1" }] }), "an entry has no time"),
        (429, Value::Null, "rate limit"),
    ] {
        let after = if status == 429 {
            vec![("retry-after", "3600".to_owned())]
        } else {
            vec![("location", "http://127.0.0.1:9".to_owned())]
        };
        let refusing = Api::new(move |_, _| (status, after.clone(), body.to_string()));
        let output = reconcile(&dev, &refusing, &["stripe", "--since", "1h"]);
        let all = out(&output) + &err(&output);
        assert_eq!((output.status.code(), refusing.paths().len()), (Some(1), 1), "{status}: {all}");
        assert!(all.contains(said) && !all.contains(TOKEN) && !all.contains('\u{1b}'), "{status}: {all}");
    }
    let api = stripe(Vec::new());
    let none = command().args(["reconcile", "stripe", "--since", "1h", "--api", &api.url]).env_remove("STRIPE_API_KEY").output();
    let none = none.expect("the binary");
    assert!(err(&none).contains("set STRIPE_API_KEY or give --token-file FILE"), "{}", err(&none));
    let arguments = ["reconcile", "stripe", "--since", "1h", "--api", "http://api.example"];
    let open = command().args(arguments).env("STRIPE_API_KEY", TOKEN).output().expect("the binary");
    assert!(open.status.code() == Some(2) && err(&open).contains("isn't https"), "{}", err(&open));
}

/// A delivery of GitHub, with its signature as the webhook's own secret makes it.
fn delivery(guid: &str, body: &str, secret: &str) -> Value {
    let source = tidings_project::preset("github").expect("a preset").source("github");
    let mut sample = Sample::of_body(&source, body.as_bytes().to_vec());
    sample.set_header("X-GitHub-Event", "star").expect("a header");
    sample.set_header("X-GitHub-Delivery", guid).expect("a header");
    let signed = sample.sign(&source, secret, Timestamp::from_unix_ms(0), None).expect("signed");
    let headers: serde_json::Map<String, Value> =
        signed.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().expect("text").into())).collect();
    let payload: Value = serde_json::from_str(body).expect("JSON");
    object!({ "request": { "headers": headers, "payload": payload }, "response": { "headers": {}, "payload": "" } })
}

#[test]
fn a_delivery_of_github_is_compared_by_the_bytes_that_its_signature_proves() {
    const SECRET: &str = "tidings-demo-github-secret";
    let dev = Dev::start(&[]);
    let body = |n: u64, title: &str| {
        format!(r#"{{"action":"created","number":{n},"title":{title},"repository":{{"full_name":"octo/shop"}}}}"#)
    };
    // As written with raw text, and with escapes that our own writer wouldn't make.
    let bodies = [
        ("g-1", body(1, r#""Tea""#), SECRET),
        ("g-2", body(2, r#""Zürich \u003c3\u003e""#), SECRET),
        ("g-3", body(3, r#""caf\u00e9""#), SECRET),
        ("g-4", body(4, r#""of another secret""#), "rotated away"),
    ];
    let file = format!("{}/github.json", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&file, &bodies[0].1).expect("a file");
    let arrived = dev.send(&["github", "--file", &file, "--header", "X-GitHub-Event=star", "--header", "X-GitHub-Delivery=g-1"]);
    assert!(arrived.status.success(), "{}{}", out(&arrived), err(&arrived));

    let at = |ago: i64| Timestamp::from_unix_s(now_s() - ago).expect("a time").to_string();
    let entry = |id: u64, guid: &str, ago: i64| {
        object!({ "id": id, "guid": guid, "delivered_at": at(ago), "redelivery": false, "duration": 0.3, "status": "failed to connect",
            "status_code": 502, "event": "star", "action": "created", "installation_id": null, "repository_id": 1 })
    };
    let pages = [
        object!([entry(14, "g-4", 10), entry(13, "g-3", 20), entry(12, "g-2", 30)]),
        // An earlier try of g-2, and one that is too old.
        object!([entry(11, "g-1", 40), entry(10, "g-2", 50), entry(9, "g-0", 90_000)]),
    ];
    let details: Vec<(String, Value)> = bodies
        .iter()
        .zip([11, 12, 13, 14])
        .map(|((guid, body, secret), id)| (format!("/repos/octo/shop/hooks/42/deliveries/{id}"), delivery(guid, body, secret)))
        .collect();
    let address = Arc::new(Mutex::new(String::new()));
    let here = Arc::clone(&address);
    let api = Api::new(move |path, _| {
        if let Some((_, details)) = details.iter().find(|(of, _)| of == path) {
            return ok(details);
        }
        let base = here.lock().expect("no panic").clone();
        let second = "/repos/octo/shop/hooks/42/deliveries?per_page=100&cursor=v1_2";
        match path {
            "/repos/octo/shop/hooks/42/deliveries?per_page=100" => {
                (200, vec![("link", format!("<{base}{second}>; rel=\"next\""))], pages[0].to_string())
            }
            // A third page would be of older deliveries only.
            _ if path == second => (200, vec![("link", format!("<{base}/never>; rel=\"next\""))], pages[1].to_string()),
            _ => panic!("{path}"),
        }
    });
    address.lock().expect("no panic").clone_from(&api.url);
    let github = |more: &[&str]| {
        reconcile(&dev, &api, &[&["github", "--since", "24h", "--of", "hook=repos/octo/shop/hooks/42", "--json"], more].concat())
    };
    let said = json(&github(&[]));
    assert_eq!((&said["listed"], &said["known"], missing(&said).len()), (&3.into(), &1.into(), 2), "{said}");
    assert_eq!(said["unproven"][0]["headers"]["X-GitHub-Delivery"], "g-4", "never sent, as its key isn't known: {said}");
    assert_eq!(api.header("accept").as_deref(), Some("application/vnd.github+json"));
    assert_eq!(api.paths().iter().filter(|path| path.ends_with("/10")).count(), 0, "each delivery once");

    let sent = github(&["--send"]);
    assert_eq!(sent.status.code(), Some(1), "one is still undecided: {}", out(&sent));
    let said = json(&sent);
    let keys = missing(&said).into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert!(keys.iter().all(|key| key.ends_with("+g-2") || key.ends_with("+g-3")), "{keys:?}");
    keys.iter().for_each(|key| drop(dev.claim(key, "processed")));
    // GitHub delivers g-3 itself after all, with its own bytes: the same event.
    std::fs::write(&file, &bodies[2].1).expect("a file");
    let late =
        dev.send(&["github", "--file", &file, "--header", "X-GitHub-Event=star", "--header", "X-GitHub-Delivery=g-3", "--json"]);
    assert_eq!(json(&late)["reply"]["status"], "duplicate", "{}", out(&late));
}

#[test]
fn orders_of_shopify_are_known_by_their_subject_and_sent_only_when_settled() {
    let dev = Dev::start(&[]);
    let at = |ago: i64| Timestamp::from_unix_s(now_s() - ago).expect("a time").to_string();
    let order = |id: u64, ago: i64| object!({ "id": id, "updated_at": at(ago), "total_price": "48.90", "customer": { "id": 7 } });
    let orders = [order(1, 20_000), order(2, 19_000), order(3, 60)];
    // Of the first order, something was received later: whatever it was, its state is known.
    let file = format!("{}/shopify.json", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&file, orders[0].to_string()).expect("a file");
    let paid =
        dev.send(&["shopify", "--file", &file, "--header", "X-Shopify-Topic=orders/paid", "--header", "X-Shopify-Event-Id=e1"]);
    assert!(paid.status.success(), "{}{}", out(&paid), err(&paid));

    let api = Api::new(move |path, _| {
        assert!(path.starts_with("/admin/api/2026-10/orders.json?status=any&limit=250&updated_at_min=20"), "{path}");
        ok(&object!({ "orders": orders }))
    });
    let shopify =
        |more: &[&str]| reconcile(&dev, &api, &[&["shopify", "--since", "2d", "--of", "shop=tidings", "--json"], more].concat());
    let said = json(&shopify(&[]));
    assert_eq!(
        (&said["known"], missing(&said).len(), &said["pending"].as_array().map(Vec::len)),
        (&1.into(), 1, &Some(1)),
        "{said}"
    );
    assert_eq!(said["missing"][0]["subject"], "gid://shopify/Order/2");
    assert_eq!(api.header("x-shopify-access-token").as_deref(), Some(TOKEN));
    let sent = shopify(&["--send"]);
    assert_eq!(sent.status.code(), Some(0), "{}{}", out(&sent), err(&sent));
    let key = missing(&json(&sent))[0].to_owned();
    dev.claim(&key, "processed");
    assert_eq!(json(&shopify(&["--send"]))["known"], 2, "sent once");
}
