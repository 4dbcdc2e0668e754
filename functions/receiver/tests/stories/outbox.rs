//! Sources with `durability: outbox`: the claim keeps the event, so 202 is durable while the queue is down.

use crate::crashing::{crashing, send_or_die};
use crate::support::{ACCEPTED, DUPLICATE, Harness, TRY_AGAIN, order};
use serde_json::json;
use tidings_config::limits::MAX_OUTBOX_EVENT_BYTES;
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_core::envelope::Envelope;
use tidings_core::memory::log::lines_with;
use tidings_core::memory::{Call, Fault, Side};

const KEY: &str = "kept#e1";

fn body(id: &str) -> Vec<u8> {
    json!({ "id": id }).to_string().into_bytes()
}

/// The message that the claim keeps.
fn kept(harness: &Harness, key: &str) -> Option<String> {
    harness.store.outbox(&ClaimKey::from(key.to_owned())).map(|message| message.as_str().to_owned())
}

#[tokio::test]
async fn an_event_is_accepted_while_the_queue_is_down_and_its_claim_keeps_it() {
    let harness = Harness::warm().await.without_processor();
    let delivery = harness.signed("kept", body("e1"));
    for fault in [Fault::Refuse, Fault::LoseAnswer] {
        harness.faults.fail(Call::Send, fault, 1);
        assert_eq!(harness.send(&delivery).await.said(), ACCEPTED, "{fault:?}: also when it comes again");
        assert_eq!(harness.state(KEY), Some(ClaimState::Received), "a sweep finds it");
        assert!(kept(&harness, KEY).is_some_and(|message| Envelope::decode(&message).unwrap().claimkey.as_str() == KEY));
    }
    assert_eq!(lines_with(&["outcome=\"kept\"", KEY]), 2, "the log says which one waits");
    harness.store.set_state(&ClaimKey::from(KEY.to_owned()), ClaimState::Processed);
    assert_eq!(harness.send(&delivery).await.said(), DUPLICATE);
}

/// An accepted event costs the same two calls; without `outbox` its claim has no byte more.
#[tokio::test]
async fn keeping_an_event_costs_no_call_and_not_keeping_it_no_byte() {
    let harness = Harness::warm().await.without_processor();
    assert_eq!(harness.send(&harness.signed("kept", body("e1"))).await.said(), ACCEPTED);
    assert_eq!((harness.calls(), harness.count(Call::Record), harness.count(Call::Send)), (2, 1, 1));
    assert_eq!(kept(&harness, KEY), harness.queue.messages().pop(), "the message that is queued");
    assert_eq!(harness.send(&harness.signed("orders", order("e1", "1"))).await.said(), ACCEPTED);
    assert_eq!((harness.calls(), kept(&harness, "orders#e1")), (4, None));
}

#[tokio::test]
async fn only_a_sure_claim_replaces_the_queue() {
    for (fault, said) in [(Fault::Refuse, TRY_AGAIN), (Fault::LoseAnswer, TRY_AGAIN), (Fault::Conflict, TRY_AGAIN)] {
        let harness = Harness::warm().await.without_processor();
        harness.faults.fail(Call::Record, fault, 1);
        harness.faults.fail(Call::Send, Fault::Refuse, 1);
        assert_eq!(harness.send(&harness.signed("kept", body("e1"))).await.said(), said, "{fault:?}");
    }
}

/// A claim of the time before `outbox` was set keeps nothing.
#[tokio::test]
async fn a_claim_that_keeps_nothing_still_needs_the_queue() {
    let harness = Harness::warm().await.without_processor();
    let large = |bytes: usize| json!({ "id": "e1", "text": "x".repeat(bytes) }).to_string();
    harness.faults.fail(Call::Send, Fault::Refuse, 2);
    let delivery = harness.signed("kept", large(MAX_OUTBOX_EVENT_BYTES));
    assert_eq!(harness.send(&delivery).await.said(), TRY_AGAIN);
    assert_eq!(kept(&harness, KEY), None);
    assert_eq!(lines_with(&["too_large", KEY]), 1, "the reason is logged");
    // The claim exists without the event: the smaller body of a further delivery isn't in it.
    assert_eq!(harness.send(&harness.signed("kept", body("e1"))).await.said(), TRY_AGAIN);
    assert_eq!(harness.send(&delivery).await.said(), ACCEPTED, "the queue takes it");
}

#[tokio::test]
async fn an_event_is_kept_after_a_crash_at_any_call_behind_its_put() {
    for (call, side, is_kept, messages) in
        [(0, Side::Before, false, 0), (0, Side::After, true, 0), (1, Side::Before, true, 0), (1, Side::After, true, 1)]
    {
        let (harness, life) = crashing().await;
        let delivery = harness.signed("kept", body("e1"));
        life.ends_at(call, side);
        assert_eq!(send_or_die(&harness, &delivery), None, "it dies {side:?} call {call}");
        assert_eq!((kept(&harness, KEY).is_some(), harness.queued().len()), (is_kept, messages), "{side:?} call {call}");
        let expected = is_kept.then_some(ClaimState::Received);
        assert_eq!(harness.state(KEY), expected, "{side:?} call {call}: what is kept is found by a sweep");
    }
}
