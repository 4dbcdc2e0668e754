//! Every record of a batch has its own end.

use crate::stores::{Panicking, Slow};
use crate::support::{Harness, MAX_RECEIVES, message, moved, paid, poison, rules};
use aws_lambda_events::event::sqs::SqsMessage;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::MAX_TABLE_CALLS_AT_ONCE;
use tidings_config::time::Clock;
use tidings_core::claim::ClaimState;
use tidings_core::memory::Call;

const PROCESSED: Option<ClaimState> = Some(ClaimState::Processed);
const NOBODY: Vec<String> = Vec::new();

#[tokio::test]
async fn an_empty_batch_succeeds() {
    assert_eq!(Harness::new().handle(Vec::new()).await, NOBODY);
}

#[tokio::test]
async fn a_poison_record_does_not_affect_its_batch() {
    let harness = Harness::new();
    // Of its own conversation and of another one, before and after it.
    let batch =
        [moved("e1", "ann", "packed", 9), poison("bad", "ann"), moved("e2", "ann", "shipped", 5), moved("e3", "bob", "lost", 1)];
    let messages = batch.iter().map(|event| event.message(1)).collect();
    assert_eq!(harness.handle(messages).await, ["m-bad"]);
    for key in ["orders#e1", "orders#e2", "orders#e3"] {
        assert_eq!(harness.state(key), PROCESSED, "{key}: done at the first receive");
    }
    assert_eq!(harness.fact("ann", "order/1", "status"), "shipped");
    assert_eq!((harness.state("orders#bad"), harness.faults.count(Call::DeadLetter)), (None, 0), "it has receives left");
}

#[tokio::test]
async fn a_message_that_is_not_an_envelope_is_returned_alone() {
    let harness = Harness::new();
    let newer = moved("e9", "ann", "x", 0).envelope().encode().replace("\"tidingsversion\":1", "\"tidingsversion\":5");
    let mut no_body = SqsMessage::default();
    no_body.message_id = Some("nothing".to_owned());
    let batch = vec![
        message("empty", "", 1),
        message("text", "hello", 1),
        message("json", "{}", 1),
        message("newer", &newer, 1),
        no_body,
        moved("e1", "ann", "packed", 0).message(1),
    ];
    assert_eq!(harness.handle(batch).await, ["empty", "json", "newer", "nothing", "text"]);
    assert_eq!(harness.state("orders#e1"), PROCESSED);
}

#[tokio::test(start_paused = true)]
async fn a_batch_writes_conversations_side_by_side_up_to_a_limit() {
    for conversations in [MAX_TABLE_CALLS_AT_ONCE - 1, MAX_TABLE_CALLS_AT_ONCE, 100] {
        let mut slow = None;
        let harness = Harness::with(rules(), |store| {
            let store = Arc::new(Slow::new(store, Duration::from_millis(10), Duration::ZERO));
            slow = Some(Arc::clone(&store));
            store
        });
        let name = |n: usize| Box::leak(format!("c{n}").into_boxed_str()) as &'static str;
        let batch = (0..conversations).map(|n| moved(name(n), name(n), "packed", 0).message(1)).collect();
        assert_eq!(harness.handle(batch).await, NOBODY);
        assert_eq!(harness.store.claims().len(), conversations);
        assert_eq!(slow.unwrap().most_at_once(), conversations.min(MAX_TABLE_CALLS_AT_ONCE), "{conversations} conversations");
    }
}

/// The receiver sent it before it was processed.
#[tokio::test]
async fn a_copy_of_a_processed_event_costs_two_reads_and_no_write() {
    let harness = Harness::new();
    let mut envelope = moved("e1", "ann", "packed", 0).envelope();
    assert_eq!(harness.handle(vec![message("first", &envelope.encode(), 1)]).await, NOBODY);
    envelope.deliveredtime = Some(harness.clock.now());
    let before = [Call::Effect, Call::Load, Call::Rewrite, Call::Commit].map(|call| harness.faults.count(call));
    assert_eq!(harness.handle(vec![message("copy", &envelope.encode(), 1)]).await, NOBODY);
    let after = [Call::Effect, Call::Load, Call::Rewrite, Call::Commit].map(|call| harness.faults.count(call));
    assert_eq!((before, after), ([0, 1, 1, 1], [1, 2, 1, 1]), "its claim, and whether something is left to send");
}

#[tokio::test]
async fn one_event_twice_in_a_batch_has_one_effect() {
    let harness = Harness::new();
    let event = moved("e1", "ann", "packed", 0);
    let again = message("m-again", &event.envelope().encode(), 1);
    assert_eq!(harness.handle(vec![event.message(1), again]).await, NOBODY);
    assert_eq!(harness.store.timeline("ann").len(), 1);
    assert_eq!(harness.fact("ann", "order/1", "status"), "packed");
}

#[tokio::test]
async fn a_panic_affects_only_its_own_record() {
    let harness = Harness::with(rules(), |inner| Arc::new(Panicking { inner, conversation: "bob", burial_of: "" }));
    let batch = [moved("e1", "ann", "packed", 0), moved("e2", "bob", "packed", 0), moved("e3", "eve", "packed", 0)];
    let failed = harness.handle(batch.iter().map(|event| event.message(1)).collect()).await;
    assert_eq!(failed, ["m-e2"]);
    assert_eq!([harness.state("orders#e1"), harness.state("orders#e3")], [PROCESSED, PROCESSED]);

    assert_eq!(harness.handle(vec![batch[1].message(MAX_RECEIVES)]).await, ["m-e2"]);
    let dead = harness.claim("orders#e2").unwrap();
    assert_eq!(dead.reason.as_deref(), Some("the processor panicked; see its log for the place"));
}

#[tokio::test]
async fn a_panic_while_a_reason_is_recorded_affects_only_its_own_record() {
    let harness = Harness::with(rules(), |inner| Arc::new(Panicking { inner, conversation: "bob", burial_of: "orders#e2" }));
    let batch = [moved("e1", "ann", "packed", 0), moved("e2", "bob", "packed", 0), poison("e3", "eve"), paid("e4", "eve", 7)];
    let failed = harness.handle(batch.iter().map(|event| event.message(MAX_RECEIVES)).collect()).await;
    assert_eq!(failed, ["m-e2", "m-e3"]);
    assert_eq!([harness.state("orders#e1"), harness.state("orders#e4")], [PROCESSED, PROCESSED]);
    assert_eq!(harness.state("orders#e3"), Some(ClaimState::Dead));
}

#[tokio::test]
async fn records_are_named_by_their_message_and_not_by_their_event() {
    let harness = Harness::new();
    // A redrive gives an event a new message id; two messages can hold one event.
    let body = poison("bad", "ann").envelope().encode();
    assert_eq!(harness.handle(vec![message("b", &body, 1), message("a", &body, 2)]).await, ["a", "b"]);
}

#[tokio::test]
async fn a_batch_of_ten_is_answered_for_each_of_them() {
    let harness = Harness::new();
    let ids = ["e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9"];
    let batch = ids.iter().enumerate().map(|(n, id)| match n % 3 {
        0 => poison(id, "ann").message(1),
        1 => moved(id, "ann", "packed", n as i64).message(1),
        _ => moved(id, "bob", "packed", n as i64).message(1),
    });
    assert_eq!(harness.handle(batch.collect()).await, ["m-e0", "m-e3", "m-e6", "m-e9"]);
    assert_eq!(harness.store.claims().len(), 6);
}

#[tokio::test]
async fn an_event_that_no_rule_matches_is_in_the_timeline() {
    let harness = Harness::new();
    let event = crate::support::Sent { event_type: "order.seen", ..moved("e1", "ann", "x", 0) };
    assert_eq!(harness.handle(vec![event.message(1)]).await, NOBODY);
    let claim = harness.claim("orders#e1").unwrap();
    assert_eq!(json!(claim.outcome), json!("noted"));
    assert_eq!((claim.conversation.as_deref(), claim.rules.len()), (Some("ann"), 0));
    assert_eq!(harness.faults.total(), 1, "one transaction: there is nothing to read first");
}
