//! Events that claims keep: what stayed `received` is queued by a sweep, and has one effect.

use crate::support::{AMPLE, Harness, Sent, another, rules};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::{OUTBOX_AGE, SWEEP_PAGE};
use tidings_config::time::Clock;
use tidings_core::claim::decide::Recorded;
use tidings_core::claim::{ClaimKey, ClaimState, NewClaim, OutboxMessage, Sha256Hex};
use tidings_core::envelope::Envelope;
use tidings_core::memory::{Call, Fault};
use tidings_core::ports::ClaimStore;

const KEY: &str = "orders#e1";

/// A harness whose sweeps look for kept events.
fn harness() -> Harness {
    let mut harness = Harness::new();
    let processor = another(rules(), Arc::clone(&harness.store), &harness.clock, &harness.outside);
    harness.processor = processor.sweeping_outbox(Arc::clone(&harness.store) as _);
    harness
}

/// What the receiver leaves when SQS is down.
async fn keep(harness: &Harness, envelope: &Envelope) {
    let claim = NewClaim {
        key: envelope.claimkey.clone(),
        source: envelope.source.clone(),
        event_id: envelope.id.clone(),
        event_type: envelope.event_type.clone(),
        subject: envelope.subject.clone(),
        body_sha256: Sha256Hex::of(b"body"),
        received: envelope.receivedtime,
        trace_id: None,
        unread: Vec::new(),
        outbox: OutboxMessage::of(&envelope.encode()),
    };
    assert_eq!(harness.store.record(&claim).await, Recorded::New);
}

fn shipped(harness: &Harness) -> Envelope {
    let data = json!({"who": "ann", "status": "packed"});
    let mut envelope = Sent { id: "e1", event_type: "order.moved", order: "1", age_seconds: 0, data }.envelope();
    envelope.receivedtime = harness.clock.now();
    envelope
}

fn is_kept(harness: &Harness) -> bool {
    harness.store.outbox(&ClaimKey::from(KEY.to_owned())).is_some()
}

#[tokio::test]
async fn an_event_that_was_not_queued_is_queued_by_a_sweep_and_has_one_effect() {
    let harness = harness();
    keep(&harness, &shipped(&harness)).await;
    harness.clock.advance(OUTBOX_AGE - Duration::from_millis(1));
    assert_eq!(harness.processor.sweep(AMPLE).await.unwrap().events, 0, "it may still be in the queue");
    harness.clock.advance(Duration::from_millis(1));
    assert_eq!(harness.processor.sweep(AMPLE).await.unwrap().events, 1);
    assert_eq!((harness.state(KEY), is_kept(&harness)), (Some(ClaimState::Enqueued), true), "until it is processed");
    let messages = harness.outside.queue.messages();
    assert_eq!(messages.len(), 1);
    let sent = Envelope::decode(&messages[0]).unwrap();
    assert_eq!(sent.deliveredtime, Some(harness.clock.now()), "it says that it is sent again");

    assert_eq!(harness.processor.sweep(AMPLE).await.unwrap().events, 0, "once");
    harness.pass(Duration::from_secs(1)).await;
    assert_eq!((harness.state(KEY), is_kept(&harness)), (Some(ClaimState::Processed), false));
}

/// The queue only lagged: the copy finds the effect.
#[tokio::test]
async fn a_copy_of_an_event_that_waits_in_the_queue_has_no_second_effect() {
    let harness = harness();
    let event = shipped(&harness);
    keep(&harness, &event).await;
    harness.clock.advance(OUTBOX_AGE);
    assert_eq!(harness.processor.sweep(AMPLE).await.unwrap().events, 1);
    assert!(harness.handle(vec![crate::support::message("first", &event.encode(), 1)]).await.is_empty());
    let commits = harness.faults.count(Call::Commit);
    harness.pass(Duration::from_secs(1)).await;
    assert_eq!((harness.state(KEY), harness.faults.count(Call::Commit)), (Some(ClaimState::Processed), commits));
}

#[tokio::test]
async fn whatever_call_of_a_sweep_fails_the_event_is_queued_by_the_next() {
    for (call, fault, messages) in [
        (Call::Waiting, Fault::Refuse, 1),
        (Call::OutboxMessage, Fault::Refuse, 1),
        (Call::SetTimer, Fault::Refuse, 1),
        (Call::SetTimer, Fault::LoseAnswer, 2),
        (Call::MarkEnqueued, Fault::Refuse, 2),
        (Call::MarkEnqueued, Fault::LoseAnswer, 1),
    ] {
        let harness = harness();
        keep(&harness, &shipped(&harness)).await;
        harness.clock.advance(OUTBOX_AGE);
        harness.faults.fail(call, fault, 1);
        assert!(harness.processor.sweep(AMPLE).await.is_err(), "{call:?} {fault:?}: Lambda repeats it");
        assert!(harness.processor.sweep(AMPLE).await.is_ok(), "{call:?} {fault:?}");
        assert_eq!(harness.outside.queue.messages().len(), messages, "{call:?} {fault:?}");
        harness.pass(Duration::from_secs(1)).await;
        assert_eq!((harness.state(KEY), is_kept(&harness)), (Some(ClaimState::Processed), false), "{call:?} {fault:?}");
    }
}

#[tokio::test]
async fn a_sweep_queues_everything_that_an_outage_left() {
    let harness = harness();
    let count = 3 * SWEEP_PAGE;
    for n in 0..count {
        let mut envelope = shipped(&harness);
        envelope.claimkey = ClaimKey::from(format!("orders#n{n}"));
        if n % 3 == 0 {
            harness.clock.advance(Duration::from_millis(1));
        }
        keep(&harness, &envelope).await;
    }
    harness.clock.advance(OUTBOX_AGE);
    assert_eq!(harness.processor.sweep(AMPLE).await.unwrap().events, count);
    assert_eq!(harness.outside.queue.messages().len(), count);
}

#[tokio::test]
async fn an_event_with_a_later_state_is_not_queued() {
    for state in [ClaimState::Enqueued, ClaimState::Processed, ClaimState::Dead] {
        let harness = harness();
        keep(&harness, &shipped(&harness)).await;
        harness.store.set_state(&ClaimKey::from(KEY.to_owned()), state);
        harness.clock.advance(OUTBOX_AGE);
        assert_eq!(harness.processor.sweep(AMPLE).await.unwrap().events, 0, "{state}");
    }
}

#[tokio::test]
async fn without_such_a_source_a_sweep_asks_for_nothing() {
    let harness = Harness::new();
    assert_eq!(harness.processor.sweep(AMPLE).await.unwrap().events, 0);
    assert_eq!((harness.faults.count(Call::Waiting), harness.faults.count(Call::OutboxMessage)), (0, 0));
}
