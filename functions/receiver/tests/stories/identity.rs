//! Which event it is: two events never share a claim, and a retry never gets a second one.

use crate::support::{ACCEPTED, Answer, DUPLICATE, Harness, order, set};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidings_config::limits::MAX_SUBJECT_BYTES;
use tidings_core::claim::EventField;

/// Sends the body with these headers, signed now.
async fn send(harness: &Harness, source: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = harness.signed(source, body);
    headers.iter().for_each(|(name, value)| set(&mut request, name, value));
    harness.send(&request).await
}

fn keys(harness: &Harness) -> BTreeSet<String> {
    harness.queued().iter().map(|event| event.claimkey.as_str().to_owned()).collect()
}

#[tokio::test]
async fn an_id_with_a_blank_or_missing_part_is_not_used() {
    let harness = Harness::warm().await;
    for (n, id) in
        [json!(""), json!(" "), json!("\t\n"), json!("\u{a0}"), json!(null), json!([]), json!({})].into_iter().enumerate()
    {
        for source in ["plain", "parts"] {
            let body = json!({"id": id, "object": "o1", "what": "paid", "n": n});
            assert_eq!(send(&harness, source, &[], &body.to_string()).await.said(), ACCEPTED, "{source}: {id} is no id");
        }
    }
    let keys = keys(&harness);
    assert_eq!(keys.len(), 14, "{keys:?}");
    assert!(keys.iter().all(|key| key.contains("#sha256:")), "never a shorter key: {keys:?}");
}

#[tokio::test]
async fn ids_are_read_digit_for_digit() {
    let harness = Harness::warm().await;
    let ids = [
        "340282366920938463463374607431768211455",
        "340282366920938463463374607431768211456",
        "1700000000.123456781",
        "1700000000.123456782",
        "9007199254740993",
        "9007199254740992",
        "1e+400",
        "1.0",
        "1.00",
        "-0",
        "0",
    ];
    for id in ids {
        let said = send(&harness, "plain", &[], &format!("{{\"id\":{id}}}")).await;
        assert_eq!(said.said(), ACCEPTED, "{id}");
        assert!(harness.claim(&format!("plain#{id}")).is_some(), "{id} is the key as it was sent");
    }
    assert_eq!(keys(&harness).len(), ids.len());
}

#[tokio::test]
async fn elements_of_a_list_keep_their_numbers_digit_for_digit() {
    let harness = Harness::warm().await;
    let body = r#"{"events":[{"id":340282366920938463463374607431768211455,"type":"t","x":1.10},{"id":340282366920938463463374607431768211456,"type":"t","x":1e+2}]}"#;
    assert_eq!(send(&harness, "many", &[], body).await.said(), ACCEPTED);
    let data: Vec<String> = harness.queued().iter().map(|event| event.data.get().to_owned()).collect();
    assert_eq!(
        data,
        [
            r#"{"id":340282366920938463463374607431768211455,"type":"t","x":1.10}"#,
            r#"{"id":340282366920938463463374607431768211456,"type":"t","x":1e+2}"#
        ]
    );
    assert_eq!(keys(&harness).len(), 2);
}

#[tokio::test]
async fn parts_of_an_id_never_run_into_each_other() {
    let harness = Harness::warm().await;
    for (id, what) in [("a:b", "c"), ("a", "b:c"), ("a%3Ab", "c"), ("a", "b%3Ac"), ("a:", "b:c"), ("a::b", "c")] {
        let body = json!({"id": id, "object": "o1", "what": what}).to_string();
        assert_eq!(send(&harness, "parts", &[], &body).await.said(), ACCEPTED, "{id} {what}");
    }
    assert_eq!(keys(&harness).len(), 6);
    assert!(keys(&harness).contains("parts#o1:a%3Ab:c"));
}

#[tokio::test]
async fn the_same_bytes_under_another_delivery_id_are_another_event() {
    let harness = Harness::warm().await;
    let body = json!({"type": "pressed"}).to_string();
    for (id, said) in
        [("d-1", ACCEPTED), ("d-2", ACCEPTED), ("d-1", DUPLICATE), ("d-2", DUPLICATE), ("", ACCEPTED), (" ", DUPLICATE)]
    {
        assert_eq!(send(&harness, "delivered", &[("x-delivery", id)], &body).await.said(), said, "{id:?}");
    }
    // An id without the bytes that it was sent with is worth nothing: nobody's future event can be taken by it.
    assert_eq!(
        send(&harness, "delivered", &[("x-delivery", "d-1")], &json!({"type": "other"}).to_string()).await.said(),
        ACCEPTED
    );
    let ids: Vec<String> = harness
        .queued()
        .iter()
        .map(|event| event.claimkey.as_str().rsplit_once('+').map_or("", |(_, id)| id).to_owned())
        .collect();
    assert_eq!(ids, ["d-1", "d-2", "", "d-1"]);
    assert!(keys(&harness).iter().all(|key| key.starts_with("delivered#sha256:")), "the bytes are part of every key");
}

#[tokio::test]
async fn a_source_can_state_that_equal_bytes_are_one_event() {
    let harness = Harness::warm().await;
    let body = json!({"type": "pressed"}).to_string();
    assert_eq!(send(&harness, "by-content", &[("x-delivery", "d-1")], &body).await.said(), ACCEPTED);
    assert_eq!(send(&harness, "by-content", &[("x-delivery", "d-2")], &body).await.said(), DUPLICATE);
    assert!(keys(&harness).iter().all(|key| !key.contains('+')));
}

#[tokio::test]
async fn a_field_that_a_retry_rewrites_does_not_make_another_event() {
    let harness = Harness::warm().await;
    let body = |attempt: &str, text: &str| format!(r#"{{"type":"t", "meta":{{"attempt": {attempt}}},"text":"{text}"}}"#);
    for (attempt, text, said) in [
        ("1", "a", ACCEPTED),
        ("2", "a", DUPLICATE),
        ("{\"n\":[3]}", "a", DUPLICATE),
        ("1", "b", ACCEPTED),
        ("2", "b", DUPLICATE),
    ] {
        assert_eq!(send(&harness, "retried", &[], &body(attempt, text)).await.said(), said, "{attempt} {text}");
    }
    // Any other byte makes another event, be it a space.
    assert_eq!(send(&harness, "retried", &[], &body("1", "a").replace("\"type\":", "\"type\": ")).await.said(), ACCEPTED);
    let sent = harness.claim(keys(&harness).iter().next().unwrap()).unwrap();
    assert!(sent.body_sha256.is_some());
}

#[tokio::test]
async fn a_signed_time_that_a_retry_rewrites_is_not_part_of_the_event() {
    let harness = Harness::warm().await;
    let body = json!({"type": "t"}).to_string();
    for (id, said) in [("d-1", ACCEPTED), ("d-1", DUPLICATE), ("d-2", ACCEPTED)] {
        harness.wait(30);
        assert_eq!(send(&harness, "resigned", &[("x-delivery", id)], &body).await.said(), said, "{id}");
    }
}

#[tokio::test]
async fn a_request_signed_again_is_new_and_a_captured_one_is_a_repetition() {
    let harness = Harness::warm().await;
    let body = json!({"type": "t"}).to_string();
    let mut captured = harness.signed("resigned", body.as_str());
    set(&mut captured, "x-delivery", "d-1");
    for id in ["d-1", "d-2", "d-3"] {
        set(&mut captured, "x-delivery", id);
        assert_eq!(harness.send(&captured).await.said(), ACCEPTED);
    }
    harness.wait(30);
    assert_eq!(send(&harness, "resigned", &[("x-delivery", "d-4")], &body).await.said(), ACCEPTED);
    let contents: Vec<Option<String>> = harness.queued().into_iter().map(|event| event.contentkey).collect();
    assert!(contents.iter().all(Option::is_some) && contents[0] == contents[1] && contents[1] == contents[2], "{contents:?}");
    assert_ne!(contents[2], contents[3], "only the provider can sign it anew");
}

#[tokio::test]
async fn a_signed_time_distinguishes_events_without_a_delivery_id() {
    let harness = Harness::warm().await;
    let body = json!({"type": "t"}).to_string();
    for id in ["", " ", ""] {
        harness.wait(30);
        assert_eq!(send(&harness, "resigned", &[("x-delivery", id)], &body).await.said(), ACCEPTED, "{id:?}");
    }
    assert_eq!(keys(&harness).len(), 3);
}

#[tokio::test]
async fn the_first_matching_entry_of_a_list_takes_an_element() {
    let harness = Harness::warm().await;
    let body = json!({"events": [{"id": 1, "gone": true}, {"id": 1, "text": "a"}, {"id": 1, "gone": false}, {"id": 2, "kind": "b"}, {"id": 3, "kind": "c"}]});
    assert_eq!(send(&harness, "conditional", &[], &body.to_string()).await.said(), ACCEPTED);
    let types: Vec<String> = harness.queued().iter().map(|event| format!("{} {}", event.event_type, event.claimkey)).collect();
    assert_eq!(
        types,
        [
            "message.deleted conditional#1:deleted",
            "message.b conditional#2:b",
            "message.c conditional#3:c",
            "message conditional#1:sent",
            "message conditional#1:sent"
        ]
    );
}

#[tokio::test]
async fn an_event_under_a_token_is_known_among_other_events() {
    let harness = Harness::warm().await;
    let [a, b, c] = [1, 2, 3].map(|id| json!({"id": id, "x": "y"}));
    assert_eq!(send(&harness, "regrouped", &[], &json!([a, b]).to_string()).await.said(), ACCEPTED);
    assert_eq!(send(&harness, "regrouped", &[], &json!([b]).to_string()).await.said(), DUPLICATE);
    assert_eq!(send(&harness, "regrouped", &[], &json!([c, b, a]).to_string()).await.said(), ACCEPTED);
    assert_eq!(keys(&harness).len(), 3);
    // Without an id, equal elements are different events.
    assert_eq!(send(&harness, "regrouped", &[], &json!([{"x": 1}, {"x": 1}]).to_string()).await.said(), ACCEPTED);
    assert_eq!(keys(&harness).len(), 5);
}

#[tokio::test]
async fn a_delivery_that_no_entry_matches_is_stored_whole() {
    let harness = Harness::warm().await;
    for body in [json!({"kind": "other"}), json!({})] {
        assert_eq!(send(&harness, "only-known", &[], &body.to_string()).await.said(), ACCEPTED, "{body}");
    }
    assert!(harness.queued().iter().all(|event| event.unreadable().is_some()), "nothing authentic vanishes");
    assert_eq!(send(&harness, "only-known", &[], &json!({"kind": "known"}).to_string()).await.said(), ACCEPTED);
    assert_eq!(harness.queued()[2].event_type, "known");
}

#[tokio::test]
async fn a_sequence_is_read_in_every_notation() {
    let harness = Harness::warm().await;
    for (n, read) in [
        ("2", Some(2)),
        ("2.0", Some(2)),
        ("1e3", Some(1_000)),
        ("\"7\"", Some(7)),
        ("\"7.0\"", Some(7)),
        ("2.5", None),
        ("\"v4\"", None),
    ] {
        let before = harness.queued().len();
        let body = format!(r#"{{"id":"{before}","n":{n}}}"#);
        assert_eq!(send(&harness, "clocked", &[], &body).await.said(), ACCEPTED, "{n}");
        assert_eq!(harness.queued()[before].sequence_number(), read, "{n}");
        let unread: Vec<EventField> = read.is_none().then_some(EventField::Sequence).into_iter().collect();
        assert_eq!(harness.claim(&format!("clocked#{before}")).unwrap().unread, unread, "{n}: never left out in silence");
    }
}

#[tokio::test]
async fn a_too_long_field_is_left_out_and_reported() {
    let harness = Harness::warm().await;
    for (n, (bytes, unread)) in
        [(MAX_SUBJECT_BYTES, vec![]), (MAX_SUBJECT_BYTES + 1, vec![EventField::Subject])].into_iter().enumerate()
    {
        let mut body = order_value(&n.to_string());
        body["order"]["id"] = json!("x".repeat(bytes - "order/".len()));
        assert_eq!(send(&harness, "orders", &[], &body.to_string()).await.said(), ACCEPTED);
        assert_eq!(harness.claim(&format!("orders#{n}")).unwrap().unread, unread, "{bytes} bytes");
        assert_eq!(harness.queued()[n].subject.is_none(), !unread.is_empty());
    }
}

fn order_value(id: &str) -> Value {
    serde_json::from_slice(&order(id, "1")).unwrap()
}

#[tokio::test]
async fn every_type_can_be_named_by_a_rule() {
    let harness = Harness::warm().await;
    for (sent, expected) in [
        ("Merge Request Hook", "Merge_Request_Hook"),
        ("a/b", "a.b"),
        (" a ", "a"),
        ("a..b.", "a._.b._"),
        ("a*{b}", "a__b_"),
        ("a\tb\u{a0}c", "a_b_c"),
    ] {
        let before = harness.queued().len();
        assert_eq!(send(&harness, "bare", &[], &json!({"type": sent, "n": before}).to_string()).await.said(), ACCEPTED);
        let event_type = harness.queued()[before].event_type.clone();
        assert_eq!(event_type, expected, "{sent:?}");
        assert!(event_type.parse::<tidings_config::rules::TypePattern>().is_ok(), "{event_type}");
    }
}
