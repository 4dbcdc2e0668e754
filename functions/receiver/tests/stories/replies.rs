//! The table of replies: what each contains, and nothing else.

use crate::support::{ACCEPTED, Answer, DUPLICATE, Harness, TAKEN, TRY_AGAIN, UNAUTHENTIC, http_request, order, set};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use lambda_http::{Body, Request};
use serde_json::Value;
use tidings_config::limits::{MAX_EVENT_TYPE_BYTES, MAX_JSON_DEPTH};
use tidings_config::time::Clock;
use tidings_core::memory::{Call, Fault};
use tidings_core::unreadable::Why;
use tidings_events::api_gateway_event;

fn request(method: Method, path: &str) -> Request {
    let mut request = Request::new(Body::Empty);
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    request
}

#[tokio::test]
async fn a_new_event_is_accepted_and_a_known_one_is_a_duplicate() {
    let harness = Harness::warm().await;
    let delivery = harness.case("stripe-checkout-completed");
    assert_eq!(harness.send(&delivery).await.said(), ACCEPTED);
    assert_eq!(harness.send(&delivery).await.said(), DUPLICATE);
}

#[tokio::test]
async fn health_responds_without_a_call() {
    let harness = Harness::cold("");
    for method in [Method::GET, Method::HEAD] {
        let answer = harness.answer(request(method, "/health")).await;
        assert_eq!(answer.said(), (200, "ok"));
        let body: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    }
    let answer = harness.answer(request(Method::POST, "/health")).await;
    assert_eq!((answer.said(), &answer.headers[ALLOW]), ((405, "method_not_allowed"), &"GET, HEAD".parse().unwrap()));
    assert_eq!(harness.faults.total(), 0);
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let harness = Harness::warm().await;
    for path in [
        "/",
        "/webhooks",
        "/webhooks/",
        "/webhooks/nobody",
        "/webhooks/orders/",
        "/webhooks/orders/x",
        "/webhooks/Orders",
        "/webhooks/orders%2f",
        "/hooks/orders",
        "/health/",
    ] {
        let answer = harness.answer(request(Method::POST, path)).await;
        assert_eq!(answer.said(), (404, "not_found"), "{path}");
    }
    assert_eq!(harness.calls(), 0);
}

#[tokio::test]
async fn only_post_is_allowed_at_a_webhook() {
    let harness = Harness::warm().await;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = harness.answer(request(method.clone(), "/webhooks/orders")).await;
        assert_eq!(answer.said(), (405, "method_not_allowed"), "{method}");
        assert_eq!(answer.headers[ALLOW], "POST");
    }
    assert_eq!(harness.calls(), 0);
}

#[tokio::test]
async fn each_kind_of_bad_body_is_stored_with_its_own_reason() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let long_type = format!("{{\"type\":\"{}\"}}", "t".repeat(MAX_EVENT_TYPE_BYTES + 1));
    let cases: [(Vec<u8>, &str); 10] = [
        (b"".into(), "empty_body"),
        (b"{\"type\":\"\xff\"}".into(), "not_utf8"),
        (b"{\"type\":\"order.shi".into(), "truncated_json"),
        (b"   ".into(), "truncated_json"),
        (b"type=order.shipped".into(), "not_json"),
        (b"{} {}".into(), "not_json"),
        (nested(MAX_JSON_DEPTH + 1).into(), "too_deep"),
        (b"{}".into(), "no_type"),
        (b"{\"type\":{\"name\":\"order.shipped\"}}".into(), "no_type"),
        (long_type.into(), "long_type"),
    ];
    for (body, word) in cases {
        let harness = Harness::warm().await;
        let answer = harness.send(&harness.signed("orders", body.clone())).await;
        assert_eq!(answer.said(), ACCEPTED, "{}", String::from_utf8_lossy(&body));
        let [kept] = &harness.queued()[..] else { panic!("one message") };
        assert_eq!(kept.unreadable().unwrap().why.as_str(), word, "{}", String::from_utf8_lossy(&body));
        assert_eq!(kept.data_base64, Some(STANDARD.encode(&body)), "its very bytes");
        assert_eq!(harness.calls(), 2);
    }
}

#[tokio::test]
async fn nesting_is_limited_at_64_levels() {
    let harness = Harness::warm().await;
    let body = |depth: usize| {
        let inner = depth - 1;
        format!("{{\"id\":\"{depth}\",\"type\":\"a.b\",\"x\":{}{}}}", "[".repeat(inner), "]".repeat(inner))
    };
    assert_eq!(MAX_JSON_DEPTH, 64);
    assert_eq!(harness.send(&harness.signed("orders", body(64))).await.said(), ACCEPTED);
    assert_eq!(harness.send(&harness.signed("orders", body(65))).await.said(), ACCEPTED);
    assert_eq!(harness.queued()[1].unreadable().unwrap().why, Why::TooDeep);
    let message = &harness.queue.messages()[0];
    let _: Value = serde_json::from_str(message).expect("an envelope around the deepest body can still be read");
}

#[tokio::test]
async fn types_are_limited_in_length() {
    let harness = Harness::warm().await;
    let longest = format!("{{\"id\":\"1\",\"type\":\"{}\"}}", "t".repeat(MAX_EVENT_TYPE_BYTES));
    assert_eq!(harness.send(&harness.signed("orders", longest)).await.said(), ACCEPTED);
    assert_eq!(harness.queued()[0].event_type.len(), MAX_EVENT_TYPE_BYTES);
}

#[tokio::test]
async fn every_unauthentic_request_gets_the_same_reply() {
    let harness = Harness::warm().await;
    let signed = || harness.signed("orders", order("e1", "1"));
    let mut answers = Vec::new();
    let mut send = async |name: &str, value: Option<&str>, repeat: bool| {
        let mut request = signed();
        match value {
            Some(value) if repeat => {
                request.headers.append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
            }
            Some(value) => set(&mut request, name, value),
            None => {
                request.headers.remove(name);
            }
        }
        answers.push((format!("{name}: {value:?}"), harness.send(&request).await));
    };
    let many = vec!["v1=abab"; 17].join(",");
    for value in [None, Some(""), Some("v1="), Some("v1=xyz"), Some("abab"), Some("v1=abab"), Some(many.as_str())] {
        send("x-orders-signature", value, false).await;
    }
    send("x-orders-signature", Some("v1=abab"), true).await;
    for value in [None, Some(""), Some("now"), Some("1"), Some("-1795341600"), Some("9999999999")] {
        send("x-orders-timestamp", value, false).await;
    }
    send("x-orders-timestamp", Some("1795341600"), true).await;
    for case in ["github-forged", "slack-body-changed", "stripe-stale"] {
        answers.push((case.to_owned(), harness.send(&harness.case(case)).await));
    }
    let (_, first): (String, Answer) = answers[0].clone();
    assert_eq!(first.said(), UNAUTHENTIC);
    for (what, answer) in answers {
        assert_eq!(answer, first, "{what}");
    }
    assert_eq!(harness.calls(), 0);
}

#[tokio::test]
async fn only_json_is_accepted() {
    let harness = Harness::warm().await;
    for (content_type, expected) in [
        ("application/json", 202),
        ("Application/JSON;charset=utf-8", 202),
        ("application/json ; charset=utf-8", 202),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/json-seq", 415),
        ("", 415),
    ] {
        let mut request = harness.signed("orders", order(content_type, "1"));
        set(&mut request, "content-type", content_type);
        assert_eq!(harness.send(&request).await.status, expected, "{content_type:?}");
    }
    let mut request = harness.signed("orders", order("none", "1"));
    request.headers.remove(CONTENT_TYPE);
    assert_eq!(harness.send(&request).await.said(), (415, "unsupported_media_type"));
}

#[tokio::test]
async fn an_event_that_is_not_durable_is_asked_for_again() {
    let harness = Harness::warm().await;
    harness.faults.fail(Call::Send, Fault::Refuse, 1);
    let answer = harness.send(&harness.signed("orders", order("e1", "1"))).await;
    assert_eq!((answer.said(), &answer.headers[RETRY_AFTER]), (TRY_AGAIN, &"5".parse().unwrap()));
}

/// The HTTP API's own JSON, whose body is base64: the bytes that were signed are those inside.
#[tokio::test]
async fn a_request_as_api_gateway_gives_it_verifies() {
    let harness = Harness::warm().await;
    let delivery = harness.case("whatsapp-statuses");
    let event = api_gateway_event(&delivery, harness.clock.now()).to_string();
    let request = lambda_http::request::from_str(&event).unwrap();
    assert_eq!(harness.answer(request).await.said(), TAKEN);
    assert_eq!(harness.send(&delivery).await.said(), DUPLICATE, "it is the same to a request that came another way");
}

#[tokio::test]
async fn an_empty_request_is_verified_like_any_other() {
    let harness = Harness::warm().await;
    let mut http = http_request(&harness.signed("orders", ""));
    *http.body_mut() = Body::Empty;
    assert_eq!(harness.answer(http).await.said(), ACCEPTED);
    assert_eq!(harness.queued()[0].unreadable().unwrap().why, Why::Empty);
}
