//! What a source stops before it verifies: who asks, how often, and past which door. The requests come as Lambda brings them.

use crate::support::{Harness, http_request, set};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::{Context, LambdaEvent};
use receiver::gate::ORIGIN_HEADER;
use receiver::lambda::answer;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_core::memory::ManualClock;
use tidings_core::memory::log::{counted, lines_with};
use tidings_core::telemetry::Metric;
use tidings_events::SignedRequest;

const SECRET: &str = "a plain secret";

const RATES: &str = r#"
version: 1
sources:
  by-address: &rated
    scheme: &plain
      algorithm: hmac-sha256
      signature: { from: "header:X-Plain", encoding: hex }
      message: "{body}"
    event: [{ id: "{json:id}", type: "t" }]
    rate: { per_address: 10/s, burst: 5 }
  another: *rated
  by-source:
    scheme: *plain
    event: [{ id: "{json:id}", type: "t" }]
    rate: { per_source: 2/m, burst: 5 }
  by-both:
    scheme: *plain
    event: [{ id: "{json:id}", type: "t" }]
    rate: { per_address: 10/s, per_source: 2/m, burst: 5 }
  free:
    scheme: *plain
    event: [{ id: "{json:id}", type: "t" }]
"#;

const NETWORKS: &str = r#"
version: 1
sources:
  listed:
    scheme: &plain
      algorithm: hmac-sha256
      signature: { from: "header:X-Plain", encoding: hex }
      message: "{body}"
    event: [{ id: "{json:id}", type: "t" }]
    allow_from: [203.0.113.0/24, 2001:db8::/32]
  free:
    scheme: *plain
    event: [{ id: "{json:id}", type: "t" }]
"#;

/// SHA-256 of `the old secret` and of `the new secret`.
const ORIGIN: &str = r#"
version: 1
origin:
  secret_sha256:
    - 41356239af72ab7ca8e16ea8f15ecca3662b0533d4a6b1966ee128f279bda0f3
    - 6aea6178672aeb1d1beeb89760abc492adbb07bb234796637e96d1c8da02de12
sources:
  behind:
    scheme:
      algorithm: hmac-sha256
      signature: { from: "header:X-Plain", encoding: hex }
      message: "{body}"
    event: [{ id: "{json:id}", type: "t" }]
"#;

/// The secrets aren't loaded yet.
fn cold(sources: &str) -> Harness {
    let names = ["by-address", "another", "by-source", "by-both", "free", "listed", "behind"];
    let secrets: Value = names.iter().map(|name| ((*name).to_owned(), json!(SECRET))).collect::<serde_json::Map<_, _>>().into();
    let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap()));
    Harness::of_sources(sources, &secrets.to_string(), &clock, |store, queue| (store, queue))
}

async fn warm(sources: &str) -> Harness {
    let harness = cold(sources);
    harness.receiver.warm_up().await;
    harness
}

fn authentic(harness: &Harness, source: &str, id: &str) -> SignedRequest {
    harness.signed_with(source, SECRET, json!({ "id": id }).to_string())
}

fn forged(harness: &Harness, source: &str) -> SignedRequest {
    harness.signed_with(source, "a forger's", r#"{"id":"1"}"#)
}

/// The answer as Lambda gets it: status, headers, body.
async fn ask(harness: &Harness, from: Option<&str>, request: &SignedRequest) -> Value {
    let headers: serde_json::Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.as_str().to_owned(), json!(value.to_str().unwrap()))).collect();
    let event = json!({
        "version": "2.0",
        "rawPath": request.path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": { "http": { "method": request.method, "sourceIp": from } },
        "body": STANDARD.encode(&request.body),
        "isBase64Encoded": true,
    });
    let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default());
    serde_json::to_value(answer(&harness.receiver, event).await).unwrap()
}

async fn status(harness: &Harness, from: &str, request: &SignedRequest) -> u64 {
    ask(harness, Some(from), request).await["statusCode"].as_u64().unwrap()
}

/// How many of so many requests at one time weren't answered 429.
async fn passed(harness: &Harness, from: &str, request: &SignedRequest, requests: u32) -> u32 {
    let mut passed = 0;
    for _ in 0..requests {
        passed += u32::from(status(harness, from, request).await != 429);
    }
    passed
}

#[tokio::test]
async fn an_address_may_send_as_many_forged_requests_as_its_rate_and_not_one_more() {
    let harness = warm(RATES).await;
    let forged = forged(&harness, "by-address");
    assert_eq!(passed(&harness, "203.0.113.7", &forged, 20).await, 5, "the burst");
    assert_eq!(passed(&harness, "203.0.113.8", &forged, 20).await, 5, "another address");
    harness.clock.advance(Duration::from_millis(99));
    assert_eq!(passed(&harness, "203.0.113.7", &forged, 20).await, 0);
    harness.clock.advance(Duration::from_millis(1));
    assert_eq!(passed(&harness, "203.0.113.7", &forged, 20).await, 1, "a tenth of a second: one more");
    harness.wait(60);
    assert_eq!(passed(&harness, "203.0.113.7", &forged, 20).await, 5);
    let mut other = forged.clone();
    other.path = "/webhooks/another".to_owned();
    assert_eq!(passed(&harness, "203.0.113.7", &other, 20).await, 5, "another source");
    other.path = "/webhooks/free".to_owned();
    assert_eq!(passed(&harness, "203.0.113.7", &other, 20).await, 20, "a source without a rate");
}

#[tokio::test]
async fn a_refusal_says_when_to_come_back_and_nothing_else() {
    let harness = warm(RATES).await;
    let forged = forged(&harness, "by-address");
    passed(&harness, "203.0.113.7", &forged, 5).await;
    let refused = ask(&harness, Some("203.0.113.7"), &forged).await;
    assert_eq!(refused["statusCode"], 429);
    assert_eq!(refused["headers"], json!({ "content-type": "application/json", "retry-after": "1" }));
    assert_eq!(refused["body"], r#"{"error":"too_many","message":"too many requests, please send it again later"}"#);
    for id in 0..5 {
        assert_eq!(status(&harness, "203.0.113.7", &authentic(&harness, "by-source", &id.to_string())).await, 202);
    }
    let refused = ask(&harness, Some("203.0.113.7"), &authentic(&harness, "by-source", "5")).await;
    assert_eq!((&refused["statusCode"], &refused["headers"]["retry-after"]), (&json!(429), &json!("30")), "two a minute");
    harness.clock.advance(Duration::from_millis(29_001));
    let refused = ask(&harness, Some("203.0.113.7"), &authentic(&harness, "by-source", "5")).await;
    assert_eq!(refused["headers"]["retry-after"], "1");
    harness.clock.advance(Duration::from_millis(999));
    assert_eq!(status(&harness, "203.0.113.7", &authentic(&harness, "by-source", "5")).await, 202);
}

#[tokio::test]
async fn no_header_chooses_the_address_and_an_ipv6_customer_is_one() {
    let harness = warm(RATES).await;
    let mut forged = forged(&harness, "by-address");
    let mut passed = 0;
    for n in 0..20 {
        for header in ["x-forwarded-for", "forwarded", "x-real-ip", "cloudfront-viewer-address", "true-client-ip"] {
            set(&mut forged, header, &format!("198.51.100.{n}"));
        }
        passed += u32::from(status(&harness, "203.0.113.7", &forged).await != 429);
    }
    assert_eq!(passed, 5);
    let mut passed = 0;
    for n in 0..20 {
        passed += u32::from(status(&harness, &format!("2001:db8:0:1::{n:x}"), &forged).await != 429);
    }
    assert_eq!(passed, 5, "one /64");
    assert_ne!(status(&harness, "2001:db8:0:2::1", &forged).await, 429, "the next one");
    assert_eq!(status(&harness, "::ffff:203.0.113.7", &forged).await, 429, "an IPv4 address that is written as IPv6");
}

#[tokio::test]
async fn a_provider_s_own_burst_is_not_counted_against_its_address() {
    let harness = warm(RATES).await;
    for id in 0..100 {
        assert_eq!(status(&harness, "203.0.113.7", &authentic(&harness, "by-address", &id.to_string())).await, 202);
    }
    assert_eq!(passed(&harness, "203.0.113.7", &forged(&harness, "by-address"), 20).await, 5, "the bucket is still full");
}

#[tokio::test]
async fn strangers_use_up_nothing_of_the_source() {
    let harness = warm(RATES).await;
    for source in ["by-source", "by-both"] {
        let forged = forged(&harness, source);
        for n in 0..1_000 {
            status(&harness, &format!("198.51.{}.{}", n / 250, n % 250), &forged).await;
        }
        let mut accepted = 0;
        for id in 0..20 {
            accepted += u32::from(status(&harness, "203.0.113.7", &authentic(&harness, source, &id.to_string())).await == 202);
        }
        assert_eq!(accepted, 5, "{source}: exactly the burst, as without the strangers");
    }
}

#[tokio::test]
async fn what_is_stopped_before_it_is_verified_reads_no_secret_and_causes_no_call() {
    let harness = cold(RATES);
    let forged = forged(&harness, "by-address");
    passed(&harness, "203.0.113.7", &forged, 5).await;
    let before = harness.faults.total();
    assert_eq!(passed(&harness, "203.0.113.7", &forged, 1_000).await, 0);
    assert_eq!(harness.faults.total(), before);
    let harness = cold(NETWORKS);
    assert_eq!(status(&harness, "198.51.100.1", &authentic(&harness, "listed", "1")).await, 401);
    assert_eq!(harness.faults.total(), 0, "not even the first fetch of the secrets");
}

#[tokio::test]
async fn an_authentic_request_beyond_the_source_s_rate_causes_no_call() {
    let harness = warm(RATES).await;
    for id in 0..5 {
        assert_eq!(status(&harness, "203.0.113.7", &authentic(&harness, "by-source", &id.to_string())).await, 202);
    }
    let before = harness.faults.total();
    assert_eq!(passed(&harness, "203.0.113.7", &authentic(&harness, "by-source", "5"), 100).await, 0);
    assert_eq!(harness.faults.total(), before);
    assert_eq!(counted(Metric::Refused), [("by-source".to_owned(), "rate_of_source".to_owned(), 1)]);
}

#[tokio::test]
async fn an_address_that_is_not_listed_gets_the_answer_of_a_forged_request() {
    let harness = warm(NETWORKS).await;
    let of_forged = ask(&harness, Some("203.0.113.7"), &forged(&harness, "listed")).await;
    let mut request = authentic(&harness, "listed", "1");
    set(&mut request, "x-forwarded-for", "203.0.113.7");
    for from in [Some("203.0.112.255"), Some("203.0.114.0"), Some("2001:db9::1"), Some("::1"), Some("127.0.0.1"), Some("?"), None]
    {
        assert_eq!(ask(&harness, from, &request).await, of_forged, "{from:?}");
    }
    assert_eq!(harness.calls(), 0);
    for (from, expected) in [("203.0.113.0", 202), ("203.0.113.255", 200), ("2001:db8:ffff::1", 200), ("::ffff:203.0.113.7", 200)]
    {
        harness.process(Some(202));
        assert_eq!(status(&harness, from, &request).await, expected, "{from}");
    }
    assert_eq!(status(&harness, "198.51.100.1", &authentic(&harness, "free", "1")).await, 202, "a source without a list");
}

#[tokio::test]
async fn a_request_past_the_origin_gets_the_answer_of_a_forged_one() {
    let harness = warm(ORIGIN).await;
    let mut request = forged(&harness, "behind");
    set(&mut request, ORIGIN_HEADER, "the new secret");
    let of_forged = ask(&harness, Some("203.0.113.7"), &request).await;
    assert_eq!(of_forged["statusCode"], 401);
    let mut request = authentic(&harness, "behind", "1");
    assert_eq!(ask(&harness, Some("203.0.113.7"), &request).await, of_forged, "without the header");
    for wrong in [
        "",
        "the secret",
        "the new secret ",
        &"x".repeat(10_000),
        "6aea6178672aeb1d1beeb89760abc492adbb07bb234796637e96d1c8da02de12",
    ] {
        set(&mut request, ORIGIN_HEADER, wrong);
        assert_eq!(ask(&harness, Some("203.0.113.7"), &request).await, of_forged, "{wrong}");
    }
    assert_eq!(harness.calls(), 0);
    for (secret, expected) in [("the old secret", 202), ("the new secret", 200)] {
        set(&mut request, ORIGIN_HEADER, secret);
        assert_eq!(status(&harness, "203.0.113.7", &request).await, expected, "{secret}");
        harness.process(Some(202));
    }
}

#[tokio::test]
async fn a_flood_is_counted_to_the_last_request_and_costs_a_line_a_minute() {
    let harness = warm(RATES).await;
    let forged = forged(&harness, "by-address");
    passed(&harness, "203.0.113.7", &forged, 5).await;
    let before = (counted(Metric::Received).len(), counted(Metric::Refused).len());
    for n in 0..1_000 {
        assert_eq!(status(&harness, "203.0.113.7", &forged).await, 429, "{n}");
    }
    assert_eq!(lines_with(&["message=stopped", "reason=\"rate_of_address\"", "requests=1 "]), 1);
    assert_eq!((counted(Metric::Received).len(), counted(Metric::Refused).len()), (before.0 + 1, before.1 + 1));
    harness.wait(60);
    assert_eq!(status(&harness, "203.0.113.7", &authentic(&harness, "by-address", "1")).await, 202);
    assert_eq!(lines_with(&["message=stopped", "requests=999 "]), 1, "with the next request of the source");
    let refused: u64 = counted(Metric::Refused).iter().filter(|(.., word, _)| word == "rate_of_address").map(|(.., n)| n).sum();
    assert_eq!(refused, 1_000);
    assert_eq!(lines_with(&["203.0.113.7"]), 0, "no address is ever logged");
}

#[tokio::test]
async fn without_a_front_door_there_is_no_gate() {
    for (sources, source) in [(NETWORKS, "listed"), (ORIGIN, "behind"), (RATES, "by-address")] {
        let harness = warm(sources).await;
        let request = http_request(&authentic(&harness, source, "1"));
        assert_eq!(harness.receiver.handle(request).await.status(), 202, "{source}: `tidings dev` has no addresses to check");
    }
}
