//! What a provider's events say of messages is recorded once each, and the last word stays, whatever order they come in and
//! whatever call fails. For other events, and without a sender, there is no call.

use crate::support::{AMPLE, Harness, MAX_RECEIVES, Sent, another, corpus_events, handle, message, paid, rules};
use processor::Processor;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_config::limits::{MAX_MESSAGE_ID_BYTES, MAX_STATUS_MESSAGES};
use tidings_config::status::{SourceStatus, StatusWord};
use tidings_core::claim::ClaimState;
use tidings_core::memory::log::{capture, counted};
use tidings_core::memory::{Call, Fault, MemorySends};
use tidings_core::send::{MessageStatus, StatusKey};
use tidings_core::telemetry::Metric;

fn says(event_type: &str, is: StatusWord) -> SourceStatus {
    SourceStatus {
        source: "orders".to_owned(),
        types: vec![event_type.to_owned()],
        namespace: "whatsapp".to_owned(),
        message: Some("id".parse().unwrap()),
        id: Some("own".parse().unwrap()),
        is,
        reason: Some("errors[0].title".parse().unwrap()),
    }
}

fn all() -> Vec<SourceStatus> {
    vec![says("delivered", StatusWord::Delivered), says("read", StatusWord::Read), says("failed", StatusWord::Failed)]
}

fn world() -> (Harness, Arc<MemorySends>, Processor) {
    let harness = Harness::new();
    let sends = Arc::new(MemorySends::new(Arc::clone(&harness.faults)));
    let processor = another(rules(), Arc::clone(&harness.store), &harness.clock, &harness.outside);
    let processor = processor.recording_statuses(all(), Arc::clone(&sends) as _);
    (harness, sends, processor)
}

fn event(id: &'static str, event_type: &'static str, data: Value) -> Sent {
    let mut whole = json!({"who": "ann"});
    whole.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    Sent { id, event_type, order: "1", age_seconds: 0, data: whole }
}

async fn process(processor: &Processor, events: &[Sent]) {
    for event in events {
        assert_eq!(handle(processor, vec![event.message(1)], AMPLE).await, [""; 0]);
    }
}

fn of(sends: &MemorySends, key: &StatusKey) -> Option<MessageStatus> {
    sends.statuses().get(key).cloned()
}

#[tokio::test]
async fn a_status_is_recorded_under_its_messages_id_with_its_time_and_reason() {
    let (_, sends, processor) = world();
    let failed = event("s1", "failed", json!({"id": "wamid.1", "errors": [{"title": "not\u{1b} here"}]}));
    process(&processor, std::slice::from_ref(&failed)).await;
    let stored = of(&sends, &StatusKey::of_message("whatsapp", "wamid.1")).unwrap();
    assert_eq!(stored.is, StatusWord::Failed);
    assert_eq!(Some(stored.at), failed.envelope().time);
    assert_eq!(stored.reason.as_deref(), Some("not  here"), "no control character");
}

#[tokio::test]
async fn the_sends_own_id_counts_before_the_messages() {
    let (_, sends, processor) = world();
    process(&processor, &[event("s1", "read", json!({"id": "wamid.1", "own": "a1"}))]).await;
    assert_eq!(sends.statuses().into_keys().collect::<Vec<_>>(), [StatusKey::of_id("whatsapp", "a1")]);
}

#[tokio::test]
async fn the_last_word_stays_in_every_order_and_duplicates_change_nothing() {
    let events = [
        event("s1", "delivered", json!({"id": 5_741_311_803_571_721_087_u64})),
        event("s2", "read", json!({"id": 5_741_311_803_571_721_087_u64})),
        event("s3", "failed", json!({"id": 5_741_311_803_571_721_087_u64})),
    ];
    let key = StatusKey::of_message("whatsapp", "5741311803571721087");
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (_, sends, processor) = world();
        for nth in order {
            process(&processor, &[events[nth].clone(), events[nth].clone()]).await;
        }
        assert_eq!(of(&sends, &key).map(|status| status.is), Some(StatusWord::Read), "{order:?}");
    }
    let (_, sends, processor) = world();
    process(&processor, &[events[2].clone(), events[0].clone()]).await;
    assert_eq!(of(&sends, &key).map(|status| status.is), Some(StatusWord::Failed));
}

#[tokio::test]
async fn a_message_that_failed_is_counted_once() {
    capture();
    let (_, _, processor) = world();
    let events = [
        event("s1", "failed", json!({"id": "wamid.1"})),
        event("s2", "failed", json!({"id": "wamid.1"})),
        event("s3", "read", json!({"id": "wamid.2"})),
    ];
    process(&processor, &events).await;
    assert_eq!(counted(Metric::MessageFailed).len(), 1);
}

#[tokio::test]
async fn another_event_and_a_processor_without_a_sender_make_no_call() {
    let (harness, sends, processor) = world();
    process(&processor, &[paid("e1", "ann", 5), event("s1", "sent", json!({"id": "wamid.1"}))]).await;
    assert_eq!((harness.faults.count(Call::RaiseStatus), sends.statuses().len()), (0, 0));
    let with = harness.faults.total();

    let without = Harness::new();
    assert_eq!(without.handle(vec![paid("e1", "ann", 5).message(1)]).await, [""; 0]);
    assert_eq!(without.handle(vec![event("s1", "sent", json!({"id": "wamid.1"})).message(1)]).await, [""; 0]);
    assert_eq!(without.faults.total(), with);
}

#[tokio::test]
async fn a_status_costs_one_write() {
    let (harness, _, processor) = world();
    process(&processor, &[event("s0", "sent", json!({"id": "wamid.1"}))]).await;
    let other = harness.faults.total();
    process(&processor, &[event("s1", "delivered", json!({"id": "wamid.1"}))]).await;
    assert_eq!(harness.faults.total(), 2 * other + 1);
}

#[tokio::test]
async fn a_status_is_recorded_before_its_message_is_deleted_whatever_call_fails() {
    let faults = [Fault::Refuse, Fault::LoseAnswer];
    for call in [Call::Load, Call::Effect, Call::Commit, Call::RaiseStatus] {
        for (fault, nth) in faults.into_iter().flat_map(|fault| (0..2).map(move |nth| (fault, nth))) {
            let (harness, sends, processor) = world();
            harness.faults.pass(call, nth);
            harness.faults.fail(call, fault, 1);
            let mut receive = 1;
            let status = event("s1", "failed", json!({"id": "wamid.1"}));
            while !handle(&processor, vec![status.message(receive)], AMPLE).await.is_empty() {
                receive += 1;
                assert!(receive <= MAX_RECEIVES, "{call:?} {fault:?} {nth}");
            }
            assert_eq!(harness.state("orders#s1"), Some(ClaimState::Processed));
            let key = StatusKey::of_message("whatsapp", "wamid.1");
            assert_eq!(of(&sends, &key).map(|status| status.is), Some(StatusWord::Failed), "{call:?} {fault:?} {nth}");
        }
    }
}

/// The provider's own payloads, split by its preset, with the statuses of the channel's file.
#[tokio::test]
async fn the_statuses_of_whatsapps_webhooks_are_those_of_the_messages_that_they_name() {
    let channels = "version: 1\nchannels: { whatsapp: { phone_number_id: \"106540352242922\" } }\n";
    let channels = tidings_project::read_channels("channels.yaml", channels).unwrap();
    let statuses = tidings_project::statuses(&tidings_events::project::sources(), &channels);
    assert!(!statuses.is_empty());
    let harness = Harness::new();
    let sends = Arc::new(MemorySends::new(Arc::clone(&harness.faults)));
    let rules = tidings_events::project::rules();
    let processor = another(rules, Arc::clone(&harness.store), &harness.clock, &harness.outside);
    let processor = processor.recording_statuses(statuses, Arc::clone(&sends) as _);
    let mut expected = BTreeMap::new();
    for envelope in corpus_events() {
        let word = envelope.event_type.strip_prefix("message.").and_then(StatusWord::parse);
        if let Some(word) = word.filter(|_| envelope.source_name() == "whatsapp") {
            let data: Value = serde_json::from_str(envelope.data.get()).unwrap();
            let key = StatusKey::of_message("whatsapp", data["id"].as_str().unwrap());
            let known = expected.entry(key).or_insert(word);
            *known = if known.rank() < word.rank() { word } else { *known };
        }
        let message = message(envelope.claimkey.as_str(), &envelope.encode(), 1);
        let _ = handle(&processor, vec![message], AMPLE).await;
    }
    assert!(!expected.is_empty(), "the corpus has statuses");
    let stored: BTreeMap<_, _> = sends.statuses().into_iter().map(|(key, status)| (key, status.is)).collect();
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn a_list_of_messages_is_bounded_and_an_id_that_no_send_has_is_left_out() {
    let (_, sends, processor) = world();
    let many: Vec<String> = (0..=MAX_STATUS_MESSAGES).map(|n| format!("m_{n}")).collect();
    process(&processor, &[event("s1", "delivered", json!({"id": many}))]).await;
    assert_eq!(sends.statuses().len(), MAX_STATUS_MESSAGES);
    let (_, sends, processor) = world();
    let odd = [json!({"id": ""}), json!({"id": "x".repeat(MAX_MESSAGE_ID_BYTES)}), json!({"id": {"a": 1}}), json!({"id": null})];
    let ids = ["o1", "o2", "o3", "o4"];
    for (id, data) in ids.into_iter().zip(odd) {
        process(&processor, &[event(id, "delivered", data)]).await;
    }
    assert_eq!(sends.statuses().len(), 0);
    process(&processor, &[event("o5", "delivered", json!({"id": "x".repeat(MAX_MESSAGE_ID_BYTES - 1)}))]).await;
    assert_eq!(sends.statuses().len(), 1);
}
