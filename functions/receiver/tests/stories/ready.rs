//! `GET /ready`: what it says, and what it may cost.

use crate::support::{ACCEPTED, Harness, order, secrets};
use http::Method;
use http::header::{ALLOW, RETRY_AFTER};
use lambda_http::{Body, Request};
use serde_json::{Value, json};
use tidings_config::limits::{READINESS_KEPT, SECRETS_REFRESH};
use tidings_core::memory::{Call, Fault};

/// One of the claims table, one of the queue.
const ASKED: u32 = 2;

/// Status and body. None shows a cause, or a source.
async fn ready(harness: &Harness) -> (u16, Value) {
    let response = harness.receiver.handle(request(Method::GET)).await;
    let (parts, body) = response.into_parts();
    let text = std::str::from_utf8(&body).unwrap();
    let status = parts.status.as_u16();
    assert_eq!(status == 503, parts.headers.contains_key(RETRY_AFTER));
    for inside in ["dynamodb", "sqs", "arn:", "Refuse", "orders"] {
        assert!(!text.contains(inside), "{inside:?} in {text}");
    }
    (status, serde_json::from_str(text).unwrap())
}

fn request(method: Method) -> Request {
    let mut request = Request::new(Body::Empty);
    *request.method_mut() = method;
    *request.uri_mut() = "/ready".parse().unwrap();
    request
}

#[tokio::test]
async fn it_is_ready_if_every_dependency_responds() {
    let harness = Harness::warm().await;
    let (status, body) = ready(&harness).await;
    assert_eq!((status, &body["status"]), (200, &json!("ready")));
    assert_eq!(body["checks"], json!({"secret": "ok", "claims": "ok", "queue": "ok"}));
    assert_eq!(body["sources_without_secret"], 0);
    assert_eq!(harness.state("@ready"), None, "it left nothing");
    assert!(harness.queued().is_empty());
}

#[tokio::test]
async fn it_names_the_failing_dependency_and_still_accepts_events() {
    for (call, at_fault) in [(Call::MarkEnqueued, "claims"), (Call::Probe, "queue")] {
        let harness = Harness::warm().await;
        harness.faults.fail(call, Fault::Refuse, 1);
        let (status, said) = ready(&harness).await;
        let said = &said["checks"];
        assert_eq!((status, &said[at_fault]), (503, &json!("no_answer")));
        let words: Vec<&str> = said.as_object().unwrap().values().filter_map(Value::as_str).collect();
        assert_eq!(words.iter().filter(|word| **word == "ok").count(), 2, "{said}");
        assert_eq!(harness.send(&harness.signed("orders", order("e1", "1"))).await.said(), ACCEPTED);
    }
}

#[tokio::test]
async fn without_a_secret_it_is_not_ready_and_with_some_it_counts_the_others() {
    let harness = Harness::warm_with("{}").await;
    let (status, body) = ready(&harness).await;
    assert_eq!((status, &body["error"]), (503, &json!("not_ready")));
    assert_eq!(body["checks"], json!({"secret": "missing", "claims": "ok", "queue": "ok"}));

    let mut most = secrets();
    most.as_object_mut().unwrap().remove("orders");
    let (status, body) = ready(&Harness::warm_with(&most.to_string()).await).await;
    assert_eq!((status, &body["sources_without_secret"]), (200, &json!(1)));
}

#[tokio::test]
async fn any_number_of_requests_causes_few_checks() {
    let harness = Harness::warm().await;
    for _ in 0..100 {
        assert_eq!(ready(&harness).await.0, 200);
        assert_eq!(harness.receiver.handle(request(Method::HEAD)).await.status(), 200);
    }
    assert_eq!(harness.calls(), ASKED);
    harness.wait(READINESS_KEPT.as_secs() - 1);
    ready(&harness).await;
    assert_eq!(harness.calls(), ASKED);
    harness.wait(1);
    ready(&harness).await;
    assert_eq!(harness.calls(), 2 * ASKED);
}

#[tokio::test]
async fn a_problem_is_reported_until_the_next_check() {
    let harness = Harness::warm().await;
    harness.faults.fail(Call::Probe, Fault::Refuse, 1);
    assert_eq!(ready(&harness).await.0, 503);
    assert_eq!(ready(&harness).await.0, 503);
    harness.wait(READINESS_KEPT.as_secs());
    assert_eq!(ready(&harness).await.0, 200);
}

#[tokio::test]
async fn old_secrets_are_fetched_again_no_sooner_than_for_an_event() {
    let harness = Harness::warm().await;
    for (wait, fetched) in [(SECRETS_REFRESH.as_secs() - 1, 1), (1, 1), (READINESS_KEPT.as_secs() - 1, 2), (60, 2)] {
        harness.wait(wait);
        ready(&harness).await;
        assert_eq!(harness.count(Call::Fetch), fetched, "after {wait} s more");
    }
}

#[tokio::test]
async fn the_route_accepts_no_writes() {
    let harness = Harness::warm().await;
    let answer = harness.answer(request(Method::POST)).await;
    assert_eq!((answer.said(), &answer.headers[ALLOW]), ((405, "method_not_allowed"), &"GET, HEAD".parse().unwrap()));
    assert_eq!(harness.calls(), 0);
}
