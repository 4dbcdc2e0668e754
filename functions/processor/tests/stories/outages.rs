//! The actions queue has no answer for an hour. Events have their effect all the same, and when it is back everything is said,
//! once and in order.

use crate::support::{Harness, MAX_RECEIVES, Sent};
use serde_json::json;
use std::time::Duration;
use tidings_config::limits::{MAX_ACTION_BYTES, MAX_OUTBOX_PAGES, OUTBOX_PAGE_BYTES};
use tidings_config::rules::Rules;
use tidings_core::claim::ClaimState;
use tidings_core::context::{Content, ItemKey};
use tidings_core::memory::log::{capture, counted};
use tidings_core::memory::{Call, Fault};
use tidings_core::telemetry::Metric;
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
rules:
  - { name: said, on: said, count: { n: 1 }, notify: { text: "{data.text}" } }
  - { name: twice, on: twice, count: { n: 1 }, notify: { text: "{data.text} {data.text}" } }
  - { name: fire, on: fire, set: { burns: true }, priority: urgent, notify: { text: "fire" } }
"#;

/// A rule whose action carries a text so many times.
fn large(name: &str, times: usize) -> String {
    let fields: String = (0..times).map(|n| format!("f{n}: data.text, ")).collect();
    format!("  - {{ name: {name}, on: {name}, set: {{ {name}: true }}, emit: {{ type: all, data: {{ {fields} }} }} }}\n")
}

const FOREVER: u32 = 1_000_000;

fn harness() -> Harness {
    Harness::with(rules(), |store| store)
}

fn rules() -> Rules {
    let yaml = [RULES, &large("fits", 15), &large("large", 16), &large("huge", 32)].concat();
    read_rules("rules.yaml", &yaml, &[]).unwrap_or_else(|report| panic!("{report}"))
}

fn event(id: &str, event_type: &'static str, text: &str) -> Sent {
    let id: &'static str = Box::leak(id.to_owned().into_boxed_str());
    Sent { id, event_type, order: "1", age_seconds: 0, data: json!({"who": "ann", "text": text}) }
}

fn said(n: usize, bytes: usize) -> Sent {
    event(&format!("e{n}"), "said", &format!("{n:06}{}", "x".repeat(bytes - 6)))
}

/// All receives of one message. Returns whether it was done.
async fn received(harness: &Harness, event: &Sent) -> bool {
    for receive in 1..=MAX_RECEIVES {
        if harness.handle(vec![event.message(receive)]).await.is_empty() {
            return true;
        }
    }
    false
}

/// The largest item there is, as JSON.
fn largest(harness: &Harness) -> usize {
    harness.store.items().values().map(|item| item.content.encode().len()).max().unwrap_or(0)
}

#[tokio::test]
async fn an_hour_without_the_actions_queue_loses_no_event_and_no_action() {
    for bytes in [300, 900, 4_000] {
        let harness = harness();
        harness.faults.fail(Call::Act, Fault::Refuse, FOREVER);
        let events: Vec<Sent> = (0..130).map(|n| said(n, bytes)).collect();
        for event in &events {
            assert!(
                !received(&harness, event).await,
                "{bytes}: nothing is sent, so its message stays: the dead-letter queue has it"
            );
            assert_eq!(harness.state(&format!("orders#{}", event.id)), Some(ClaimState::Processed));
        }
        assert_eq!(harness.fact("ann", "order/1", "n"), 130, "{bytes}: every event has its effect");
        assert!(largest(&harness) <= OUTBOX_PAGE_BYTES + MAX_ACTION_BYTES, "{bytes}: {}", largest(&harness));
        harness.clock.advance(Duration::from_secs(3_600));

        // The queue responds again. The next event's action is sent after all waiting ones.
        harness.faults.clear();
        assert_eq!(harness.handle(vec![event("f", "fire", "").message(1)]).await, [""; 0], "{bytes}");
        let texts: Vec<String> = harness.said("ann").iter().map(|text| text.chars().take(6).collect()).collect();
        let expected: Vec<String> = (0..130).map(|n| format!("{n:06}")).chain(["fire".to_owned()]).collect();
        assert_eq!(texts, expected, "{bytes}: each once, in order, the new one last");
        let sent = harness.outside.actions.sent().len();
        assert_eq!(sent, 131, "{bytes}: none was sent twice");
        // A redrive of the dead letters finds nothing left to do.
        for event in &events {
            assert_eq!(harness.handle(vec![event.message(1)]).await, [""; 0], "{bytes}");
        }
        assert_eq!(harness.outside.actions.sent().len(), sent, "{bytes}");
        assert!(
            harness.store.items().keys().all(|place| !matches!(place.key, ItemKey::OutboxPage(_))),
            "{bytes}: no page is left"
        );
    }
}

#[tokio::test]
async fn a_redrive_alone_sends_the_waiting_actions() {
    let harness = harness();
    harness.faults.fail(Call::Act, Fault::Refuse, FOREVER);
    for n in 0..100 {
        received(&harness, &said(n, 900)).await;
    }
    harness.faults.clear();
    assert_eq!(harness.handle(vec![said(42, 900).message(1)]).await, [""; 0], "any of them");
    assert_eq!(harness.said("ann").len(), 100);
}

#[tokio::test]
async fn an_outbox_sends_each_action_id_in_order_despite_a_crash_at_each_call() {
    for call in [Call::Act, Call::Rewrite, Call::Load, Call::Commit] {
        for fault in [Fault::Refuse, Fault::LoseAnswer] {
            for nth in [0, 1, 2, 5, 9] {
                let harness = harness();
                harness.faults.fail(Call::Act, Fault::Refuse, FOREVER);
                for n in 0..100 {
                    harness.handle(vec![said(n, 900).message(1)]).await;
                }
                harness.faults.clear();
                harness.faults.pass(call, nth);
                harness.faults.fail(call, fault, 1);
                assert!(received(&harness, &event("f", "fire", "")).await, "{call:?} {fault:?} {nth}");
                let texts: Vec<String> = harness.said("ann").iter().map(|text| text.chars().take(6).collect()).collect();
                let expected: Vec<String> = (0..100).map(|n| format!("{n:06}")).chain(["fire".to_owned()]).collect();
                assert_eq!(texts, expected, "{call:?} {fault:?} {nth}");
            }
        }
    }
}

#[tokio::test]
async fn a_full_outbox_withholds_new_actions_and_counts_them() {
    capture();
    let harness = harness();
    harness.faults.fail(Call::Act, Fault::Refuse, FOREVER);
    let (bytes, mut n) = (4_000, 0);
    while counted(Metric::HoldOverflow).is_empty() {
        harness.handle(vec![said(n, bytes).message(1)]).await;
        n += 1;
        assert!(n < MAX_OUTBOX_PAGES * 10, "it is bounded");
    }
    let last = harness.claim(&format!("orders#e{}", n - 1)).unwrap();
    assert_eq!((last.state, last.action_lines()), (ClaimState::Processed, vec!["said/notify withheld: no-room".to_owned()]));
    assert_eq!(harness.fact("ann", "order/1", "n"), n, "its effect is there all the same");
    harness.faults.clear();
    assert_eq!(harness.handle(vec![event("f", "fire", "").message(1)]).await, [""; 0]);
    let texts = harness.said("ann");
    assert_eq!(
        (texts.len(), texts.last().map(String::as_str)),
        (n, Some("fire")),
        "all but the withheld one, and the urgent one"
    );
}

#[tokio::test]
async fn a_too_large_action_is_withheld_and_its_event_is_processed() {
    capture();
    let harness = harness();
    for (rule, became) in [("fits", "queued"), ("large", "withheld: too-large"), ("huge", "withheld: too-large")] {
        assert_eq!(harness.handle(vec![event(rule, rule, &"x".repeat(4_000)).message(1)]).await, [""; 0], "{rule}");
        assert_eq!(harness.claim(&format!("orders#{rule}")).unwrap().action_lines(), [format!("{rule}/emit {became}")]);
        assert_eq!(harness.fact("ann", "order/1", rule), true);
    }
    assert_eq!(counted(Metric::HoldOverflow).len(), 2);
    // A text that became too long with its values is cut.
    assert_eq!(harness.handle(vec![event("long", "twice", &"x".repeat(3_000)).message(1)]).await, [""; 0]);
    assert_eq!(harness.claim("orders#long").unwrap().action_lines(), ["twice/notify queued"]);
    assert!(harness.said("ann").last().is_some_and(|said| said.ends_with('…')));
    assert_eq!(harness.fact("ann", "order/1", "n"), 1);
}

#[tokio::test]
async fn two_processors_empty_the_pages_of_one_outbox_in_order() {
    use crate::stores::Yielding;
    use crate::support::{AMPLE, another, handle};
    use futures::future::join_all;
    use std::sync::Arc;
    for seed in 0..20 {
        let harness = harness();
        harness.faults.fail(Call::Act, Fault::Refuse, FOREVER);
        for n in 0..80 {
            harness.handle(vec![said(n, 1_500).message(1)]).await;
        }
        let pages = |content: &Content| matches!(content, Content::OutboxPage(_));
        assert!(harness.store.items().values().filter(|item| pages(&item.content)).count() > 2);
        harness.faults.clear();
        let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
        let processors = [(); 3].map(|()| another(rules(), Arc::clone(&store), &harness.clock, &harness.outside));
        let events = [said(80, 1_500), said(81, 1_500), said(3, 1_500)];
        let work = processors.iter().zip(&events).map(|(processor, event)| handle(processor, vec![event.message(1)], AMPLE));
        assert_eq!(join_all(work).await.concat(), [""; 0], "seed {seed}");
        let texts = harness.said("ann");
        assert_eq!(texts.len(), 82, "seed {seed}");
        assert!(texts[..80].is_sorted(), "seed {seed}");
    }
}
