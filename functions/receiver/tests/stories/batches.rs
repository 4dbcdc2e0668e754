//! One delivery of many events: each is claimed on its own, they are sent in batches, and the reply is for all.

use crate::crashing::{crashing, send_or_die};
use crate::support::{DUPLICATE, Harness, TAKEN, TRY_AGAIN, secrets, statuses};
use async_trait::async_trait;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use tidings_config::limits::{MAX_BATCH_BYTES, MAX_BODY_BYTES};
use tidings_core::claim::ClaimState;
use tidings_core::memory::log::lines_with;
use tidings_core::memory::{Call, Fault, MemoryQueue, Side};
use tidings_core::ports::{EventQueue, Unavailable};
use tidings_core::trace::Trace;
use tidings_events::SignedRequest;

const SENT: &str = "whatsapp#wamid.HBgMNDkxNzEzOTIwMDEyFQIAERgSOEY4RTg5QjU3MkI4Qzk0MEExAA==:sent";
const DELIVERED: &str = "whatsapp#wamid.HBgMNDkxNzEzOTIwMDEyFQIAERgSOEY4RTg5QjU3MkI4Qzk0MEExAA==:delivered";

fn types(harness: &Harness) -> Vec<String> {
    harness.queued().into_iter().map(|event| event.event_type).collect()
}

#[tokio::test]
async fn every_event_of_a_delivery_is_an_event_of_its_own() {
    let harness = Harness::warm().await;
    assert_eq!(harness.send(&harness.case("whatsapp-statuses")).await.said(), TAKEN);
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
async fn one_event_that_is_not_durable_makes_the_delivery_503_and_the_others_are_kept() {
    for failing in 0..3 {
        let harness = Harness::warm().await;
        let delivery = harness.case("whatsapp-statuses");
        harness.faults.pass(Call::SendEntry, failing);
        harness.faults.fail(Call::SendEntry, Fault::Refuse, 1);
        assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN, "event {failing}");
        assert_eq!(harness.queued().len(), 2, "event {failing}");
        let waiting = harness.store.claims().iter().filter(|c| c.state == ClaimState::Received).count();
        assert_eq!(waiting, 1, "event {failing}");

        assert_eq!(harness.send(&delivery).await.said(), TAKEN, "event {failing}");
        assert_eq!((harness.queued().len(), harness.count(Call::SendEntry)), (3, 4), "event {failing}: only it was sent again");
        assert!(harness.store.claims().iter().all(|c| c.state == ClaimState::Processed), "event {failing}");
        assert_eq!(harness.send(&delivery).await.said(), DUPLICATE, "event {failing}");
    }
}

#[tokio::test]
async fn a_delivery_of_new_and_known_events_is_accepted_for_the_new_ones() {
    let harness = Harness::warm().await;
    let send = async |list: &[&str]| harness.send(&harness.signed("whatsapp", statuses(list))).await;
    assert_eq!(send(&["a", "b"]).await.said(), TAKEN);
    assert_eq!(send(&["b", "c"]).await.said(), TAKEN);
    assert_eq!(send(&["c", "a"]).await.said(), DUPLICATE);
    assert_eq!(harness.queued().len(), 3);
}

/// An event that stands in a delivery twice may be queued twice, and is queued at least once.
#[tokio::test]
async fn an_event_that_occurs_twice_in_a_delivery_has_one_claim() {
    // Which of the two fails.
    for failing in [None, Some(0), Some(1)] {
        let harness = Harness::warm().await;
        let delivery = harness.signed("whatsapp", statuses(&["a", "a"]));
        if let Some(failing) = failing {
            harness.faults.pass(Call::SendEntry, failing);
            harness.faults.fail(Call::SendEntry, Fault::Refuse, 1);
        }
        let expected = if failing.is_none() { TAKEN } else { TRY_AGAIN };
        assert_eq!(harness.send(&delivery).await.said(), expected, "{failing:?}");
        assert_eq!(harness.store.claims().len(), 1, "{failing:?}");
        assert_eq!((harness.queued().is_empty(), harness.count(Call::Send)), (false, 1), "{failing:?}");
        assert_eq!(harness.send(&delivery).await.said(), DUPLICATE, "{failing:?}: SQS has it");
    }
}

#[tokio::test]
async fn two_equal_failed_events_are_queued_by_the_next_delivery() {
    let harness = Harness::warm().await;
    let delivery = harness.signed("whatsapp", statuses(&["a", "a"]));
    harness.faults.fail(Call::SendEntry, Fault::Refuse, 2);
    assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN);
    assert_eq!(harness.queued().len(), 0);
    assert_eq!(harness.send(&delivery).await.said(), TAKEN);
    assert!(!harness.queued().is_empty());
}

/// 25 events and the names of them.
fn many(harness: &Harness) -> (SignedRequest, BTreeSet<String>) {
    let ids: Vec<String> = (0..25).map(|n| format!("m{n:02}")).collect();
    let delivery = harness.signed("whatsapp", statuses(&ids));
    (delivery, ids.iter().map(|id| format!("whatsapp#{id}:sent")).collect())
}

/// The claims in this state.
fn keys(harness: &Harness, state: ClaimState) -> BTreeSet<String> {
    harness.store.claims().into_iter().filter(|c| c.state == state).map(|c| c.key.to_string()).collect()
}

/// The events in the queue, however often.
fn queued(harness: &Harness) -> BTreeSet<String> {
    harness.queued().into_iter().map(|event| event.claimkey.to_string()).collect()
}

#[tokio::test]
async fn twenty_five_events_are_three_calls_of_the_queue() {
    let harness = Harness::warm().await;
    let (delivery, all) = many(&harness);
    assert_eq!(harness.send(&delivery).await.said(), TAKEN);
    assert_eq!([Call::Record, Call::Send, Call::MarkEnqueued].map(|call| harness.count(call)), [25, 3, 0]);
    let order: Vec<String> = harness.queued().into_iter().map(|event| event.claimkey.to_string()).collect();
    assert_eq!(order, all.iter().cloned().collect::<Vec<_>>(), "in the delivery's order, each once");
    assert_eq!(keys(&harness, ClaimState::Processed), all);
    assert_eq!(lines_with(&["message=received", "outcome=\"accepted\""]), 25, "each has its line in the log");

    assert_eq!(harness.send(&delivery).await.said(), DUPLICATE);
    assert_eq!([Call::Record, Call::Send, Call::MarkEnqueued].map(|call| harness.count(call)), [50, 3, 0]);
    assert_eq!(lines_with(&["message=received", "outcome=\"duplicate\""]), 25);
}

#[tokio::test]
async fn a_failed_entry_makes_the_delivery_503_and_only_it_is_sent_again() {
    for failing in 0..25 {
        let harness = Harness::warm().await;
        let (delivery, all) = many(&harness);
        let name = format!("whatsapp#m{failing:02}:sent");
        harness.faults.pass(Call::SendEntry, failing);
        harness.faults.fail(Call::SendEntry, Fault::Refuse, 1);
        assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN, "{name}");
        assert_eq!(keys(&harness, ClaimState::Received), BTreeSet::from([name.clone()]), "{name}: its claim is as it was");
        assert_eq!((harness.queued().len(), harness.count(Call::MarkEnqueued)), (24, 24), "{name}: the others are marked");
        assert_eq!(lines_with(&["message=not queued", &name]), 1);
        assert_eq!(lines_with(&["message=received", "outcome=\"not_durable\"", &name]), 1);

        assert_eq!(harness.send(&delivery).await.said(), TAKEN, "{name}");
        assert_eq!(harness.queued()[24].claimkey.as_str(), name, "it alone was sent");
        assert_eq!((harness.queued().len(), harness.count(Call::Send), harness.count(Call::MarkEnqueued)), (25, 4, 24));
        assert_eq!((queued(&harness), keys(&harness, ClaimState::Processed)), (all.clone(), all), "{name}");
    }
}

#[tokio::test]
async fn a_batch_that_fails_as_a_whole_fails_each_of_its_events_and_no_other() {
    for (fault, arrived) in [(Fault::Refuse, 15), (Fault::LoseAnswer, 25)] {
        let harness = Harness::warm().await;
        let (delivery, all) = many(&harness);
        harness.faults.pass(Call::Send, 1);
        harness.faults.fail(Call::Send, fault, 1);
        assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN, "{fault:?}");
        assert_eq!(harness.queued().len(), arrived, "{fault:?}");
        let second: BTreeSet<String> = (10..20).map(|n| format!("whatsapp#m{n}:sent")).collect();
        assert_eq!(keys(&harness, ClaimState::Received), second, "{fault:?}: only an acknowledgement is durable");

        assert_eq!(harness.send(&delivery).await.said(), TAKEN, "{fault:?}");
        assert_eq!((harness.queued().len(), harness.count(Call::Send)), (arrived + 10, 4), "{fault:?}: those ten again");
        assert_eq!((queued(&harness), keys(&harness, ClaimState::Processed)), (all.clone(), all), "{fault:?}");
        assert_eq!(harness.send(&delivery).await.said(), DUPLICATE, "{fault:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_of_one_entry_sends_that_one_again() {
    let harness = Harness::warm().await;
    let (delivery, all) = many(&harness);
    harness.faults.pass(Call::SendEntry, 12);
    harness.faults.fail(Call::SendEntry, Fault::LoseAnswer, 1);
    assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN);
    assert_eq!(queued(&harness), all);
    assert_eq!(harness.send(&delivery).await.said(), TAKEN);
    assert_eq!(harness.queued()[25].claimkey.as_str(), "whatsapp#m12:sent");
    assert_eq!(keys(&harness, ClaimState::Processed), all);
}

/// A queue that takes its time, the longer the earlier a batch is sent, and refuses the first.
#[derive(Debug, Default)]
struct Slow {
    calls: AtomicU32,
    under_way: AtomicU32,
    most_at_once: AtomicU32,
}

#[async_trait]
impl EventQueue for Slow {
    async fn send(&self, messages: &[&str], _: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        let call = self.calls.fetch_add(1, Relaxed);
        self.most_at_once.fetch_max(self.under_way.fetch_add(1, Relaxed) + 1, Relaxed);
        for _ in call..50 {
            tokio::task::yield_now().await;
        }
        self.under_way.fetch_sub(1, Relaxed);
        let refused = || Unavailable { call: "sqs:SendMessage", cause: "the first batch".to_owned() };
        messages.iter().map(|_| if call == 0 { Err(refused()) } else { Ok(()) }).collect()
    }
}

#[tokio::test]
async fn ten_batches_are_sent_concurrently_and_each_gets_its_own_response() {
    let queue = Arc::new(Slow::default());
    let harness = Harness::with(&secrets().to_string(), |store, _| (store, Arc::clone(&queue)));
    harness.receiver.warm_up().await;
    let ids: Vec<String> = (0..250).map(|n| format!("m{n:03}")).collect();
    assert_eq!(harness.send(&harness.signed("whatsapp", statuses(&ids))).await.said(), TRY_AGAIN);
    assert_eq!((queue.calls.load(Relaxed), queue.most_at_once.load(Relaxed)), (25, 10));
    let first: BTreeSet<String> = ids[..10].iter().map(|id| format!("whatsapp#{id}:sent")).collect();
    assert_eq!(keys(&harness, ClaimState::Received), first);
}

/// A queue that answers for all messages but one.
#[derive(Debug)]
struct Forgetful(Arc<MemoryQueue>);

#[async_trait]
impl EventQueue for Forgetful {
    async fn send(&self, messages: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        self.0.send(&messages[1..], trace).await
    }
}

#[tokio::test]
async fn a_response_with_a_missing_entry_acknowledges_nothing() {
    let harness = Harness::with(&secrets().to_string(), |store, queue| (store, Arc::new(Forgetful(queue))));
    harness.receiver.warm_up().await;
    let delivery = harness.signed("whatsapp", statuses(&["a", "b"]));
    assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN, "one message's answer isn't taken for another's");
    let claims = harness.store.claims();
    assert!(claims.iter().all(|claim| claim.state == ClaimState::Received) && claims.len() == 2, "neither is marked: {claims:?}");
}

/// 25 claims and 3 batches; and 24 marks, if one event fails.
const CALLS: [(bool, u32); 2] = [(false, 28), (true, 52)];

#[tokio::test]
async fn the_next_delivery_makes_all_events_durable_after_a_crash_at_any_call() {
    for (fails, call) in CALLS.into_iter().flat_map(|(fails, calls)| (0..calls).map(move |call| (fails, call))) {
        for side in [Side::Before, Side::After] {
            let at = format!("{side:?} call {call}, one event fails: {fails}");
            let (harness, life) = crashing().await;
            let (delivery, all) = many(&harness);
            if fails {
                harness.faults.pass(Call::SendEntry, 12);
                harness.faults.fail(Call::SendEntry, Fault::Refuse, 1);
            }
            life.ends_at(call, side);
            assert_eq!(send_or_die(&harness, &delivery), None, "{at}");
            let marked = keys(&harness, ClaimState::Enqueued);
            assert!(marked.is_subset(&queued(&harness)), "{at}: marked is queued");
            assert!(fails || marked.is_empty(), "{at}");

            harness.faults.clear();
            let before = harness.queued().len();
            let answer = send_or_die(&harness, &delivery).expect("it lives now");
            assert_eq!(answer.said(), TAKEN, "{at}");
            assert_eq!(harness.queued().len() - before, all.len() - marked.len(), "{at}: only what isn't marked");
            assert_eq!((queued(&harness), keys(&harness, ClaimState::Processed)), (all.clone(), all), "{at}");
        }
    }
}

#[tokio::test]
async fn a_2xx_means_that_all_are_queued_despite_a_fault_at_any_call() {
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Conflict] {
        for (kind, calls, expected) in [(Call::Record, 25, TAKEN), (Call::Send, 3, TRY_AGAIN), (Call::SendEntry, 25, TRY_AGAIN)] {
            for call in 0..calls {
                let harness = Harness::warm().await;
                let (delivery, all) = many(&harness);
                harness.faults.pass(kind, call);
                harness.faults.fail(kind, fault, 1);
                assert_eq!(harness.send(&delivery).await.said(), expected, "{fault:?} of {kind:?} {call}");
                if expected == TAKEN {
                    assert_eq!(queued(&harness), all, "{fault:?} of {kind:?} {call}");
                }
                let again = harness.send(&delivery).await;
                assert_eq!(again.status / 100, 2, "{fault:?} of {kind:?} {call}");
                assert_eq!(
                    (queued(&harness), keys(&harness, ClaimState::Processed)),
                    (all.clone(), all),
                    "{fault:?} of {kind:?} {call}"
                );
                assert_eq!(harness.send(&delivery).await.said(), DUPLICATE, "{fault:?} of {kind:?} {call}");
            }
        }
    }
}

#[tokio::test]
async fn all_events_are_queued_in_batches_without_a_claims_table() {
    let harness = Harness::warm().await;
    let (delivery, all) = many(&harness);
    harness.faults.fail(Call::Record, Fault::Refuse, 25);
    assert_eq!(harness.send(&delivery).await.said(), TAKEN);
    assert_eq!((queued(&harness), harness.count(Call::Send), harness.count(Call::MarkEnqueued)), (all, 3, 0));
}

#[tokio::test]
async fn events_that_are_too_large_together_are_sent_apart() {
    // What they have beside their ids, so that the delivery is as large as one may be.
    let padded = |harness: &Harness, bytes: usize| {
        let statuses = ["a", "b", "c", "d"].map(|id| format!(r#"{{"id":"{id}","status":"sent","x":"{}"}}"#, "x".repeat(bytes)));
        harness
            .signed("whatsapp", format!(r#"{{"entry":[{{"changes":[{{"value":{{"statuses":[{}]}}}}]}}]}}"#, statuses.join(",")))
    };
    let harness = Harness::warm().await;
    assert_eq!(harness.send(&padded(&harness, 0)).await.said(), TAKEN);
    let envelopes: usize = harness.queue.drain().iter().map(String::len).sum();
    // The four fill a batch to the last byte but three, which no padding can reach.
    let fitting = (MAX_BATCH_BYTES - envelopes) / 4;
    for (bytes, calls) in [(fitting, 1), (fitting + 1, 2)] {
        let harness = Harness::warm().await;
        let delivery = padded(&harness, bytes);
        assert!(delivery.body.len() <= MAX_BODY_BYTES);
        assert_eq!(harness.send(&delivery).await.said(), TAKEN);
        assert_eq!((harness.queued().len(), harness.count(Call::Send)), (4, calls), "{bytes} bytes each");
    }
}
