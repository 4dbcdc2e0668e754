//! The windows of the claim protocol: wherever something fails or dies, the event is durable or asked for again.

use crate::crashing::{crashing, send_or_die};
use crate::support::{ACCEPTED, DUPLICATE, Harness, TAKEN, TRY_AGAIN, order, secrets, statuses};
use async_trait::async_trait;
use std::sync::Arc;
use tidings_config::time::Clock;
use tidings_core::claim::decide::Committed;
use tidings_core::claim::{ClaimKey, ClaimState, Sha256Hex};
use tidings_core::envelope::Envelope;
use tidings_core::memory::log::{counted, lines_with};
use tidings_core::memory::{Call, Fault, MemoryQueue, MemoryStore, Side, noted};
use tidings_core::ports::{ContextStore, DeadLetter, DeadLettered, EventQueue, Unavailable};
use tidings_core::telemetry::Metric;
use tidings_core::trace::Trace;

const KEY: &str = "orders#e1";

#[tokio::test]
async fn a_refused_send_leaves_the_claim_received_and_the_retry_gets_through() {
    let harness = Harness::warm().await;
    let delivery = harness.signed("orders", order("e1", "1"));
    for _ in 0..3 {
        harness.faults.fail(Call::Send, Fault::Refuse, 1);
        assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN);
        assert_eq!((harness.state(KEY), harness.queued().len()), (Some(ClaimState::Received), 0));
    }
    assert_eq!(harness.count(Call::MarkEnqueued), 0);
    assert_eq!(harness.send(&delivery).await.said(), ACCEPTED);
    assert_eq!((harness.state(KEY), harness.queued().len()), (Some(ClaimState::Processed), 1));
    assert_eq!(harness.send(&delivery).await.said(), DUPLICATE);
}

#[tokio::test]
async fn a_send_whose_answer_is_lost_is_sent_again() {
    let harness = Harness::warm().await;
    let delivery = harness.signed("orders", order("e1", "1"));
    harness.faults.fail(Call::Send, Fault::LoseAnswer, 1);
    assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN, "only an acknowledgement is durable");
    assert_eq!((harness.state(KEY), harness.queued().len()), (Some(ClaimState::Received), 1));
    assert_eq!(harness.send(&delivery).await.said(), ACCEPTED);
    let queued = harness.queued();
    assert_eq!(queued.len(), 2);
    assert_eq!(queued[0].encode(), queued[1].encode(), "two messages, one event");
}

#[tokio::test]
async fn an_event_is_queued_without_a_claim() {
    for (fault, state) in [(Fault::Refuse, None), (Fault::Conflict, None), (Fault::LoseAnswer, Some(ClaimState::Received))] {
        let harness = Harness::warm().await.without_processor();
        let delivery = harness.signed("orders", order("e1", "1"));
        harness.faults.fail(Call::Record, fault, 1);
        assert_eq!(harness.send(&delivery).await.said(), ACCEPTED, "{fault:?}");
        assert_eq!((harness.state(KEY), harness.queued().len()), (state, 1), "{fault:?}");
        assert_eq!(harness.send(&delivery).await.said(), ACCEPTED, "{fault:?}: what isn't known to be queued is queued");
        assert_eq!((harness.state(KEY), harness.queued().len()), (Some(ClaimState::Received), 2), "{fault:?}");
    }
}

#[tokio::test]
async fn an_event_is_queued_again_until_it_is_processed() {
    let harness = Harness::warm().await.without_processor();
    let delivery = harness.signed("orders", order("e1", "1"));
    for messages in 1..4 {
        assert_eq!(harness.send(&delivery).await.said(), ACCEPTED);
        assert_eq!((harness.state(KEY), harness.queued().len()), (Some(ClaimState::Received), messages));
    }
    assert_eq!(harness.count(Call::MarkEnqueued), 0);
    // The version before marked every event.
    for state in [ClaimState::Enqueued, ClaimState::Processed] {
        harness.store.set_state(&ClaimKey::from(KEY.to_owned()), state);
        assert_eq!(harness.send(&delivery).await.said(), DUPLICATE, "{state}");
        assert_eq!((harness.state(KEY), harness.queued().len()), (Some(state), 3), "{state}");
    }
}

/// One of two events fails, so the other is marked.
#[tokio::test]
async fn a_lost_mark_costs_one_more_message_and_nothing_else() {
    for (fault, state, messages) in [(Fault::Refuse, ClaimState::Received, 2), (Fault::LoseAnswer, ClaimState::Enqueued, 1)] {
        let harness = Harness::warm().await.without_processor();
        let delivery = harness.signed("whatsapp", statuses(&["a", "b"]));
        harness.faults.fail(Call::MarkEnqueued, fault, 1);
        harness.faults.pass(Call::SendEntry, 1);
        harness.faults.fail(Call::SendEntry, Fault::Refuse, 1);
        assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN, "{fault:?}");
        assert_eq!(
            (harness.state("whatsapp#a:sent"), harness.state("whatsapp#b:sent")),
            (Some(state), Some(ClaimState::Received))
        );
        assert_eq!(harness.send(&delivery).await.said(), TAKEN, "{fault:?}");
        let of_a = harness.queued().iter().filter(|event| event.claimkey.as_str() == "whatsapp#a:sent").count();
        assert_eq!((of_a, harness.queued().len()), (messages, messages + 1), "{fault:?}");
    }
}

#[tokio::test]
async fn the_next_delivery_is_durable_after_a_crash_at_any_call() {
    // (call, side) → state of the claim and messages then.
    let received = Some(ClaimState::Received);
    for (call, side, state, messages) in
        [(0, Side::Before, None, 0), (0, Side::After, received, 0), (1, Side::Before, received, 0), (1, Side::After, received, 1)]
    {
        let (harness, life) = crashing().await;
        let delivery = harness.signed("orders", order("e1", "1"));
        life.ends_at(call, side);
        assert_eq!(send_or_die(&harness, &delivery), None, "it dies {side:?} call {call}");
        assert_eq!((harness.state(KEY), harness.queued().len()), (state, messages), "{side:?} call {call}");

        let answer = send_or_die(&harness, &delivery).expect("it lives now");
        assert_eq!(answer.said(), ACCEPTED, "{side:?} call {call}");
        assert_eq!(harness.queued().len(), messages + 1, "{side:?} call {call}");
        let answer = send_or_die(&harness, &delivery).expect("it lives now");
        assert_eq!(answer.said(), DUPLICATE, "{side:?} call {call}: it is processed");
    }
}

#[tokio::test]
async fn a_dead_event_that_is_delivered_again_is_queued_again() {
    let harness = Harness::warm().await.without_processor();
    let delivery = harness.signed("orders", order("e1", "1"));
    harness.send(&delivery).await;
    let dead_letter = DeadLetter {
        key: ClaimKey::from(KEY.to_owned()),
        source: "orders".to_owned(),
        event_type: "order.shipped".to_owned(),
        at: harness.clock.now(),
        reason: "rule r".to_owned(),
        receive_count: 5,
        entry: None,
        trace_id: None,
    };
    assert_eq!(harness.store.dead_letter(&dead_letter).await.unwrap(), DeadLettered::Yes);
    let first = harness.clock.now();
    harness.clock.advance(std::time::Duration::from_secs(60));
    for messages in [2, 3] {
        assert_eq!(harness.send(&delivery).await.said(), ACCEPTED);
        let again = harness.queued().pop().unwrap();
        assert_eq!((again.receivedtime, again.delivered()), (first, harness.clock.now()), "its place, and its age");
        assert_eq!((harness.state(KEY), harness.queued().len()), (Some(ClaimState::Dead), messages));
    }
    assert_eq!(harness.claim(KEY).unwrap().reason.as_deref(), Some("rule r"), "why it died is still known");
}

#[tokio::test]
async fn a_processed_event_stays_a_duplicate() {
    let harness = Harness::warm().await.without_processor();
    let delivery = harness.signed("orders", order("e1", "1"));
    harness.send(&delivery).await;
    let event = &harness.queued()[0];
    assert_eq!(harness.store.commit(&noted(event, "c", harness.clock.now())).await, Committed::Yes);
    assert_eq!(harness.send(&delivery).await.said(), DUPLICATE);
    assert_eq!((harness.state(KEY), harness.queued().len()), (Some(ClaimState::Processed), 1));
}

/// A queue whose messages are processed before its acknowledgement is back.
#[derive(Debug)]
struct FastProcessor {
    store: Arc<MemoryStore>,
    queue: Arc<MemoryQueue>,
}

#[async_trait]
impl EventQueue for FastProcessor {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        let answers = self.queue.send(messages, trace).await;
        for (message, _) in messages.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()) {
            let event = Envelope::decode(message).unwrap();
            assert_eq!(self.store.commit(&noted(&event, "c", event.receivedtime)).await, Committed::Yes);
        }
        answers
    }
}

#[tokio::test]
async fn the_mark_never_takes_a_claim_back_from_processed() {
    let harness = Harness::with(&secrets().to_string(), |store, queue| {
        let fast = FastProcessor { store: Arc::clone(&store), queue };
        (store, Arc::new(fast))
    });
    harness.receiver.warm_up().await;
    let delivery = harness.signed("whatsapp", statuses(&["a", "b"]));
    harness.faults.pass(Call::SendEntry, 1);
    harness.faults.fail(Call::SendEntry, Fault::Refuse, 1);
    assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN);
    assert_eq!(harness.count(Call::MarkEnqueued), 1, "it did try");
    assert_eq!(harness.state("whatsapp#a:sent"), Some(ClaimState::Processed));
    assert_eq!(harness.send(&delivery).await.said(), TAKEN);
    assert_eq!(harness.queued().len(), 2, "and it isn't sent again");
}

#[tokio::test]
async fn another_body_under_a_known_id_is_counted_and_not_rejected() {
    let harness = Harness::warm().await;
    harness.faults.fail(Call::Send, Fault::Refuse, 1);
    assert_eq!(harness.send(&harness.signed("orders", order("e1", "1"))).await.said(), TRY_AGAIN);
    let first = harness.claim(KEY).unwrap().body_sha256;
    assert_eq!(counted(Metric::BodyMismatch).len(), 0);

    let other = harness.signed("orders", order("e1", "2"));
    assert_eq!(harness.send(&other).await.said(), ACCEPTED);
    assert_eq!(harness.send(&other).await.said(), DUPLICATE);
    assert_eq!(counted(Metric::BodyMismatch).len(), 2);
    let claim = harness.claim(KEY).unwrap();
    assert_eq!(claim.body_sha256, first, "the claim keeps what it was made of");
    let hashes = [first.unwrap(), Sha256Hex::of(&other.body).as_str().to_owned()];
    assert_eq!(claim.other_bodies, hashes[1..], "and what came since");
    let [first, other] = hashes.map(|hash| Sha256Hex::stored(hash).short().to_owned());
    let both = [format!("first=\"{first}\""), format!("other=\"{other}\"")];
    let both: Vec<&str> = both.iter().map(String::as_str).collect();
    assert_eq!(lines_with(&[&["message=a known event came with another body", "claim_key=orders#e1"], &both[..]].concat()), 2);
    assert_eq!(lines_with(&[&["step=\"other_body\""], &both[..]].concat()), 2, "`dev` shows it");
}

#[tokio::test]
async fn a_failure_to_record_another_body_does_not_fail_the_delivery() {
    let harness = Harness::warm().await;
    harness.send(&harness.signed("orders", order("e1", "1"))).await;
    let other = harness.signed("orders", order("e1", "2"));
    harness.faults.fail(Call::NoteBody, Fault::Refuse, 1);
    assert_eq!(harness.send(&other).await.said(), DUPLICATE);
    assert_eq!(harness.claim(KEY).unwrap().other_bodies, Vec::<String>::new());
    assert_eq!(harness.send(&other).await.said(), DUPLICATE);
    assert_eq!(harness.claim(KEY).unwrap().other_bodies.len(), 1, "the next one tells it");
}

#[tokio::test]
async fn a_further_delivery_keeps_the_time_of_the_first() {
    let harness = Harness::warm().await;
    // Neither signed nor sent by this provider: only we know when it was.
    let delivery = harness.signed("bare", r#"{"type":"thing.made"}"#);
    let first = harness.clock.now();
    harness.faults.fail(Call::Send, Fault::LoseAnswer, 1);
    assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN);
    harness.wait(3_600);
    assert_eq!(harness.send(&delivery).await.said(), ACCEPTED);

    let queued = harness.queued();
    assert_eq!(queued.len(), 2);
    for event in queued {
        assert_eq!((event.time, event.receivedtime, event.order().time), (None, first, first));
    }
    assert_eq!(harness.store.claims()[0].received, Some(first));
}

#[tokio::test]
async fn a_claim_that_ttl_deleted_is_created_again() {
    let harness = Harness::warm().await;
    let delivery = harness.signed("orders", order("e1", "1"));
    harness.send(&delivery).await;
    harness.store.delete_claim(&ClaimKey::from(KEY.to_owned()));
    let later = harness.signed("orders", order("e1", "1"));
    assert_eq!(harness.send(&later).await.said(), ACCEPTED);
    assert_eq!((harness.state(KEY), harness.queued().len()), (Some(ClaimState::Processed), 2));
}
