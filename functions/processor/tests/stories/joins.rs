//! Joins: one end for each key, in every order of events.

use crate::support::{Harness, MAX_RECEIVES, Sent, now};
use serde_json::json;
use std::time::Duration;
use tidings_config::limits::{JOIN_GRACE, MAX_JOIN_EVENTS};
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimState;
use tidings_core::memory::{Call, Fault};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
rules:
  - { name: paid, on: payment.confirmed, set: { payment: "'paid'" } }
joins:
  - name: ready
    all: [payment.confirmed, { on: inventory.reserved, when: data.amount > 0 }]
    by: data.order_id
    within: 1h
    then: { entity: "'order/' + join.key", set: { ready: true }, goto: ready, notify: { text: "{join.key}: {facts.payment|not paid}" } }
    else: { entity: "'order/' + join.key", set: { stuck: true }, notify: { text: "{join.key} is stuck" } }
"#;

fn harness() -> Harness {
    let rules = read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"));
    Harness::with(rules, |store| store)
}

fn leg(id: &'static str, event_type: &'static str, age_seconds: i64) -> Sent {
    Sent { id, event_type, order: "1042", age_seconds, data: json!({"who": "ann", "order_id": 1042, "amount": 1}) }
}

fn payment(id: &'static str, age_seconds: i64) -> Sent {
    leg(id, "payment.confirmed", age_seconds)
}

fn stock(id: &'static str, age_seconds: i64) -> Sent {
    leg(id, "inventory.reserved", age_seconds)
}

const HOUR: Duration = Duration::from_secs(3_600);
const DONE: [&str; 0] = [];

#[tokio::test]
async fn a_join_ends_once_in_every_order() {
    for legs in [[payment("p", 60), stock("s", 0)], [stock("s", 60), payment("p", 0)]] {
        let harness = harness();
        for leg in legs.iter().chain(&legs) {
            assert_eq!(harness.handle(vec![leg.message(1)]).await, DONE);
            harness.settle().await;
        }
        harness.pass(HOUR * 3).await;
        assert_eq!(harness.said("ann"), ["1042: paid"]);
        assert_eq!((harness.fact("ann", "order/1042", "ready"), harness.node("ann")), (json!(true), Some(json!("ready"))));
        assert_eq!(harness.fact("ann", "order/1042", "stuck"), json!(null));
        assert_eq!(harness.outside.waiting(), 0);
        let joined = harness.store.claims().into_iter().filter(|c| c.event_type == "tidings.join.then").count();
        assert_eq!(joined, 1, "it is an event of its own in the timeline");
    }
}

#[tokio::test]
async fn events_too_far_apart_are_given_up_once() {
    let harness = harness();
    for leg in [payment("p", 3_601), stock("s", 0)] {
        assert_eq!(harness.handle(vec![leg.message(1)]).await, DONE);
    }
    harness.pass(HOUR * 5).await;
    assert_eq!(harness.said("ann"), ["1042 is stuck"]);
    let ends = |word: &str| harness.store.claims().into_iter().filter(|c| c.event_type == word).count();
    assert_eq!((ends("tidings.join.else"), ends("tidings.join.then")), (1, 0), "though both have set a timer");
}

#[tokio::test]
async fn a_join_waits_with_a_stored_timer_and_a_grace_period() {
    let harness = harness();
    harness.handle(vec![payment("p", 0).message(1)]).await;
    harness.pass(HOUR + JOIN_GRACE - Duration::from_secs(1)).await;
    assert_eq!((harness.said("ann").len(), harness.outside.waiting()), (0, 1), "one second before its time");
    harness.pass(Duration::from_secs(1)).await;
    assert_eq!((harness.said("ann"), harness.outside.waiting()), (vec!["1042 is stuck".to_owned()], 0));
    assert_eq!(harness.faults.count(Call::SetTimer), 1, "a sweep sends it, delayed by SQS until it is due");
}

#[tokio::test]
async fn the_events_times_decide_and_not_our_clock() {
    // Half an hour after the payment, received 59 minutes later: just before the join is given up.
    let harness = harness();
    harness.handle(vec![payment("p", 0).message(1)]).await;
    harness.pass(HOUR).await;
    harness.handle(vec![stock("s", -1_800).message(1)]).await;
    harness.pass(HOUR * 3).await;
    assert_eq!(harness.said("ann"), ["1042: paid"]);
}

#[tokio::test]
async fn a_join_that_is_given_up_stays_closed() {
    let harness = harness();
    harness.handle(vec![payment("p", 0).message(1)]).await;
    harness.pass(HOUR * 2).await;
    assert_eq!(harness.handle(vec![stock("s", -60).message(1)]).await, DONE);
    harness.pass(HOUR * 5).await;
    assert_eq!(harness.said("ann"), ["1042 is stuck"], "it came too late to be reported");
    assert_eq!(harness.fact("ann", "order/1042", "ready"), json!(null));
}

#[tokio::test]
async fn a_timer_ends_with_its_join() {
    let harness = harness();
    for leg in [payment("p", 1), stock("s", 0)] {
        harness.handle(vec![leg.message(1)]).await;
    }
    harness.settle().await;
    let set = harness.faults.count(Call::SetTimer);
    harness.pass(HOUR * 3).await;
    assert_eq!(harness.faults.count(Call::SetTimer), set + 1, "it comes once, at its time, and finds that the join is over");
    assert_eq!((harness.said("ann").len(), harness.outside.waiting()), (1, 0));
}

#[tokio::test]
async fn a_leg_has_its_condition() {
    let harness = harness();
    let none = Sent { data: json!({"who": "ann", "order_id": 1042, "amount": 0}), ..stock("s", 0) };
    for leg in [payment("p", 1), none] {
        harness.handle(vec![leg.message(1)]).await;
    }
    harness.settle().await;
    assert_eq!(harness.said("ann"), DONE);
}

#[tokio::test]
async fn later_events_update_the_facts_and_send_no_action_again() {
    let harness = harness();
    for leg in [payment("p", 600), stock("s1", 500), stock("s2", 100)] {
        harness.handle(vec![leg.message(1)]).await;
        harness.settle().await;
    }
    let context = harness.store.context("ann");
    let node = context.node.unwrap();
    assert_eq!(node.order.time, Timestamp::from_unix_ms(now().unix_ms() - 100_000), "the latest that completes it");
    assert_eq!(harness.outside.actions.sent().len(), 1, "not even a copy");
}

#[tokio::test]
async fn a_join_has_one_end_despite_a_failure_of_any_call() {
    let of_timers = [Call::SetTimer, Call::StoreTimer, Call::DueTimers, Call::Progress, Call::MarkSent, Call::MarkSwept];
    for call in [Call::Load, Call::Commit, Call::Rewrite, Call::Act].into_iter().chain(of_timers) {
        for (fault, after) in [(Fault::Refuse, 0), (Fault::LoseAnswer, 0), (Fault::Refuse, 1), (Fault::LoseAnswer, 1)] {
            let harness = harness();
            harness.faults.pass(call, after);
            harness.faults.fail(call, fault, 1);
            for leg in [payment("p", 60), stock("s", 0)] {
                let mut receives = 0;
                while !harness.handle(vec![leg.message(receives + 1)]).await.is_empty() {
                    receives += 1;
                    assert!(receives < MAX_RECEIVES, "{call:?} {fault:?}");
                }
            }
            harness.pass_through(HOUR * 3).await;
            assert_eq!(harness.said("ann"), ["1042: paid"], "{call:?} {fault:?} {after}");
            assert_eq!(harness.fact("ann", "order/1042", "ready"), json!(true), "{call:?} {fault:?} {after}");
        }
    }
}

#[tokio::test]
async fn an_ambiguous_key_loses_its_oldest_events_and_is_counted() {
    let harness = harness();
    for n in 0..=MAX_JOIN_EVENTS / 2 {
        let id: &'static str = Box::leak(format!("p{n}").into_boxed_str());
        let age = 60 - i64::try_from(n).unwrap();
        assert_eq!(harness.handle(vec![payment(id, age).message(MAX_RECEIVES)]).await, DONE);
        let claim = harness.claim(&format!("orders#{id}")).unwrap();
        let dropped: &[&str] = if n < MAX_JOIN_EVENTS / 2 { &[] } else { &["ready dropped: 1 event of its window"] };
        assert_eq!(
            (claim.state, claim.action_lines().iter().map(String::as_str).collect::<Vec<_>>()),
            (ClaimState::Processed, dropped.to_vec()),
            "{n}"
        );
    }
    harness.handle(vec![stock("s", 0).message(1)]).await;
    harness.settle().await;
    assert_eq!(harness.said("ann"), ["1042: paid"]);
}
