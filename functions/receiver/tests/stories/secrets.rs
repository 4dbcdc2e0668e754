//! Where the keys come from, and what happens while they can't be had.

use crate::support::{ACCEPTED, Harness, TRY_AGAIN, UNAUTHENTIC, order, secrets};
use serde_json::json;
use tidings_config::limits::{MAX_SECRET_DOCUMENT_BYTES, MAX_SECRETS_PER_SOURCE};
use tidings_core::memory::log::{counted, lines_with};
use tidings_core::memory::{Call, Fault};
use tidings_core::telemetry::Metric;

const FETCH: Call = Call::Fetch;

/// A document with these secrets for `orders`.
fn document(orders: serde_json::Value) -> String {
    let mut document = secrets();
    document["orders"] = orders;
    document.to_string()
}

#[tokio::test]
async fn secrets_are_loaded_in_init_and_again_after_five_minutes() {
    let harness = Harness::warm().await;
    assert_eq!(harness.count(FETCH), 1);
    for (wait, fetched) in [(0, 1), (299, 1), (1, 2), (299, 2), (1, 3)] {
        harness.wait(wait);
        let answer = harness.send(&harness.signed("orders", order(&format!("{fetched}-{wait}"), "1"))).await;
        assert_eq!((answer.said(), harness.count(FETCH)), (ACCEPTED, fetched), "after {wait} s more");
    }
}

#[tokio::test]
async fn a_function_whose_init_failed_loads_them_with_its_first_request() {
    let harness = Harness::cold(&secrets().to_string());
    assert_eq!(harness.send(&harness.signed("orders", order("e1", "1"))).await.said(), ACCEPTED);
    assert_eq!(harness.count(FETCH), 1);
}

#[tokio::test]
async fn a_mismatch_fetches_at_most_once_a_minute() {
    let harness = Harness::warm().await;
    let forged = harness.case("github-forged");
    for (wait, fetched) in [(0, 1), (59, 1), (1, 2), (0, 2), (59, 2), (1, 3)] {
        harness.wait(wait);
        assert_eq!((harness.send(&forged).await.said(), harness.count(FETCH)), (UNAUTHENTIC, fetched), "after {wait} s more");
    }
}

#[tokio::test]
async fn only_a_mismatch_fetches() {
    let harness = Harness::warm().await;
    harness.wait(120);
    let mut unsigned = harness.signed("orders", order("e1", "1"));
    unsigned.headers.remove("x-orders-signature");
    for request in [harness.case("stripe-stale"), unsigned] {
        assert_eq!(harness.send(&request).await.said(), UNAUTHENTIC);
    }
    assert_eq!(harness.count(FETCH), 1, "no other secret could mend these");
}

#[tokio::test]
async fn a_rotated_secret_is_picked_up_when_the_old_one_does_not_match() {
    let harness = Harness::warm().await;
    harness.secrets.set(document(json!(["brand-new", "tidings-demo-orders-secret-2026"])));
    harness.wait(60);
    let with_new = harness.signed_with("orders", "brand-new", order("e1", "1"));
    assert_eq!((harness.send(&with_new).await.said(), harness.count(FETCH)), (ACCEPTED, 2));
    let with_old = harness.signed_with("orders", "tidings-demo-orders-secret-2026", order("e2", "1"));
    assert_eq!(harness.send(&with_old).await.said(), ACCEPTED, "the one before still counts");
    let with_older = harness.signed_with("orders", "tidings-demo-orders-secret-2025", order("e3", "1"));
    assert_eq!(harness.send(&with_older).await.said(), UNAUTHENTIC, "what was taken out doesn't");
}

#[tokio::test]
async fn several_secrets_verify_and_the_newest_is_the_first() {
    let harness = Harness::warm().await;
    for (n, year) in ["2026", "2025"].iter().enumerate() {
        let delivery = harness.signed_with("orders", &format!("tidings-demo-orders-secret-{year}"), order(year, "1"));
        assert_eq!(harness.send(&delivery).await.said(), ACCEPTED, "{year}");
        assert_eq!(lines_with(&["step=\"verified\"", &format!("secret={n} ")]), 1, "{year}");
        assert_eq!(counted(Metric::SecretAgeIndex).len(), n, "{year}: the metric that says when an old secret can go");
    }
}

#[tokio::test]
async fn no_more_secrets_are_tried_than_are_allowed() {
    let all: Vec<String> = (0..=MAX_SECRETS_PER_SOURCE).map(|n| format!("secret-{n}")).collect();
    let harness = Harness::warm_with(&document(json!(all))).await;
    let last = harness.signed_with("orders", &all[MAX_SECRETS_PER_SOURCE - 1], order("e1", "1"));
    assert_eq!(harness.send(&last).await.said(), ACCEPTED);
    let beyond = harness.signed_with("orders", &all[MAX_SECRETS_PER_SOURCE], order("e2", "1"));
    assert_eq!(harness.send(&beyond).await.said(), UNAUTHENTIC);
}

#[tokio::test]
async fn old_secrets_stay_in_use_while_the_store_is_down() {
    let harness = Harness::warm().await;
    harness.faults.fail(FETCH, Fault::Refuse, u32::MAX);
    harness.wait(86_400);
    for n in 0..100 {
        assert_eq!(harness.send(&harness.signed("orders", order(&format!("e{n}"), "1"))).await.said(), ACCEPTED);
        harness.wait(6);
    }
    // 600 s with one try a minute: an unavailable store isn't flooded with calls.
    assert_eq!(harness.count(FETCH), 1 + 10);
    assert_eq!(counted(Metric::SecretsUnavailable).len(), 10);
    assert_eq!(harness.send(&harness.case("github-forged")).await.said(), UNAUTHENTIC);
}

#[tokio::test]
async fn an_invalid_document_changes_nothing() {
    let harness = Harness::warm().await;
    let long = document(json!("x".repeat(MAX_SECRET_DOCUMENT_BYTES)));
    for bad in ["", "null", "[]", "not json", "{\"orders\": 7}", "{\"orders\": {\"a\": \"b\"}}", &long] {
        harness.secrets.set(bad);
        harness.wait(300);
        let fetched = harness.count(FETCH);
        let answer = harness.send(&harness.signed("orders", order(bad, "1"))).await;
        assert_eq!((answer.said(), harness.count(FETCH)), (ACCEPTED, fetched + 1), "{:.30}", bad);
    }
}

#[tokio::test]
async fn without_any_secret_the_reply_is_503_and_never_401() {
    let harness = Harness::cold(&secrets().to_string());
    harness.faults.fail(FETCH, Fault::Refuse, 3);
    harness.receiver.warm_up().await;
    let authentic = harness.signed("orders", order("e1", "1"));
    let forged = harness.case("github-forged");
    for (wait, fetched) in [(0, 1), (4, 1), (1, 2), (0, 2), (5, 3)] {
        harness.wait(wait);
        for request in [&authentic, &forged] {
            assert_eq!(harness.send(request).await.said(), TRY_AGAIN);
        }
        assert_eq!(harness.count(FETCH), fetched, "after {wait} s more: tried every 5 s while there are none");
    }
    harness.wait(5);
    assert_eq!(harness.send(&authentic).await.said(), ACCEPTED);
    assert_eq!(harness.send(&forged).await.said(), UNAUTHENTIC);
    assert_eq!(harness.count(FETCH), 4);
}

#[tokio::test]
async fn a_source_without_a_usable_secret_is_503_and_the_others_work() {
    for (what, svix) in [
        ("missing", json!(null)),
        ("empty", json!("")),
        ("prefix only", json!("whsec_")),
        ("not base64", json!("whsec_not!base64")),
        ("none", json!([])),
    ] {
        let mut document = secrets();
        if what == "missing" {
            document.as_object_mut().unwrap().remove("svix");
        } else {
            document["svix"] = svix;
        }
        let harness = Harness::warm_with(&document.to_string()).await;
        let delivery = harness.signed("svix", r#"{"type":"invoice.paid"}"#);
        assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN, "{what}");
        assert_eq!(harness.calls(), 0, "{what}");
        assert_eq!(harness.send(&harness.signed("orders", order("e1", "1"))).await.said(), ACCEPTED, "{what}");
    }
}

#[tokio::test]
async fn an_unusable_secret_does_not_affect_a_good_one() {
    let mut document = secrets();
    let good = document["svix"].clone();
    document["svix"] = json!(["whsec_not!base64", good]);
    let harness = Harness::warm_with(&document.to_string()).await;
    assert_eq!(harness.send(&harness.signed("svix", r#"{"type":"invoice.paid"}"#)).await.said(), ACCEPTED);
}

#[tokio::test]
async fn no_debug_output_shows_a_secret() {
    let harness = Harness::warm().await;
    let shown = format!("{:?}", harness.receiver);
    assert!(shown.contains("Key(redacted)"), "{shown}");
    for (_, secret) in secrets().as_object().unwrap() {
        for text in secret.as_array().unwrap_or(&vec![secret.clone()]) {
            assert!(!shown.contains(text.as_str().unwrap()), "{text} in {shown}");
        }
    }
}
