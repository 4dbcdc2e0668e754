//! What a person does by a command: facts that are set by hand, and events that are applied again.

use crate::support::{Harness, Sent, another, moved, now, on_the_links_queue};
use processor::Processor;
use processor::commit::{Done, Effect};
use processor::failure::Failure;
use processor::manual::{Again, Work};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_core::config::files::read_rules;
use tidings_core::config::rules::Rules;
use tidings_core::context::ItemKey;
use tidings_core::envelope::Envelope;
use tidings_core::kept::KeptEvent;
use tidings_core::manual::{Correction, NodeChange, Part};
use tidings_core::memory::{Call, Fault};
use tidings_core::time::{Clock, Timestamp};
use tidings_core::told::ToldLink;

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

fn read(yaml: &str) -> Rules {
    read_rules("rules.yaml", yaml, &["orders".to_owned()]).unwrap_or_else(|report| panic!("{report}"))
}

fn harness() -> Harness {
    Harness::with(read(KINDS), |store| store)
}

fn event(id: &'static str, event_type: &'static str, age_seconds: i64, data: Value) -> Sent {
    Sent { id, event_type, order: "1", age_seconds, data }
}

fn says(facts: &[(&str, Value)]) -> Correction {
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

/// The same, and it is done now.
async fn set(harness: &Harness, correction: Correction) {
    let done = by_hand(harness, correction).await.unwrap();
    assert!(matches!(done.effect, Some(Effect::Now(_))), "{done:?}");
}

async fn apply(processor: &Processor, work: &Work) {
    assert!(processor.apply(work).await.unwrap().effect.is_some());
}

async fn comes(harness: &Harness, sent: &Sent) {
    assert_eq!(harness.handle(vec![sent.message(1)]).await, [""; 0], "{sent:?}");
}

/// As the receiver queues one that counts the events of its entity.
async fn comes_as(harness: &Harness, sent: &Sent, sequence: u64) {
    let mut envelope = sent.envelope();
    envelope.sequence = Some(sequence.to_string());
    assert_eq!(harness.handle(vec![crate::support::message("m", &envelope.encode(), 1)]).await, [""; 0]);
}

#[tokio::test]
async fn a_person_s_word_takes_the_place_of_what_is_stored_whatever_its_time_and_loses_to_what_happens_later() {
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
async fn of_an_entity_with_a_sequence_a_person_s_word_stands_after_the_newest() {
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
async fn what_is_forgotten_by_hand_stays_so_until_something_happens() {
    let harness = harness();
    comes(&harness, &moved("1", "ann", "wrong", 60)).await;
    set(&harness, says(&[("status", Value::Null)])).await;
    comes(&harness, &moved("2", "ann", "older", 30)).await;
    assert_eq!(harness.fact("ann", "order/1", "status"), Value::Null);
    comes(&harness, &moved("3", "ann", "later", -30)).await;
    assert_eq!(harness.fact("ann", "order/1", "status"), "later");
}

#[tokio::test]
async fn a_counter_a_set_and_a_ladder_go_on_from_what_a_person_says() {
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
async fn what_a_fact_can_not_be_is_refused_and_nothing_changes() {
    let harness = harness();
    comes(&harness, &event("v", "visit", 60, json!({"who": "ann", "n": 4}))).await;
    comes(&harness, &event("t", "tag", 60, json!({"who": "ann", "tag": "a"}))).await;
    comes(&harness, &event("c", "climb", 60, json!({"who": "ann", "step": "sent"}))).await;
    let before = harness.store.items();
    for (name, value, said) in [
        ("visits", json!("many"), "order/1.visits is a counter"),
        ("visits", json!(1.5), "whole number"),
        ("tags", json!("a"), "order/1.tags is a set"),
        ("tags", json!([["a"]]), "texts, numbers or truths"),
        ("step", json!("lost"), "packed, sent, delivered"),
        ("status", json!("x".repeat(40_960)), "a value of 40962 bytes, allowed: 40960"),
        ("no good", json!(1), "can't name a fact"),
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
    assert!(by_hand(&harness, says(&[])).await.unwrap_err().to_string().contains("changes nothing"));
    assert_eq!(harness.store.items(), before);
}

#[tokio::test]
async fn a_preference_that_is_set_by_hand_silences_what_comes_then() {
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
async fn where_the_dialogue_stands_is_set_and_forgotten_by_hand() {
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
async fn the_claim_of_a_correction_says_who_when_why_and_what_was_there() {
    let mut harness = harness();
    harness.processor = harness.processor.keeping_events(true);
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

    // It follows from nothing, so it is kept, and comes again when the timeline is played.
    let kept: KeptEvent = harness.store.kept(work.claim_key()).expect("it is kept");
    let played = Harness::with(read(KINDS), |store| store);
    comes(&played, &moved("1", "ann", "wrong", 60)).await;
    assert_eq!(played.handle(vec![crate::support::message("m", kept.as_str(), 1)]).await, [""; 0]);
    assert_eq!(played.fact("ann", "order/1", "status"), "right");
}

#[tokio::test]
async fn a_correction_is_done_once_however_often_it_is_tried_and_wherever_it_ends() {
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
    let link = ToldLink { id: "l".into(), time: now(), identity: "phone:1".into(), conversation: "ann".into(), moves: false };
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

// Events that are applied again.

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

/// All that is known of a conversation is looked through for what the event wrote, as the command does.
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
async fn after_a_wrong_rule_events_that_are_applied_again_end_as_if_the_right_rules_had_been_there() {
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
async fn what_is_newer_stays_and_so_does_what_a_person_said() {
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
async fn a_counter_counts_an_event_once_more_only_if_that_is_asked_for() {
    for (counts, expected) in [(false, 1), (true, 2)] {
        let harness = Harness::with(read(WRONG), |store| store);
        let sent = moved("1", "ann", "packed", 60);
        comes(&harness, &sent).await;
        let processor = mended(&harness);
        let work = work(&harness, &processor, &sent.envelope(), Again { counts, ..again("fix", Part::Facts) }).unwrap();
        assert_eq!(work.left_out.iter().any(|line| line == "order/1.moves +1, counted already"), !counts, "{:?}", work.left_out);
        assert!(work.left_out.contains(&"moved/notify".to_owned()), "what isn't said is said to be left out");
        apply(&processor, &work).await;
        assert_eq!(harness.fact("ann", "order/1", "moves"), json!(expected));
    }
}

#[tokio::test]
async fn what_an_event_causes_is_caused_again_only_if_that_is_asked_for_and_once() {
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
async fn what_died_waits_or_was_erased_is_not_applied_again() {
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
async fn an_event_is_applied_again_once_wherever_it_ends() {
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
async fn what_a_rule_fetches_may_be_another_by_now() {
    let rules = "version: 1\napis:\n  tickets: { url: 'https://api.tickets.example/v2/', secret: bearer }\nconversations: [{ on: '*', conversation: data.who }]\nrules:\n  - { name: ticket, on: order.moved, enrich: { from: tickets, path: 'tickets/7', if_gone: skip }, set: { title: fetched.title } }\n";
    let harness = Harness::with(read(rules), |store| store);
    let refused = harness.processor.again(&moved("1", "ann", "x", 60).envelope(), &again("fix", Part::Facts)).unwrap_err();
    assert_eq!(refused.to_string(), "rule ticket fetches an object, which may be another by now");
    let at = Timestamp::from_unix_ms(0);
    let own = tidings_core::due::Due::Wake { conversation: "ann".into(), timer: 1 }.envelope(at, now());
    assert!(harness.processor.again(&own, &again("fix", Part::Facts)).is_err(), "what is ours follows from others");
}
