//! The transaction of an event, and every possible response.

use crate::support::{AMPLE, Harness, MAX_RECEIVES, another, handle, moved, rules_of};
use serde_json::json;
use std::sync::Arc;
use tidings_config::limits::{CLAIM_LIFETIME, CONFLICT_RETRIES};
use tidings_config::time::Clock;
use tidings_core::claim::{ClaimKey, ClaimState, Outcome};
use tidings_core::memory::{Call, Fault};

const DONE: [&str; 0] = [];

#[tokio::test]
async fn an_event_is_applied_once() {
    let harness = Harness::new();
    let event = moved("e1", "ann", "packed", 0);
    for receive in 1..=3 {
        assert_eq!(harness.handle(vec![event.message(receive)]).await, DONE, "receive {receive}");
    }
    let claim = harness.claim("orders#e1").unwrap();
    assert_eq!((claim.state, claim.outcome), (ClaimState::Processed, Some(Outcome::Applied)));
    assert_eq!((claim.conversation.as_deref(), claim.rules.as_slice()), (Some("ann"), ["moved".to_owned()].as_slice()));
    assert_eq!(claim.expires, Some(harness.clock.now().plus(CLAIM_LIFETIME)));
    assert_eq!(harness.store.timeline("ann").len(), 1);
}

#[tokio::test]
async fn a_stale_event_is_processed_and_stays_in_the_timeline() {
    let harness = Harness::new();
    for event in [moved("new", "ann", "delivered", 10), moved("old", "ann", "shipped", 20)] {
        assert_eq!(harness.handle(vec![event.message(1)]).await, DONE);
    }
    assert_eq!(harness.fact("ann", "order/1", "status"), "delivered");
    let timeline: Vec<_> = harness.store.timeline("ann").into_iter().map(|c| (c.event_id.unwrap(), c.outcome.unwrap())).collect();
    let expected = [("old".to_owned(), Outcome::Stale), ("new".to_owned(), Outcome::Applied)];
    assert_eq!(timeline, expected, "in the order of events, not of arrival");
}

#[tokio::test]
async fn a_node_that_comes_too_late_is_not_in_the_timeline() {
    let harness = Harness::new();
    let asked = |id, age| crate::support::Sent { event_type: "asked", ..moved(id, "ann", "", age) };
    for (id, age, node) in [("new", 10, Some("answer")), ("old", 20, None)] {
        harness.handle(vec![asked(id, age).message(1)]).await;
        let claim = harness.claim(&format!("orders#{id}")).unwrap();
        assert_eq!((claim.node.as_deref(), claim.overtaken == ["node"]), (node, node.is_none()), "{id}");
    }
    assert_eq!(harness.node("ann"), Some(json!("answer")));
}

#[tokio::test]
async fn a_refused_call_returns_the_event_and_writes_nothing() {
    for call in [Call::Load, Call::Rewrite] {
        let harness = Harness::new();
        harness.faults.fail(call, Fault::Refuse, 1);
        let event = moved("e1", "ann", "packed", 0);
        assert_eq!(harness.handle(vec![event.message(1)]).await, ["m-e1"], "{call:?}");
        assert_eq!((harness.store.claims().len(), harness.store.context("ann").entities.len()), (0, 0), "{call:?}");
        assert_eq!(harness.handle(vec![event.message(2)]).await, DONE, "{call:?}");
        assert_eq!(harness.fact("ann", "order/1", "status"), "packed", "{call:?}");
    }
}

/// Its facts are written before its claim.
#[tokio::test]
async fn an_event_whose_claim_is_refused_has_its_facts_and_gets_its_claim_at_the_next_receive() {
    for fault in [Fault::Refuse, Fault::LoseAnswer] {
        let harness = Harness::new();
        harness.faults.fail(Call::Commit, fault, 1);
        let event = moved("e1", "ann", "packed", 0);
        assert_eq!(harness.handle(vec![event.message(1)]).await, ["m-e1"], "{fault:?}");
        assert_eq!(harness.fact("ann", "order/1", "status"), "packed", "{fault:?}");
        let items = harness.store.items();
        assert_eq!(harness.handle(vec![event.message(2)]).await, DONE, "{fault:?}");
        assert_eq!(harness.store.items(), items, "{fault:?}: nothing is written again");
        let claim = harness.claim("orders#e1").unwrap();
        assert_eq!((claim.state, claim.outcome), (ClaimState::Processed, Some(Outcome::Applied)), "{fault:?}");
        assert_eq!((claim.rules, claim.overtaken), (vec!["moved".to_owned()], vec![]), "{fault:?}");
    }
}

/// Between the two receives, rules were deployed that say something unless the event is stale.
#[tokio::test]
async fn facts_that_an_event_wrote_before_its_claim_do_not_make_it_stale() {
    let harness = Harness::new();
    harness.faults.fail(Call::Commit, Fault::Refuse, 1);
    let event = moved("e1", "ann", "packed", 0);
    assert_eq!(harness.handle(vec![event.message(1)]).await, ["m-e1"]);
    let says = "version: 1\nconversations: [{ on: '*', conversation: data.who }]\nrules:\n  \
                - { name: says, on: order.moved, set: { status: data.status }, notify: { text: '{data.status}' }, if_stale: skip }\n";
    let deployed = another(rules_of(says), Arc::clone(&harness.store), &harness.clock, &harness.outside);
    for receive in 2..=3 {
        assert_eq!(handle(&deployed, vec![event.message(receive)], AMPLE).await, DONE);
        assert_eq!(harness.said("ann"), ["packed"], "receive {receive}");
    }
    assert_eq!(harness.claim("orders#e1").unwrap().outcome, Some(Outcome::Applied));
}

/// A copy that SQS or the receiver made, received for the first time.
#[tokio::test]
async fn a_copy_of_a_processed_event_brings_nothing_erased_back() {
    let harness = Harness::new();
    let event = moved("e1", "ann", "packed", 0);
    assert_eq!(harness.handle(vec![event.message(1)]).await, DONE);
    harness.store.erase(&ClaimKey::new("orders", "e1"), |place| place.partition == "ann");
    assert_eq!(harness.handle(vec![event.message(1)]).await, DONE);
    assert!(harness.store.items().is_empty(), "{:?}", harness.store.items());
    assert_eq!(harness.faults.count(Call::Rewrite), 1, "its facts weren't even tried");
}

#[tokio::test]
async fn an_event_with_facts_and_without_a_claim_is_dead_lettered_and_a_redrive_ends_it() {
    let harness = Harness::new();
    let event = moved("e1", "ann", "packed", 0);
    for receive in 1..=MAX_RECEIVES {
        harness.faults.fail(Call::Commit, Fault::Refuse, 1);
        assert_eq!(harness.handle(vec![event.message(receive)]).await, ["m-e1"], "receive {receive}");
    }
    let dead = harness.claim("orders#e1").unwrap();
    assert_eq!((dead.state, harness.fact("ann", "order/1", "status")), (ClaimState::Dead, json!("packed")));
    assert_eq!(harness.handle(vec![event.message(1)]).await, DONE, "redriven");
    let claim = harness.claim("orders#e1").unwrap();
    assert_eq!((claim.state, claim.outcome, claim.reason), (ClaimState::Processed, Some(Outcome::Applied), None));
}

#[tokio::test]
async fn a_lost_response_is_resolved_at_the_next_receive() {
    let harness = Harness::new();
    harness.faults.fail(Call::Commit, Fault::LoseAnswer, 1);
    let event = moved("e1", "ann", "packed", 0);
    assert_eq!(harness.handle(vec![event.message(1)]).await, ["m-e1"], "it may or may not be done");
    let before = harness.store.context("ann");
    assert_eq!(harness.handle(vec![event.message(2)]).await, DONE);
    assert_eq!(harness.store.context("ann"), before, "one effect");
    assert_eq!(harness.claim("orders#e1").unwrap().outcome, Some(Outcome::Applied), "the first receive's outcome stays");
}

#[tokio::test]
async fn a_lost_response_on_the_last_receive_is_done_and_not_dead() {
    let harness = Harness::new();
    harness.faults.fail(Call::Commit, Fault::LoseAnswer, 1);
    assert_eq!(harness.handle(vec![moved("e1", "ann", "packed", 0).message(MAX_RECEIVES)]).await, DONE);
    assert_eq!(harness.state("orders#e1"), Some(ClaimState::Processed));
    assert_eq!(harness.faults.count(Call::DeadLetter), 1, "that is how it was found out");
}

#[tokio::test]
async fn tables_that_are_down_on_the_last_receive_are_the_reason() {
    let harness = Harness::new();
    harness.faults.fail(Call::Commit, Fault::Refuse, 1);
    assert_eq!(harness.handle(vec![moved("e1", "ann", "packed", 0).message(MAX_RECEIVES)]).await, ["m-e1"]);
    let dead = harness.claim("orders#e1").unwrap();
    assert_eq!(dead.reason.as_deref(), Some("the tables did not answer: dynamodb:UpdateItem"));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_retried_a_bounded_number_of_times() {
    for (conflicts, failed) in [(CONFLICT_RETRIES, vec![]), (CONFLICT_RETRIES + 1, vec!["m-e1"])] {
        let harness = Harness::new();
        harness.faults.fail(Call::Commit, Fault::Conflict, conflicts);
        assert_eq!(harness.handle(vec![moved("e1", "ann", "packed", 0).message(1)]).await, failed, "{conflicts}");
        assert_eq!(harness.faults.count(Call::Commit), CONFLICT_RETRIES + 1, "{conflicts}");
        assert_eq!(harness.faults.count(Call::Load), CONFLICT_RETRIES + 1, "{conflicts}: it reads again each time");
    }
}

#[tokio::test]
async fn a_claim_that_ttl_deleted_still_lets_its_event_through() {
    let harness = Harness::new();
    harness.store.delete_claim(&ClaimKey::new("orders", "e1"));
    assert_eq!(harness.claim("orders#e1"), None);
    assert_eq!(harness.handle(vec![moved("e1", "ann", "packed", 0).message(1)]).await, DONE);
    let claim = harness.claim("orders#e1").unwrap();
    assert_eq!((claim.state, claim.received), (ClaimState::Processed, Some(harness.clock.now())));
    assert_eq!(harness.fact("ann", "order/1", "status"), "packed");
}

#[tokio::test]
async fn an_event_with_facts_is_three_calls() {
    let harness = Harness::new();
    harness.handle(vec![moved("e1", "ann", "packed", 0).message(1)]).await;
    let calls = [Call::Load, Call::Rewrite, Call::Commit].map(|call| harness.faults.count(call));
    assert_eq!((calls, harness.faults.total()), ([1, 1, 1], 3));
}
