//! Actions: caused once, sent at least once and in order, when the policy lets them.

use crate::stores::Yielding;
use crate::support::{AMPLE, Harness, MAX_RECEIVES, Sent, another, handle, now};
use futures::future::join_all;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::rules::Rules;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::ClaimState;
use tidings_core::memory::{Call, Fault};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
policy:
  quiet_hours: { from: "22:00", to: "07:00", zone: UTC }
  cap: { at_most: 3, within: 24h }
  shed_after: 5m
rules:
  - name: moved
    on: order.moved
    set: { status: data.status }
    notify: { text: "{data.status}, was with {facts.carrier|nobody}" }
    if_stale: skip
  - { name: carried, on: carried, set: { carrier: data.by } }
  - { name: fire, on: fire, priority: urgent, notify: { text: fire } }
  - { name: tip, on: tip, priority: low, notify: { text: "a tip", cap: { at_most: 1, within: 1h } } }
  - { name: chosen, on: chosen, entity: "'preferences'", set: { opt_in: data.yes } }
  - { name: told, on: told, emit: { type: order.told, data: { id: data.id } } }
"#;

fn rules() -> Rules {
    read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"))
}

fn harness() -> Harness {
    Harness::with(rules(), |store| store)
}

fn event(id: &'static str, event_type: &'static str, age_seconds: i64, data: Value) -> Sent {
    let mut data = data;
    data["who"] = json!("ann");
    Sent { id, event_type, order: "1", age_seconds, data }
}

fn moved(id: &'static str, status: &str, age_seconds: i64) -> Sent {
    event(id, "order.moved", age_seconds, json!({"status": status}))
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

const DONE: [&str; 0] = [];

#[tokio::test]
async fn an_action_is_sent_with_the_facts_known_at_that_time() {
    let harness = harness();
    let told = event("t", "told", 0, json!({"id": "1042"}));
    for event in [moved("e1", "packed", 9), event("c", "carried", 5, json!({"by": "DHL"})), moved("e2", "shipped", 4), told] {
        assert_eq!(harness.handle(vec![event.message(1)]).await, DONE);
    }
    assert_eq!(harness.said("ann"), ["packed, was with nobody", "shipped, was with DHL"]);
    let (_, action) = harness.actions().into_values().find(|(_, action)| action.rule == "told").unwrap();
    assert_eq!((action.action_type.as_str(), &action.data), ("order.told", &json!({"id": "1042"})));
    assert_eq!(harness.claim("orders#e1").unwrap().action_lines(), ["moved/notify queued"]);
    let sequences: Vec<u64> = harness.outside.actions.sent().into_iter().map(|(_, sequence, _)| sequence).collect();
    assert_eq!(sequences, [0, 1, 2]);
}

#[tokio::test]
async fn a_stale_action_is_recorded_and_not_sent_if_the_rule_says_so() {
    let harness = harness();
    for event in [moved("new", "delivered", 1), moved("old", "shipped", 2)] {
        harness.handle(vec![event.message(1)]).await;
    }
    assert_eq!(harness.said("ann"), ["delivered, was with nobody"]);
    assert_eq!(harness.claim("orders#old").unwrap().action_lines(), ["moved/notify withheld: stale"]);
}

#[tokio::test]
async fn a_failed_send_is_retried_at_the_next_receive_with_the_same_id() {
    for (call, fault) in [
        (Call::Act, Fault::Refuse),
        (Call::Act, Fault::LoseAnswer),
        (Call::Rewrite, Fault::Refuse),
        (Call::Rewrite, Fault::LoseAnswer),
        (Call::Commit, Fault::LoseAnswer),
    ] {
        let harness = harness();
        harness.faults.fail(call, fault, 1);
        let event = moved("e1", "packed", 0);
        assert_eq!(harness.handle(vec![event.message(1)]).await, ["m-e1"], "{call:?} {fault:?}");
        assert_eq!(harness.handle(vec![event.message(2)]).await, DONE, "{call:?} {fault:?}");
        assert_eq!(harness.said("ann").len(), 1, "{call:?} {fault:?}");
        assert_eq!(harness.actions().len(), 1, "{call:?} {fault:?}");
    }
}

#[tokio::test]
async fn the_next_event_first_sends_what_the_one_before_could_not() {
    let harness = harness();
    harness.faults.fail(Call::Act, Fault::Refuse, 1);
    let lost = moved("e1", "packed", 9);
    assert_eq!(harness.handle(vec![lost.message(MAX_RECEIVES)]).await, ["m-e1"], "its message goes to the dead-letter queue");
    assert_eq!(harness.state("orders#e1"), Some(ClaimState::Processed), "though its effect is there");
    assert_eq!(harness.handle(vec![moved("e2", "shipped", 0).message(1)]).await, DONE);
    assert_eq!(harness.said("ann"), ["packed, was with nobody", "shipped, was with nobody"]);
    let sent = harness.outside.actions.sent().len();
    assert_eq!(harness.handle(vec![lost.message(1)]).await, DONE, "redriven: there is nothing left to do");
    assert_eq!(harness.outside.actions.sent().len(), sent);
}

#[tokio::test]
async fn an_outage_of_the_action_queue_loses_no_action() {
    let harness = harness();
    let event = moved("e1", "packed", 0);
    harness.faults.fail(Call::Act, Fault::Refuse, MAX_RECEIVES);
    for receive in 1..=MAX_RECEIVES {
        assert_eq!(harness.handle(vec![event.message(receive)]).await, ["m-e1"], "receive {receive}");
    }
    assert_eq!(harness.handle(vec![event.message(1)]).await, DONE, "redriven");
    assert_eq!(harness.said("ann").len(), 1);
}

#[tokio::test]
async fn two_processors_send_in_the_order_of_their_transactions() {
    for seed in 0..200 {
        let harness = harness();
        let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
        let processors = [(); 3].map(|()| another(rules(), Arc::clone(&store), &harness.clock, &harness.outside));
        let events = [moved("e1", "a", 9), moved("e2", "b", 9), moved("e3", "c", 9)];
        let work = processors.iter().zip(&events).map(|(processor, event)| handle(processor, vec![event.message(1)], AMPLE));
        assert_eq!(join_all(work).await.concat(), DONE, "seed {seed}");
        let mut seen = std::collections::BTreeSet::new();
        let sent = harness.outside.actions.sent();
        let first: Vec<u64> =
            sent.iter().filter(|(_, _, a)| seen.insert(a.id.clone())).map(|(_, sequence, _)| *sequence).collect();
        assert!(first.is_sorted(), "seed {seed}: {first:?}");
    }
}

#[tokio::test]
async fn quiet_hours_defer_and_lose_no_notification() {
    let harness = harness();
    harness.clock.set(at("2026-11-22T23:30:00Z"));
    for event in [moved("e1", "packed", 0), event("f", "fire", 0, json!({}))] {
        assert_eq!(harness.handle(vec![event.message(1)]).await, DONE);
    }
    assert_eq!(harness.said("ann"), ["fire"], "which is urgent");
    assert_eq!(harness.claim("orders#e1").unwrap().action_lines(), ["moved/notify waits until 2026-11-23T07:00:00.000Z"]);
    harness.handle(vec![event("c", "carried", 0, json!({"by": "DHL"})).message(1)]).await;
    harness.pass(Duration::from_secs(7 * 3_600 + 1_799)).await;
    assert_eq!(harness.said("ann").len(), 1);
    harness.pass(Duration::from_secs(1)).await;
    assert_eq!(harness.said("ann"), ["fire", "packed, was with DHL"], "with what is known by then");
    assert_eq!(harness.outside.waiting(), 0);
}

#[tokio::test]
async fn a_person_who_opts_out_meanwhile_gets_no_notification() {
    let harness = harness();
    harness.clock.set(at("2026-11-22T23:30:00Z"));
    harness.handle(vec![moved("e1", "packed", 0).message(1)]).await;
    harness.handle(vec![event("n", "chosen", 0, json!({"yes": false})).message(1)]).await;
    harness.pass(Duration::from_secs(86_400)).await;
    assert_eq!((harness.said("ann").len(), harness.outside.waiting()), (0, 0));
    let due: Vec<_> = harness.store.claims().into_iter().filter(|c| c.event_type == "tidings.wake").collect();
    assert_eq!(due[0].action_lines(), ["moved/notify withheld: no-opt-in"]);
}

#[tokio::test]
async fn caps_defer_until_there_is_room() {
    let harness = harness();
    let ids = ["e1", "e2", "e3", "e4", "e5"];
    for id in ids {
        harness.handle(vec![moved(id, id, 0).message(1)]).await;
    }
    assert_eq!(harness.said("ann").len(), 3);
    harness.pass(Duration::from_secs(86_400)).await;
    let last = "e5, was with nobody";
    assert_eq!(harness.said("ann")[3..], [last], "a day later there is room for the rest, of which e4 is overtaken");
    harness.pass(Duration::from_secs(86_400)).await;
    assert_eq!((harness.said("ann").len(), harness.outside.waiting()), (4, 0));
}

#[tokio::test]
async fn a_rule_has_its_own_cap_and_low_priority_is_shed_under_backlog() {
    let harness = harness();
    for id in ["t1", "t2"] {
        harness.handle(vec![event(id, "tip", 0, json!({})).message(1)]).await;
    }
    assert_eq!(harness.said("ann"), ["a tip"]);
    harness.pass(Duration::from_secs(3_600)).await;
    assert_eq!(harness.said("ann").len(), 2);

    harness.clock.set(now().plus(Duration::from_secs(10_000)));
    harness.handle(vec![event("t3", "tip", 0, json!({})).message(1), moved("e1", "packed", 0).message(1)]).await;
    assert_eq!(harness.claim("orders#t3").unwrap().action_lines(), ["tip/notify withheld: shed"], "received long ago");
    assert_eq!(harness.claim("orders#e1").unwrap().action_lines(), ["moved/notify queued"]);
    assert_eq!(harness.clock.now(), now().plus(Duration::from_secs(10_000)));
}
