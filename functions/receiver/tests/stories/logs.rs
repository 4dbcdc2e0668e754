//! What the log shows, and what it never does.

use crate::support::{ACCEPTED, DUPLICATE, Harness, TRY_AGAIN, UNAUTHENTIC, http_request, order, set, statuses};
use lambda_http::RequestExt;
use serde_json::json;
use tidings_config::limits::{MAX_LOGGED_BYTES, MAX_REFUSALS_LOGGED, MAX_TRACED_EVENTS};
use tidings_core::memory::log::{counted, lines, lines_with};
use tidings_core::memory::{Call, Fault};
use tidings_core::telemetry::{Metric, UNKNOWN};

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
    send(harness.signed_with("orders", SECRET, format!("{{\"{BODY}\": ")), ACCEPTED).await;
    send(harness.signed_with("orders", SECRET, format!("\"{BODY}\" {BODY}")), ACCEPTED).await;
    send(harness.signed_with("orders", SECRET, json!({"x": BODY}).to_string()), ACCEPTED).await;
    send(harness.signed_with("orders", SECRET, [BODY.as_bytes(), &[0xff]].concat()), ACCEPTED).await;
    let why = ["truncated_json", "not_json", "no_type", "not_utf8"];
    assert_eq!(counted(Metric::Unreadable), why.map(|why| of("orders", why, 1)));

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

    // Failures of the secrets themselves.
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
async fn a_refusal_logs_its_reason_and_the_reply_does_not_contain_it() {
    let harness = Harness::warm().await;
    harness.send(&harness.case("github-forged")).await;
    let refused =
        ["message=refused", "outcome=\"unauthentic\"", "reason=\"the signature doesn't match any secret\"", "status=401"];
    assert_eq!(lines_with(&refused), 1, "{:#?}", lines());
    assert_eq!(counted(Metric::Unauthentic), [of("github", "", 1)]);
    assert_eq!(counted(Metric::Refused), [of("github", "mismatch", 1)]);
}

fn of(source: &str, word: &str, value: u64) -> (String, String, u64) {
    (source.to_owned(), word.to_owned(), value)
}

#[tokio::test]
async fn every_end_of_a_request_is_counted_once() {
    let harness = Harness::warm().await;
    let delivery = harness.signed("orders", order("e1", "1"));
    harness.send(&delivery).await;
    harness.send(&delivery).await;
    harness.faults.fail(Call::Send, Fault::Refuse, 1);
    harness.send(&harness.signed("orders", order("e2", "1"))).await;
    harness.send(&harness.signed("orders", "[")).await;
    harness.send(&harness.case("github-forged")).await;
    let mut nowhere = delivery;
    nowhere.path = "/webhooks/%27%3E%3Cscript%3E".to_owned();
    assert_eq!(harness.send(&nowhere).await.said().0, 404);

    assert_eq!(counted(Metric::Received).iter().filter(|(source, ..)| source == "orders").count(), 4);
    assert_eq!(counted(Metric::Accepted), [of("orders", "", 1), of("orders", "", 1)]);
    assert_eq!(counted(Metric::Unreadable), [of("orders", "truncated_json", 1)]);
    assert_eq!(counted(Metric::Duplicate), [of("orders", "processed", 1)]);
    assert_eq!(counted(Metric::EnqueueFailed), [of("orders", "", 1)]);
    let refused = [("orders", "not_durable"), ("github", "mismatch"), (UNKNOWN, "not_found")];
    assert_eq!(counted(Metric::Refused), refused.map(|(source, reason)| of(source, reason, 1)));
    assert_eq!(counted(Metric::Unauthentic).iter().map(|(.., so)| so).sum::<u64>(), 1, "and the others are in the share as 0");
    assert_eq!(counted(Metric::Unauthentic).len(), 5);
    assert_eq!((counted(Metric::ClaimLatency).len(), counted(Metric::EnqueueLatency).len()), (4, 3));
    assert_eq!(lines_with(&["flush="]), 6, "before each answer");
}

#[tokio::test]
async fn a_flood_of_forged_requests_is_counted_and_not_logged() {
    let harness = Harness::warm().await;
    let forged = harness.case("github-forged");
    let floods = MAX_REFUSALS_LOGGED as usize + 10;
    for _ in 0..floods {
        harness.send(&forged).await;
    }
    assert_eq!(lines_with(&["message=refused"]), MAX_REFUSALS_LOGGED as usize);
    assert_eq!(counted(Metric::Refused).len(), floods);
    harness.wait(60);
    harness.send(&forged).await;
    assert_eq!(lines_with(&["message=refused", "unlogged=10"]), 1);
}

#[tokio::test]
async fn text_from_outside_is_cut_and_escaped() {
    let harness = Harness::warm().await;
    let id = format!("\u{1b}[2J\u{202e}{}", "x".repeat(10_000));
    assert_eq!(harness.send(&harness.signed("orders", order(&id, "1"))).await.said(), ACCEPTED);
    let line = lines().into_iter().find(|line| line.contains("message=received")).unwrap();
    assert!(line.contains("event_id=\\u{1b}[2J\\u{202e}xxx") && line.contains('…'), "{line}");
    assert!(line.len() < 4 * MAX_LOGGED_BYTES, "{} bytes", line.len());
}

#[tokio::test]
async fn a_request_is_traced_into_the_queue_and_onto_its_claim() {
    const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let harness = Harness::warm().await;
    for (header, id, stored) in [(TRACE, "e1", Some("1-5759e988-bd862e3fe1be46a994272793")), ("Root=<script>", "e2", None)] {
        let mut context = lambda_http::Context::default();
        context.xray_trace_id = Some(header.to_owned());
        let request = http_request(&harness.signed("orders", order(id, "1"))).with_lambda_context(context);
        assert_eq!(harness.receiver.handle(request).await.status(), 202);
        assert_eq!(harness.claim(&format!("orders#{id}")).unwrap().trace_id.as_deref(), stored);
    }
    assert_eq!(harness.queue.traces(), [Some(TRACE.to_owned()), None]);
    assert_eq!(lines_with(&["message=received", "trace_id=\"1-5759e988-bd862e3fe1be46a994272793\""]), 1, "{:#?}", lines());
    let segment = [
        "document=",
        "\"name\":\"receive\"",
        "\"event_id\":\"e1\"",
        "\"outcome\":\"accepted\"",
        "\"parent_id\":\"53995c3f42cd8ad8\"",
    ];
    assert_eq!((lines_with(&segment), lines_with(&["document="])), (1, 1), "{:#?}", lines());
}

#[tokio::test]
async fn a_trace_names_the_first_events_of_a_delivery_and_their_owners() {
    let harness = Harness::warm().await;
    let batch = |events: usize| (0..events).map(|n| format!("of {events}, {n}")).collect::<Vec<_>>();
    for (request, named) in [
        (harness.case("whatsapp-statuses"), 3),
        (harness.signed("whatsapp", statuses(&batch(MAX_TRACED_EVENTS))), MAX_TRACED_EVENTS),
        (harness.signed("whatsapp", statuses(&batch(MAX_TRACED_EVENTS + 1))), MAX_TRACED_EVENTS),
    ] {
        let before = lines_with(&["document="]);
        let mut context = lambda_http::Context::default();
        context.xray_trace_id = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1".to_owned());
        let response = harness.receiver.handle(http_request(&request).with_lambda_context(context)).await;
        assert_eq!((response.status().as_u16(), lines_with(&["document="]) - before), (200, named));
    }
    assert_eq!(lines_with(&["document=", "\"conversation\":\"whatsapp:491713920012\""]), 3);
}
