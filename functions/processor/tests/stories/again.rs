//! Events that an operator applies again.

use crate::manual::{apply, comes, event, read, says, set};
use crate::support::{Harness, Sent, another, moved, now};
use processor::Processor;
use processor::failure::Failure;
use processor::manual::{Again, Work};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::ClaimKey;
use tidings_core::context::ItemKey;
use tidings_core::envelope::Envelope;
use tidings_core::manual::Part;
use tidings_core::memory::{Call, Fault};

const WRONG: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
rules:
  - { name: moved, on: order.moved, set: { status: "'lost'", stattus: data.status }, add: { seen: data.status }, count: { moves: 1 } }
  - { name: paid, on: order.paid, entity: "'order/other'", set: { payment: data.status }, goto: wrong }
  - { name: asked, on: asked, set: { status: "'asked'" }, goto: asked }
"#;

const RIGHT: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
rules:
  - { name: moved, on: order.moved, set: { status: data.status }, add: { states: data.status }, count: { moves: 1 }, notify: { text: "It is {data.status}" } }
  - { name: paid, on: order.paid, set: { payment: data.status } }
  - { name: asked, on: asked, goto: asked }
"#;

fn again(name: &str, part: Part) -> Again {
    Again {
        by: "lena".into(),
        reason: "rule moved was wrong".into(),
        batch: name.parse().unwrap(),
        at: now().plus(Duration::from_secs(600)),
        part,
        counts: false,
        wrote: BTreeSet::new(),
    }
}

/// Searches all facts of a conversation for those that the event wrote, as the command does.
fn work(harness: &Harness, processor: &Processor, event: &Envelope, how: Again) -> Result<Work, Failure> {
    let items = harness.store.items().into_keys().filter(|place| place.partition == "ann").map(|place| place.key);
    let wrote = items.filter(|key| matches!(key, ItemKey::Entity(_) | ItemKey::Node)).collect();
    processor.again(event, &Again { wrote, ..how })
}

/// The newest first.
async fn apply_all(harness: &Harness, processor: &Processor, events: &[Sent], name: &str) {
    let mut envelopes: Vec<Envelope> = events.iter().map(Sent::envelope).collect();
    envelopes.sort_by_key(Envelope::order);
    for envelope in envelopes.iter().rev() {
        let work = work(harness, processor, envelope, again(name, Part::Facts)).unwrap();
        apply(processor, &work).await;
    }
}

fn mended(harness: &Harness) -> Processor {
    another(read(RIGHT), Arc::clone(&harness.store), &harness.clock, &harness.outside)
}

fn values(harness: &Harness) -> (Value, BTreeMap<String, BTreeMap<String, Value>>) {
    let context = harness.store.context_at("ann", harness.clock.now());
    let node = context.node.map_or(Value::Null, |node| node.value);
    let facts = context.entities.into_iter().map(|(entity, facts)| {
        let known = facts.into_iter().filter(|(_, fact)| fact.value != json!([]));
        (entity, known.map(|(name, fact)| (name, fact.value)).collect::<BTreeMap<_, _>>())
    });
    (node, facts.filter(|(_, facts)| !facts.is_empty()).collect())
}

/// Whatever a wrong rule did to whatever events, in whatever order they came: the contexts end as if the right rules had always been there.
#[tokio::test]
async fn events_applied_again_after_a_wrong_rule_end_as_with_the_right_rules() {
    const IDS: [&str; 6] = ["0", "1", "2", "3", "4", "5"];
    for seed in 0..80 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut events: Vec<Sent> = IDS[..rng.usize(1..=6)]
            .iter()
            .map(|id| {
                let event_type = ["order.moved", "order.paid", "asked"][rng.usize(..3)];
                let status = ["packed", "sent", "delivered"][rng.usize(..3)];
                event(id, event_type, rng.i64(0..4) * 60, json!({"who": "ann", "status": status}))
            })
            .collect();
        let harness = Harness::with(read(WRONG), |store| store);
        rng.shuffle(&mut events);
        for sent in &events {
            comes(&harness, sent).await;
        }
        let processor = mended(&harness);
        apply_all(&harness, &processor, &events, "fix").await;
        let straight = Harness::with(read(RIGHT), |store| store);
        for sent in &events {
            comes(&straight, sent).await;
        }
        assert_eq!(values(&harness), values(&straight), "seed {seed}: {events:?}");
        assert!(harness.outside.actions.sent().is_empty(), "nothing is said");

        let before = harness.store.items();
        apply_all(&harness, &processor, &events, "fix").await;
        assert_eq!(harness.store.items(), before, "seed {seed}: once under one name");
        apply_all(&harness, &processor, &events, "fix-2").await;
        assert_eq!(values(&harness), values(&straight), "seed {seed}: under another name it ends the same");
    }
}

#[tokio::test]
async fn newer_and_manual_values_stay() {
    let harness = Harness::with(read(WRONG), |store| store);
    let events = [moved("1", "ann", "packed", 60)];
    comes(&harness, &events[0]).await;
    set(&harness, says(&[("status", json!("by hand"))])).await;
    comes(&harness, &event("2", "asked", -60, json!({"who": "ann"}))).await;
    let processor = mended(&harness);
    apply_all(&harness, &processor, &events, "fix").await;
    assert_eq!(harness.fact("ann", "order/1", "status"), "asked");
    let claim = harness.claim("@again#fix#orders#1").unwrap();
    assert_eq!(claim.overtaken, ["order/1.status"]);
    assert_eq!(harness.fact("ann", "order/1", "stattus"), Value::Null, "what it wrote alone is gone");
    assert_eq!(claim.manual.as_ref().unwrap().again, Some(ClaimKey::new("orders", "1")));
    assert_eq!(harness.claim("orders#1").unwrap().applied_again, [claim.key], "its own claim stays, and points to it");
}

#[tokio::test]
async fn a_counter_counts_an_event_again_only_on_request() {
    for (counts, expected) in [(false, 1), (true, 2)] {
        let harness = Harness::with(read(WRONG), |store| store);
        let sent = moved("1", "ann", "packed", 60);
        comes(&harness, &sent).await;
        let processor = mended(&harness);
        let work = work(&harness, &processor, &sent.envelope(), Again { counts, ..again("fix", Part::Facts) }).unwrap();
        assert_eq!(work.left_out.iter().any(|line| line == "order/1.moves +1, already counted"), !counts, "{:?}", work.left_out);
        assert!(work.left_out.contains(&"moved/notify".to_owned()), "what isn't said is said to be left out");
        apply(&processor, &work).await;
        assert_eq!(harness.fact("ann", "order/1", "moves"), json!(expected));
    }
}

#[tokio::test]
async fn actions_are_caused_again_only_on_request_and_once() {
    let harness = Harness::with(read(RIGHT), |store| store);
    let sent = moved("1", "ann", "packed", 60);
    comes(&harness, &sent).await;
    assert_eq!(harness.said("ann"), ["It is packed"]);
    for _ in 0..2 {
        for part in [Part::Facts, Part::Actions] {
            let work = work(&harness, &harness.processor, &sent.envelope(), again("fix", part)).unwrap();
            apply(&harness.processor, &work).await;
        }
    }
    assert_eq!(harness.said("ann"), ["It is packed", "It is packed"]);
    assert_eq!(harness.fact("ann", "order/1", "moves"), json!(1));
    let claims = harness.claim("orders#1").unwrap().applied_again;
    assert_eq!(claims.iter().map(ClaimKey::as_str).collect::<Vec<_>>(), ["@again#fix#orders#1", "@again-actions#fix#orders#1"]);
}

#[tokio::test]
async fn a_dead_lettered_waiting_or_erased_event_is_not_applied_again() {
    let harness = Harness::with(read(RIGHT), |store| store);
    let sent = moved("1", "ann", "packed", 60);
    let refused = async |harness: &Harness| {
        let work = work(harness, &harness.processor, &sent.envelope(), again("fix", Part::Facts)).unwrap();
        harness.processor.apply(&work).await.unwrap_err().to_string()
    };
    assert!(refused(&harness).await.contains("tidings dlq redrive"));
    comes(&harness, &sent).await;
    harness.store.erase(&ClaimKey::new("orders", "1"), |_| true);
    assert_eq!(refused(&harness).await, "orders#1 is erased");
    assert!(harness.store.items().is_empty(), "nothing of it comes back");
}

#[tokio::test]
async fn an_event_is_applied_again_once_after_a_crash_at_any_call() {
    let faults = [Fault::Refuse, Fault::LoseAnswer, Fault::Conflict];
    for (call, fault) in
        [Call::Load, Call::Effect, Call::Commit, Call::Act].into_iter().flat_map(|call| faults.map(|fault| (call, fault)))
    {
        for before in 0..2 {
            let harness = Harness::with(read(WRONG), |store| store);
            let sent = moved("1", "ann", "packed", 60);
            comes(&harness, &sent).await;
            let processor = mended(&harness);
            harness.faults.pass(call, before);
            harness.faults.fail(call, fault, 1);
            for part in [Part::Facts, Part::Actions] {
                let how = Again { counts: true, ..again("fix", part) };
                let work = work(&harness, &processor, &sent.envelope(), how).unwrap();
                let mut tries = 0;
                while processor.apply(&work).await.is_err() {
                    tries += 1;
                    assert!(tries < 5, "{call:?} {fault:?}");
                }
            }
            let fact = |name| harness.fact("ann", "order/1", name);
            assert_eq!((fact("status"), fact("moves")), (json!("packed"), json!(2)), "{call:?} {fault:?} after {before}");
            assert_eq!(harness.said("ann"), ["It is packed"], "{call:?} {fault:?} after {before}");
        }
    }
}

#[tokio::test]
async fn an_event_whose_rule_fetches_is_not_applied_again() {
    let rules = "version: 1\napis:\n  tickets: { url: 'https://api.tickets.example/v2/', secret: bearer }\nconversations: [{ on: '*', conversation: data.who }]\nrules:\n  - { name: ticket, on: order.moved, enrich: { from: tickets, path: 'tickets/7', if_gone: skip }, set: { title: fetched.title } }\n";
    let harness = Harness::with(read(rules), |store| store);
    let refused = harness.processor.again(&moved("1", "ann", "x", 60).envelope(), &again("fix", Part::Facts)).unwrap_err();
    assert_eq!(refused.to_string(), "rule ticket fetches an object, which may have changed since");
    let at = Timestamp::from_unix_ms(0);
    let own = tidings_core::internal_event::InternalEvent::Wake { conversation: "ann".into(), timer: 1 }.envelope(at, now());
    assert!(harness.processor.again(&own, &again("fix", Part::Facts)).is_err(), "what is ours follows from others");
}
