//! What the log shows, and what it never does.

use crate::support::{ACCEPTED, DUPLICATE, Harness, TRY_AGAIN, UNAUTHENTIC, order, set};
use serde_json::json;
use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::sync::Once;
use tidings_core::memory::{Call, Fault};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps every event of every level as a line, by thread: each test has a thread of its own.
struct Capture;

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        LINES.with_borrow_mut(|lines| lines.push(line.0));
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).expect("a String takes all");
    }
}

/// Once for all tests: an event's callsite must not be met before there is somebody to listen.
pub(crate) fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Capture).expect("nothing else listens"));
}

/// This test's lines so far.
pub(crate) fn lines() -> Vec<String> {
    LINES.with_borrow(Clone::clone)
}

/// How many of this test's lines hold all of these texts.
pub(crate) fn lines_with(texts: &[&str]) -> usize {
    lines().iter().filter(|line| texts.iter().all(|text| line.contains(text))).count()
}

const SECRET: &str = "canary-secret-3f1c";
const BODY: &str = "canary-body-77ab";
const SIGNATURE: &str = "canary-signature-0d9e";
const HEADER: &str = "canary-header-51c0";

#[tokio::test]
async fn neither_a_body_nor_a_secret_nor_a_signature_is_ever_logged() {
    let secrets = json!({"orders": [SECRET, "another"], "github": SECRET, "svix": format!("whsec_{SECRET}")}).to_string();
    let harness = Harness::warm_with(&secrets).await;
    let mut shown = Vec::new();
    let body = |id: &str| {
        let mut body: serde_json::Value = serde_json::from_slice(&order(id, "1")).unwrap();
        body["note"] = json!(BODY);
        body.to_string()
    };
    let mut signatures = Vec::new();
    let mut send = async |mut request: tidings_events::SignedRequest, expected| {
        set(&mut request, "authorization", HEADER);
        for name in ["x-orders-signature", "x-hub-signature-256"] {
            signatures.extend(request.headers.get(name).map(|v| v.to_str().unwrap().trim_start_matches("v1=").to_owned()));
        }
        let answer = harness.send(&request).await;
        assert_eq!(answer.said(), expected);
        shown.push(answer.text);
    };

    // Accepted, known, known with another body, not durable.
    send(harness.signed_with("orders", SECRET, body("e1")), ACCEPTED).await;
    send(harness.signed_with("orders", SECRET, body("e1")), DUPLICATE).await;
    send(harness.signed_with("orders", SECRET, format!("{} ", body("e1"))), DUPLICATE).await;
    harness.faults.fail(Call::Send, Fault::Refuse, 1);
    send(harness.signed_with("orders", SECRET, body("e2")), TRY_AGAIN).await;

    // Authentic, but nothing that we can use.
    send(harness.signed_with("orders", SECRET, format!("{{\"{BODY}\": ")), (400, "truncated_json")).await;
    send(harness.signed_with("orders", SECRET, format!("\"{BODY}\" {BODY}")), (400, "not_json")).await;
    send(harness.signed_with("orders", SECRET, json!({"x": BODY}).to_string()), (400, "no_type")).await;
    send(harness.signed_with("orders", SECRET, [BODY.as_bytes(), &[0xff]].concat()), (400, "not_utf8")).await;

    // Forged in every way, with a signature that is kept nowhere.
    for signature in [format!("v1={SIGNATURE}"), SIGNATURE.to_owned(), format!("v1={}", "ab".repeat(3_000)), "v1=abab".to_owned()]
    {
        let mut forged = harness.signed_with("orders", "another key", body("e3"));
        set(&mut forged, "x-orders-signature", &signature);
        send(forged, UNAUTHENTIC).await;
    }
    let mut dated = harness.signed_with("orders", SECRET, body("e3"));
    set(&mut dated, "x-orders-timestamp", SIGNATURE);
    send(dated, UNAUTHENTIC).await;

    // The secrets' own ways to go wrong.
    harness.wait(400);
    harness.secrets.set(format!("{{\"orders\": [\"{SECRET}\", 7]}}"));
    send(harness.signed_with("orders", SECRET, body("e4")), ACCEPTED).await;
    harness.wait(400);
    harness.secrets.set(format!("{SECRET}: not a document"));
    send(harness.signed_with("orders", SECRET, body("e5")), ACCEPTED).await;
    send(harness.signed("svix", body("e6")), TRY_AGAIN).await;

    shown.extend(lines());
    assert!(shown.len() > 40, "{} lines: the log was captured", shown.len());
    for canary in [SECRET, BODY, SIGNATURE, HEADER].into_iter().chain(signatures.iter().map(String::as_str)) {
        for line in &shown {
            assert!(!line.contains(canary), "{canary} in {line}");
        }
    }
}

#[tokio::test]
async fn a_refusal_logs_its_reason_and_a_reply_does_not_tell_it() {
    let harness = Harness::warm().await;
    harness.send(&harness.case("github-forged")).await;
    assert_eq!(lines_with(&["unauthentic", "reason=the signature doesn't match any secret"]), 1, "{:#?}", lines());
    assert_eq!(lines_with(&["emf=", "\"Unauthentic\":1", "\"source\":\"github\""]), 1, "{:#?}", lines());
}
