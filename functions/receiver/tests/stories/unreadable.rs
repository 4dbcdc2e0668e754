//! What is authentic and can't be read as an event is kept with its reason, and costs the delivery's other events nothing.

use crate::support::{ACCEPTED, DUPLICATE, Harness, TAKEN, TRY_AGAIN, UNAUTHENTIC, order, set};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use receiver::unpacked;
use serde_json::{Value, json};
use tidings_config::limits::{MAX_BODY_BYTES, MAX_EVENT_TYPE_BYTES, MAX_MESSAGE_BYTES};
use tidings_core::claim::ClaimState;
use tidings_core::envelope::Envelope;
use tidings_core::memory::log::{counted, lines_with};
use tidings_core::memory::{Call, Fault};
use tidings_core::telemetry::Metric;
use tidings_core::unreadable::{Packed, Why};

/// A WhatsApp delivery of these messages.
fn messages(messages: &[Value]) -> String {
    json!({"entry": [{"changes": [{"value": {"metadata": {"phone_number_id": "1"}, "messages": messages}}]}]}).to_string()
}

fn why(event: &Envelope) -> Option<(Why, String)> {
    event.unreadable().map(|unreadable| (unreadable.why, unreadable.at.unwrap_or_default()))
}

/// Attack 7, and what else an element may lack.
#[tokio::test]
async fn one_unreadable_message_does_not_affect_the_others() {
    let good =
        |id: &str| json!({"from": "15550000001", "id": id, "timestamp": "1795341600", "type": "text", "text": {"body": "hi"}});
    let longest = MAX_EVENT_TYPE_BYTES - "message.".len();
    for (unfit, expected) in [
        (json!({"from": "15550000001", "id": "x"}), Why::NoType),
        (json!({"from": "15550000001", "id": "x", "type": null}), Why::NoType),
        (json!({"from": "15550000001", "id": "x", "type": {"a": 1}}), Why::NoType),
        (json!({"from": "15550000001", "id": "x", "type": "t".repeat(longest + 1)}), Why::LongType),
        (json!(null), Why::NoType),
        (json!([]), Why::NoType),
        (json!("text"), Why::NoType),
    ] {
        let harness = Harness::warm().await;
        let delivery = harness.signed("whatsapp", messages(&[good("wamid.1"), unfit.clone(), good("wamid.2")]));
        assert_eq!(harness.send(&delivery).await.said(), TAKEN, "{unfit}");
        let queued = harness.queued();
        let ids: Vec<&str> = queued.iter().map(|event| event.id.as_str()).collect();
        assert_eq!((ids[0], ids[2], queued.len()), ("wamid.1", "wamid.2", 3), "{unfit}");
        let at = "entry[0].changes[0].value.messages[1]";
        assert_eq!((why(&queued[0]), why(&queued[1])), (None, Some((expected, at.to_owned()))), "{unfit}");
        assert_eq!(serde_json::from_slice::<Value>(&unpacked(&queued[1]).unwrap()).unwrap(), unfit, "whole");
        assert_eq!(counted(Metric::Unreadable).last().unwrap().1, expected.as_str());
        assert_eq!(harness.send(&delivery).await.said(), DUPLICATE, "{unfit}: its retry is the same");
        assert_eq!(harness.store.claims().len(), 3);
    }
    let harness = Harness::warm().await;
    let fits = json!({"id": "x", "type": "t".repeat(longest)});
    harness.send(&harness.signed("whatsapp", messages(&[fits]))).await;
    assert_eq!((harness.queued()[0].event_type.len(), why(&harness.queued()[0])), (MAX_EVENT_TYPE_BYTES, None));
}

#[tokio::test]
async fn a_delivery_of_unreadable_elements_is_stored_one_by_one() {
    let harness = Harness::warm().await;
    let body = r#"{"shared":1,"events":[{"n":1},{"n":1},7]}"#;
    assert_eq!(harness.send(&harness.signed("many", body)).await.said(), ACCEPTED);
    let queued = harness.queued();
    let places: Vec<_> = queued.iter().map(|event| why(event).unwrap().1).collect();
    assert_eq!(places, ["events[0]", "events[1]", "events[2]"]);
    let keys: std::collections::BTreeSet<_> = queued.iter().map(|event| event.claimkey.clone()).collect();
    assert_eq!(keys.len(), 3, "equal elements are two");
}

#[tokio::test]
async fn a_delivery_without_its_sources_lists_is_stored_whole() {
    let harness = Harness::warm().await;
    for (body, events) in [(r#"{"ping":true}"#, 1), (r#"[{"type":"a"}]"#, 2), (r#""text""#, 3), (r#"{"events":{}}"#, 4)] {
        assert_eq!(harness.send(&harness.signed("many", body)).await.said(), ACCEPTED, "{body}");
        let kept = harness.queued().pop().unwrap();
        assert_eq!((why(&kept), harness.queued().len()), (Some((Why::NoEvent, String::new())), events));
        assert_eq!(unpacked(&kept).unwrap(), body.as_bytes());
    }
    assert_eq!(harness.send(&harness.signed("many", r#"{"events":[]}"#)).await.said(), (200, "no_events"));
}

/// Case 10: half an emoji, as WhatsApp sends it.
#[tokio::test]
async fn an_unpaired_surrogate_is_replaced_and_the_event_is_accepted() {
    let harness = Harness::warm().await;
    let body = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"value":{"contacts":[{"profile":{"name":"Anna \ud83d"},"wa_id":"15550000009"}],"messages":[{"from":"15550000009","id":"wamid.LONE","timestamp":"1795341600","type":"text","text":{"body":"hello"}}]},"field":"messages"}]}]}"#;
    assert_eq!(harness.send(&harness.signed("whatsapp", body)).await.said(), TAKEN);
    let event = &harness.queued()[0];
    assert_eq!((event.id.as_str(), why(event)), ("wamid.LONE", None));
    let data: Value = serde_json::from_str(event.data.get()).unwrap();
    assert_eq!(data["contacts"][0]["profile"]["name"], "Anna \u{fffd}");

    let texts = [(r"\ude00x", "\u{fffd}x"), (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"), (r"\\ud83d", "\\ud83d")];
    for (n, (text, read)) in texts.into_iter().enumerate() {
        let body = format!(r#"{{"id":"{n}","type":"order.shipped","note":"{text}"}}"#);
        assert_eq!(harness.send(&harness.signed("orders", body)).await.said(), ACCEPTED, "{text}");
        let data: Value = serde_json::from_str(harness.queued().pop().unwrap().data.get()).unwrap();
        assert_eq!(data["note"], read);
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped() {
    let harness = Harness::warm().await;
    let json = String::from_utf8(order("e1", "1")).unwrap();
    assert_eq!(harness.send(&harness.signed("orders", format!("\u{feff}{json}"))).await.said(), ACCEPTED);
    let event = &harness.queued()[0];
    assert_eq!((event.claimkey.as_str(), event.data.get(), why(event)), ("orders#e1", json.as_str(), None));
    assert_eq!(harness.send(&harness.signed("orders", json)).await.said(), DUPLICATE, "the same event without it");
    harness.send(&harness.signed("orders", "\u{feff}\u{feff}{}")).await;
    assert_eq!(why(&harness.queued()[1]).unwrap().0, Why::NotJson, "one is skipped, and no more");
}

#[tokio::test]
async fn a_reason_names_a_place_and_quotes_no_payload() {
    let harness = Harness::warm().await;
    for (body, reason) in [
        ("{\"type\":\n  hunter2", "unreadable: the body is not JSON (line 2 column 3)"),
        ("{\"hunter2\":", "unreadable: the JSON ends before it is complete (line 1 column 11)"),
    ] {
        harness.send(&harness.signed("orders", body)).await;
        let kept = harness.queued().pop().unwrap();
        assert_eq!(kept.unreadable().unwrap().to_string(), reason);
        assert_eq!(lines_with(&[reason]), 2, "the line, and the step of `dev`");
        assert_eq!(harness.claim(kept.claimkey.as_str()).unwrap().state, ClaimState::Processed);
    }
}

/// An attacker with a captured request can change unsigned parts. The result is one dead letter; no event's key is taken.
#[tokio::test]
async fn a_request_made_unreadable_takes_no_events_key() {
    let harness = Harness::warm().await;
    let genuine = harness.case("github-push");
    let mut stripped = genuine.clone();
    stripped.headers.remove("x-github-event");
    let mut long = genuine.clone();
    set(&mut long, "x-github-event", &"t".repeat(MAX_EVENT_TYPE_BYTES + 1));
    assert_eq!(harness.send(&stripped).await.said(), ACCEPTED);
    assert_eq!(harness.send(&long).await.said(), DUPLICATE, "the same bytes are kept once, whatever is wrong with them");
    assert_eq!(harness.send(&genuine).await.said(), ACCEPTED, "and the event is an event");
    let queued = harness.queued();
    assert_eq!((queued.len(), queued[1].event_type.as_str()), (2, "push"));
}

#[tokio::test]
async fn a_forged_body_that_cannot_be_read_is_refused_like_any_other() {
    let harness = Harness::warm().await;
    for body in ["", "{", "[", "\u{feff}"] {
        assert_eq!(harness.send(&harness.signed_with("orders", "another key", body)).await.said(), UNAUTHENTIC, "{body:?}");
    }
    assert_eq!(harness.calls(), 0);
}

#[tokio::test]
async fn an_unreadable_delivery_is_durable_before_the_response() {
    let harness = Harness::warm().await;
    let delivery = harness.signed("orders", "{");
    harness.faults.fail(Call::Send, Fault::Refuse, 1);
    assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN);
    assert_eq!(harness.send(&delivery).await.said(), ACCEPTED);
    assert_eq!(harness.queued().len(), 1);
}

#[tokio::test]
async fn large_bytes_are_compressed_and_only_a_too_large_delivery_is_refused() {
    let harness = Harness::warm().await;
    let text = "x".repeat(MAX_BODY_BYTES);
    assert_eq!(harness.send(&harness.signed("orders", text.clone())).await.said(), ACCEPTED);
    let packed = &harness.queued()[0];
    assert_eq!((packed.datapacked, unpacked(packed).unwrap()), (Some(Packed::Gzip), text.into_bytes()));

    // Bytes that can't be made smaller: base64 makes four of three.
    let noise = |bytes: usize| {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..bytes).map(|_| next()).collect::<Vec<u8>>()
    };
    let overhead = MAX_MESSAGE_BYTES - harness.queued().pop().unwrap().encode().len();
    assert!(overhead > 0);
    let plain = |bytes: usize| {
        let frame = packed.encode().replace(",\"datapacked\":\"gzip\"", "").len() - packed.data_base64.as_ref().unwrap().len();
        frame + STANDARD.encode(vec![0; bytes]).len()
    };
    let most = (0..).map(|n| MAX_MESSAGE_BYTES / 4 * 3 - n).find(|bytes| plain(*bytes) <= MAX_MESSAGE_BYTES).unwrap();
    let largest = noise(most);
    let before = harness.calls();
    assert_eq!(harness.send(&harness.signed("orders", largest.clone())).await.said(), ACCEPTED);
    let kept = harness.queued().pop().unwrap();
    assert_eq!((kept.datapacked, unpacked(&kept).unwrap() == largest), (None, true));
    assert_eq!(harness.calls() - before, 2);
    assert_eq!(harness.send(&harness.signed("orders", noise(most + 3_000))).await.said(), (413, "too_large"));
    assert_eq!(harness.calls() - before, 2, "nothing of it was claimed");
}
