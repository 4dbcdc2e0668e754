//! Facts set by hand.

use crate::support::{Harness, Sent, moved, now, on_the_links_queue};
use processor::Processor;
use processor::commit::{Done, Effect};
use processor::failure::Failure;
use processor::manual::Work;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::rules::Rules;
use tidings_config::time::Clock;
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_core::external_link::ExternalLink;
use tidings_core::manual::{Correction, NodeChange};
use tidings_core::memory::{Call, Fault};
use tidings_core::stored_event::StoredEvent;
use tidings_project::read_rules;

const KINDS: &str = r#"
version: 1
conversations:
  - { on: "anonymous.*", identity: data.id }
  - { on: "*", conversation: data.who }
rules:
  - { name: counts, on: visit, count: { visits: data.n } }
  - { name: adds, on: tag, add: { tags: data.tag } }
  - { name: climbs, on: climb, set: { step: { value: data.step, ladder: [packed, sent, delivered] } } }
  - { name: sets, on: [order.moved, anonymous.moved], set: { status: data.status } }
  - { name: chooses, on: choice, entity: "'preferences'", set: { opt_in: data.yes } }
  - { name: says, on: news, notify: { text: "{data.text}", channels: [whatsapp] } }
  - { name: asks, on: asked, goto: answer }
"#;

pub(crate) fn read(yaml: &str) -> Rules {
    read_rules("rules.yaml", yaml, &["orders".to_owned()]).unwrap_or_else(|report| panic!("{report}"))
}

fn harness() -> Harness {
    Harness::with(read(KINDS), |store| store)
}

pub(crate) fn event(id: &'static str, event_type: &'static str, age_seconds: i64, data: Value) -> Sent {
    Sent { id, event_type, order: "1", age_seconds, data }
}

pub(crate) fn says(facts: &[(&str, Value)]) -> Correction {
    let facts: BTreeMap<String, Value> = facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Correction {
        of: "ann".into(),
        by: "lena".into(),
        reason: "rule moved was wrong".into(),
        facts: BTreeMap::from([("order/1".to_owned(), facts)]),
        node: None,
    }
}

async fn by_hand(harness: &Harness, correction: Correction) -> Result<Done, Failure> {
    let work = harness.processor.correction(correction, harness.clock.now())?;
    harness.processor.apply(&work).await
}

/// The same, applied now.
pub(crate) async fn set(harness: &Harness, correction: Correction) {
    let done = by_hand(harness, correction).await.unwrap();
    assert!(matches!(done.effect, Some(Effect::Now(_))), "{done:?}");
}

pub(crate) async fn apply(processor: &Processor, work: &Work) {
    assert!(processor.apply(work).await.unwrap().effect.is_some());
}

pub(crate) async fn comes(harness: &Harness, sent: &Sent) {
    assert_eq!(harness.handle(vec![sent.message(1)]).await, [""; 0], "{sent:?}");
}

/// As the receiver queues one that counts the events of its entity.
async fn comes_as(harness: &Harness, sent: &Sent, sequence: u64) {
    let mut envelope = sent.envelope();
    envelope.sequence = Some(sequence.to_string());
    assert_eq!(harness.handle(vec![crate::support::message("m", &envelope.encode(), 1)]).await, [""; 0]);
}

#[tokio::test]
async fn a_manual_value_replaces_the_stored_one_and_loses_against_later_events() {
    for (stored, older, later) in [(60, 90, -60), (0, 30, -1), (-240, 30, -120)] {
        let harness = harness();
        comes(&harness, &moved("1", "ann", "wrong", stored)).await;
        assert_eq!(by_hand(&harness, says(&[("status", json!("right"))])).await.unwrap().outcome, "applied");
        assert_eq!(harness.fact("ann", "order/1", "status"), "right", "stored {stored} s ago");
        comes(&harness, &moved("1", "ann", "wrong", stored)).await;
        comes(&harness, &moved("2", "ann", "older", older)).await;
        assert_eq!(harness.fact("ann", "order/1", "status"), "right", "what happened {older} s ago comes late");
        harness.clock.set(now().plus(Duration::from_secs(300)));
        comes(&harness, &moved("3", "ann", "later", later)).await;
        assert_eq!(harness.fact("ann", "order/1", "status"), "later", "what happens after it");
    }
}

#[tokio::test]
async fn with_a_sequence_a_manual_value_is_ordered_after_the_newest_event() {
    for name in ["status", "carrier"] {
        let rules = read(
            "version: 1\nconversations: [{ on: '*', conversation: data.who }]\nrules:\n  - { name: moved, on: order.moved, set: { status: data.status, carrier: data.status } }\n",
        );
        let harness = Harness::with(rules, |store| store);
        comes_as(&harness, &moved("1", "ann", "wrong", 0), 7).await;
        set(&harness, says(&[(name, json!("right"))])).await;
        comes_as(&harness, &moved("2", "ann", "older", -60), 6).await;
        assert_eq!(harness.fact("ann", "order/1", name), "right", "6 comes before 7, whatever its time");
        comes_as(&harness, &moved("3", "ann", "later", 3_600), 8).await;
        assert_eq!(harness.fact("ann", "order/1", name), "later");
    }
    let harness = harness();
    comes_as(&harness, &moved("1", "ann", "x", 0), 7).await;
    set(&harness, says(&[("new", json!("fact"))])).await;
    let context = harness.store.context("ann");
    assert_eq!(context.entities["order/1"]["new"].order.sequence, Some(7), "a fact that nobody had set is of its entity");
}

#[tokio::test]
async fn a_manual_deletion_stays_until_a_later_event() {
    let harness = harness();
    comes(&harness, &moved("1", "ann", "wrong", 60)).await;
    set(&harness, says(&[("status", Value::Null)])).await;
    comes(&harness, &moved("2", "ann", "older", 30)).await;
    assert_eq!(harness.fact("ann", "order/1", "status"), Value::Null);
    comes(&harness, &moved("3", "ann", "later", -30)).await;
    assert_eq!(harness.fact("ann", "order/1", "status"), "later");
}

#[tokio::test]
async fn a_counter_a_set_and_a_ladder_continue_from_a_manual_value() {
    let harness = harness();
    for sent in [
        event("v1", "visit", 60, json!({"who": "ann", "n": 40})),
        event("t1", "tag", 60, json!({"who": "ann", "tag": "wrong"})),
        event("c1", "climb", 60, json!({"who": "ann", "step": "delivered"})),
    ] {
        comes(&harness, &sent).await;
    }
    set(&harness, says(&[("visits", json!(2)), ("tags", json!(["a", 7])), ("step", json!("packed"))])).await;
    let fact = |name| harness.fact("ann", "order/1", name);
    assert_eq!((fact("visits"), fact("tags"), fact("step")), (json!(2), json!(["a", 7]), json!("packed")));
    for sent in [
        event("v2", "visit", 30, json!({"who": "ann", "n": 1})),
        event("t2", "tag", 90, json!({"who": "ann", "tag": "wrong"})),
        event("t3", "tag", -1, json!({"who": "ann", "tag": "b"})),
        event("c2", "climb", -1, json!({"who": "ann", "step": "sent"})),
    ] {
        comes(&harness, &sent).await;
    }
    assert_eq!((fact("visits"), fact("tags"), fact("step")), (json!(3), json!(["a", "b", 7]), json!("sent")));

    set(&harness, says(&[("visits", Value::Null), ("tags", Value::Null), ("step", Value::Null)])).await;
    assert_eq!((fact("visits"), fact("tags"), fact("step")), (Value::Null, Value::Null, Value::Null));
    comes(&harness, &event("v3", "visit", -1, json!({"who": "ann", "n": 5}))).await;
    assert_eq!(fact("visits"), json!(5), "it begins again");
}

#[tokio::test]
async fn an_impossible_manual_value_is_refused_and_changes_nothing() {
    let harness = harness();
    comes(&harness, &event("v", "visit", 60, json!({"who": "ann", "n": 4}))).await;
    comes(&harness, &event("t", "tag", 60, json!({"who": "ann", "tag": "a"}))).await;
    comes(&harness, &event("c", "climb", 60, json!({"who": "ann", "step": "sent"}))).await;
    let before = harness.store.items();
    for (name, value, said) in [
        ("visits", json!("many"), "order/1.visits is a counter"),
        ("visits", json!(1.5), "whole number"),
        ("tags", json!("a"), "order/1.tags is a set"),
        ("tags", json!([["a"]]), "texts, numbers or booleans"),
        ("step", json!("lost"), "packed, sent, delivered"),
        ("status", json!("x".repeat(40_960)), "the value has 40962 bytes, allowed: 40960"),
        ("no good", json!(1), "isn't a valid name of a fact"),
    ] {
        let refused = by_hand(&harness, says(&[("fine", json!(1)), (name, value)])).await.unwrap_err();
        assert!(refused.to_string().contains(said), "{name}: {refused}");
        assert_eq!(refused.code(), "manual");
    }
    let preferences = |name: &str, value: Value| Correction {
        facts: BTreeMap::from([("preferences".to_owned(), BTreeMap::from([(name.to_owned(), value)]))]),
        ..says(&[])
    };
    for (name, value) in [
        ("opt_in", json!("no")),
        ("channels", json!(["pigeon"])),
        ("channels", json!("whatsapp")),
        ("zone", json!("Moon")),
        ("quiet_from", json!("late")),
    ] {
        assert!(by_hand(&harness, preferences(name, value.clone())).await.is_err(), "{name}: {value}");
    }
    assert!(by_hand(&harness, says(&[])).await.unwrap_err().to_string().contains("contains no change"));
    assert_eq!(harness.store.items(), before);
}

#[tokio::test]
async fn a_manual_preference_applies_to_later_notifications() {
    let harness = harness();
    comes(&harness, &event("y", "choice", 60, json!({"who": "ann", "yes": true}))).await;
    comes(&harness, &event("n1", "news", 30, json!({"who": "ann", "text": "one"}))).await;
    let no = BTreeMap::from([("preferences".to_owned(), BTreeMap::from([("opt_in".to_owned(), json!(false))]))]);
    set(&harness, Correction { facts: no, ..says(&[]) }).await;
    comes(&harness, &event("n2", "news", 20, json!({"who": "ann", "text": "two"}))).await;
    harness.settle().await;
    assert_eq!(harness.said("ann"), ["one"]);
}

#[tokio::test]
async fn the_dialogue_node_is_set_and_deleted_by_hand() {
    let harness = harness();
    comes(&harness, &event("1", "asked", -200, json!({"who": "ann"}))).await;
    let at = |node: NodeChange| Correction { facts: BTreeMap::new(), node: Some(node), ..says(&[]) };
    set(&harness, at(NodeChange::To("delivery".into()))).await;
    assert_eq!(harness.node("ann"), Some("delivery".into()));
    harness.clock.set(now().plus(Duration::from_secs(1)));
    set(&harness, at(NodeChange::Nowhere)).await;
    assert_eq!(harness.node("ann"), Some(Value::Null));
    comes(&harness, &event("2", "asked", -2, json!({"who": "ann"}))).await;
    assert_eq!(harness.node("ann"), Some("answer".into()));
}

#[tokio::test]
async fn the_claim_of_a_correction_records_author_time_reason_and_old_values() {
    let mut harness = harness();
    harness.processor = harness.processor.storing_events(true);
    comes(&harness, &moved("1", "ann", "wrong", 60)).await;
    let work = harness.processor.correction(says(&[("status", json!("right"))]), now()).unwrap();
    apply(&harness.processor, &work).await;
    let timeline = harness.store.timeline("ann");
    assert_eq!(timeline.iter().map(|claim| claim.event_type.as_str()).collect::<Vec<_>>(), ["order.moved", "tidings.correction"]);
    let claim = harness.store.claim(work.claim_key()).unwrap();
    let manual = claim.manual.clone().unwrap();
    assert_eq!((manual.by.as_str(), manual.reason.as_str(), manual.again), ("lena", "rule moved was wrong", None));
    assert_eq!((claim.state, claim.processed), (ClaimState::Processed, Some(now())));
    let change = &manual.changes[0];
    assert_eq!((change.what.as_str(), &change.before, &change.after), ("order/1.status", &json!("wrong"), &json!("right")));
    assert_eq!(change.before_by, Some(ClaimKey::new("orders", "1")));
    assert!(harness.store.context("ann").entities["order/1"]["status"].order.key == claim.key, "the fact names it");

    // It follows from no other event, so it is stored, and a replay of the timeline includes it.
    let kept: StoredEvent = harness.store.kept(work.claim_key()).expect("it is kept");
    let played = Harness::with(read(KINDS), |store| store);
    comes(&played, &moved("1", "ann", "wrong", 60)).await;
    assert_eq!(played.handle(vec![crate::support::message("m", kept.as_str(), 1)]).await, [""; 0]);
    assert_eq!(played.fact("ann", "order/1", "status"), "right");
}

#[tokio::test]
async fn a_correction_is_applied_once_despite_retries_and_crashes() {
    let faults = [Fault::Refuse, Fault::LoseAnswer, Fault::Conflict];
    for (call, fault) in [Call::Load, Call::Commit].into_iter().flat_map(|call| faults.map(|fault| (call, fault))) {
        for before in 0..2 {
            let harness = harness();
            comes(&harness, &moved("1", "ann", "wrong", 60)).await;
            comes(&harness, &event("v", "visit", 60, json!({"who": "ann", "n": 4}))).await;
            let work = harness.processor.correction(says(&[("status", json!("right")), ("visits", json!(1))]), now()).unwrap();
            harness.faults.pass(call, before);
            harness.faults.fail(call, fault, 1);
            let mut tries = 0;
            while harness.processor.apply(&work).await.is_err() {
                tries += 1;
                assert!(tries < 5, "{call:?} {fault:?}");
            }
            harness.faults.clear();
            comes(&harness, &event("v2", "visit", -1, json!({"who": "ann", "n": 1}))).await;
            comes(&harness, &moved("2", "ann", "later", -1)).await;
            assert_eq!(harness.processor.apply(&work).await.unwrap().effect, Some(Effect::Before), "{call:?} {fault:?}");
            let fact = |name| harness.fact("ann", "order/1", name);
            assert_eq!((fact("status"), fact("visits")), (json!("later"), json!(2)), "{call:?} {fault:?} after {before}");
            let corrections = harness.store.claims().iter().filter(|claim| claim.manual.is_some()).count();
            assert_eq!(corrections, 1);
        }
    }
}

#[tokio::test]
async fn a_correction_of_an_identity_is_one_of_its_conversation() {
    let harness = harness();
    let at = Sent { event_type: "anonymous.moved", data: json!({"id": "phone:1", "status": "wrong"}), ..moved("1", "", "", 60) };
    comes(&harness, &at).await;
    let of = |name: &str| Correction { of: name.to_owned(), ..says(&[("status", json!("right"))]) };
    set(&harness, of("phone:1")).await;
    assert_eq!(harness.fact("phone:1", "order/1", "status"), "right", "as long as it has no link, it is its own");
    let link = ExternalLink { id: "l".into(), time: now(), identity: "phone:1".into(), conversation: "ann".into(), moves: false };
    assert!(harness.handle(vec![on_the_links_queue("l", &link.encode(), 1)]).await.is_empty());
    assert_eq!(harness.fact("ann", "order/1", "status"), "right", "it moves as any fact does");
    harness.clock.set(now().plus(Duration::from_secs(5)));
    let work = harness
        .processor
        .correction(Correction { of: "phone:1".into(), ..says(&[("status", json!("again"))]) }, harness.clock.now())
        .unwrap();
    assert_eq!(harness.processor.conversation_of(&work).await.unwrap(), "ann");
    apply(&harness.processor, &work).await;
    assert_eq!(
        (harness.fact("ann", "order/1", "status"), harness.fact("phone:1", "order/1", "status")),
        (json!("again"), Value::Null)
    );
}
