//! One delivery of many events: each is claimed and queued on its own, and the reply is for all.

use crate::support::{ACCEPTED, DUPLICATE, Harness, TRY_AGAIN};
use tidings_core::claim::ClaimState;
use tidings_core::memory::{Call, Fault};

const SENT: &str = "whatsapp#wamid.HBgMNDkxNzEzOTIwMDEyFQIAERgSOEY4RTg5QjU3MkI4Qzk0MEExAA==:sent";
const DELIVERED: &str = "whatsapp#wamid.HBgMNDkxNzEzOTIwMDEyFQIAERgSOEY4RTg5QjU3MkI4Qzk0MEExAA==:delivered";

fn types(harness: &Harness) -> Vec<String> {
    harness.queued().into_iter().map(|event| event.event_type).collect()
}

#[tokio::test]
async fn every_event_of_a_delivery_is_an_event_of_its_own() {
    let harness = Harness::warm().await;
    assert_eq!(harness.send(&harness.case("whatsapp-statuses")).await.said(), ACCEPTED);
    assert_eq!(types(&harness), ["message.text", "message.sent", "message.delivered"]);
    assert_eq!(harness.store.claims().len(), 3);
}

#[tokio::test]
async fn two_states_of_one_message_are_two_claims() {
    let harness = Harness::warm().await;
    harness.send(&harness.case("whatsapp-statuses")).await;
    let [sent, delivered] = [SENT, DELIVERED].map(|key| harness.claim(key).expect("it has a claim"));
    assert_eq!(sent.subject, delivered.subject, "of one message");
    assert_eq!((sent.event_type.as_str(), delivered.event_type.as_str()), ("message.sent", "message.delivered"));
}

#[tokio::test]
async fn one_event_that_is_not_durable_makes_the_delivery_503_and_costs_the_others_nothing() {
    for failing in 0..3 {
        let harness = Harness::warm().await;
        let delivery = harness.case("whatsapp-statuses");
        harness.faults.pass(Call::Send, failing);
        harness.faults.fail(Call::Send, Fault::Refuse, 1);
        assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN, "event {failing}");
        assert_eq!(harness.queued().len(), 2, "event {failing}");
        let waiting = harness.store.claims().iter().filter(|c| c.state == ClaimState::Received).count();
        assert_eq!(waiting, 1, "event {failing}");

        assert_eq!(harness.send(&delivery).await.said(), ACCEPTED, "event {failing}");
        assert_eq!((harness.queued().len(), harness.count(Call::Send)), (3, 4), "event {failing}: only it was sent again");
        assert!(harness.store.claims().iter().all(|c| c.state == ClaimState::Enqueued), "event {failing}");
        assert_eq!(harness.send(&delivery).await.said(), DUPLICATE, "event {failing}");
    }
}

#[tokio::test]
async fn a_delivery_of_new_and_known_events_is_accepted_for_the_new_ones() {
    let harness = Harness::warm().await;
    let status = |id: &str| format!("{{\"id\":\"{id}\",\"status\":\"sent\"}}");
    let body = |list: &[&str]| {
        let list: Vec<String> = list.iter().map(|id| status(id)).collect();
        format!("{{\"entry\":[{{\"changes\":[{{\"value\":{{\"statuses\":[{}]}}}}]}}]}}", list.join(","))
    };
    let send = async |list: &[&str]| harness.send(&harness.signed("whatsapp", body(list))).await;
    assert_eq!(send(&["a", "b"]).await.said(), ACCEPTED);
    assert_eq!(send(&["b", "c"]).await.said(), ACCEPTED);
    assert_eq!(send(&["c", "a"]).await.said(), DUPLICATE);
    assert_eq!(harness.queued().len(), 3);
}

#[tokio::test]
async fn an_event_that_stands_in_a_delivery_twice_is_one_claim() {
    let harness = Harness::warm().await;
    let body = r#"{"entry":[{"changes":[{"value":{"statuses":[{"id":"a","status":"read"},{"id":"a","status":"read"}]}}]}]}"#;
    assert_eq!(harness.send(&harness.signed("whatsapp", body)).await.said(), ACCEPTED);
    assert_eq!(harness.store.claims().len(), 1);
}
