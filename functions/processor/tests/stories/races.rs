//! Several processors at one conversation. Seeded: a failure names its seed.

use crate::stores::Yielding;
use crate::support::{AMPLE, Harness, MAX_RECEIVES, Sent, another, handle, moved, paid, rules};
use futures::future::join_all;
use serde_json::json;
use std::sync::Arc;
use tidings_core::claim::ClaimState;
use tidings_core::config::files::read_rules;

#[tokio::test]
async fn two_processors_at_one_item_lose_no_update() {
    let mut moved_away = 0;
    for seed in 0..300 {
        let harness = Harness::new();
        let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
        let [one, other] = [(); 2].map(|()| another(rules(), Arc::clone(&store), &harness.clock, &harness.outside));
        let batches = [
            handle(&one, vec![moved("e1", "ann", "packed", 9).message(1), paid("e2", "ann", 100).message(1)], AMPLE),
            handle(&other, vec![paid("e3", "ann", 200).message(1), moved("e4", "ann", "shipped", 5).message(1)], AMPLE),
        ];
        let failed: Vec<String> = join_all(batches).await.concat();
        assert_eq!(failed, [""; 0], "seed {seed}");
        assert_eq!(harness.fact("ann", "order/1", "status"), "shipped", "seed {seed}");
        // Of one time, so the later claim key wins, whoever came first.
        assert_eq!(harness.fact("ann", "order/1", "cents"), 200, "seed {seed}");
        assert_eq!(harness.store.timeline("ann").len(), 4, "seed {seed}");
        moved_away += *store.moved.lock().unwrap();
    }
    assert!(moved_away > 100, "they did get in each other's way: {moved_away}");
}

#[tokio::test]
async fn one_event_in_two_processors_has_one_effect() {
    for seed in 0..100 {
        let harness = Harness::new();
        let store = Arc::new(Yielding::new(Arc::clone(&harness.store), seed));
        let processors = [(); 4].map(|()| another(rules(), Arc::clone(&store), &harness.clock, &harness.outside));
        let event = moved("e1", "ann", "packed", 0);
        let failed = join_all(processors.iter().map(|p| handle(p, vec![event.message(1)], AMPLE))).await.concat();
        assert_eq!(failed, [""; 0], "seed {seed}");
        let version = harness.store.timeline("ann").len();
        assert_eq!((version, harness.fact("ann", "order/1", "status")), (1, json!("packed")), "seed {seed}");
    }
}

/// Events of twenty types, each of which sets a fact of its own in one and the same item.
#[tokio::test]
async fn whoever_is_too_slow_too_often_gives_its_event_back_and_loses_nothing() {
    const TYPES: [&str; 20] =
        ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9"];
    let rule = |name: &str| format!("  - {{ name: {name}, on: {name}, set: {{ {name}: data.status }} }}\n");
    let conversations = "conversations: [{ on: \"*\", conversation: data.who }]";
    let yaml = format!("version: 1\n{conversations}\nrules:\n{}", TYPES.map(rule).concat());
    let rules = read_rules("rules.yaml", &yaml, &[]).unwrap();

    let harness = Harness::new();
    let store = Arc::new(Yielding::new(Arc::clone(&harness.store), 7));
    let processors = TYPES.map(|_| another(rules.clone(), Arc::clone(&store), &harness.clock, &harness.outside));
    let mut left = TYPES.map(|name| Sent { event_type: name, ..moved(name, "ann", name, 0) }).to_vec();
    let mut receives = 0;
    while !left.is_empty() {
        receives += 1;
        assert!(receives < MAX_RECEIVES, "left on the last receive: {left:?}");
        let work = left.iter().zip(&processors).map(|(event, p)| handle(p, vec![event.message(receives)], AMPLE));
        let failed = join_all(work).await.concat();
        left.retain(|event| failed.contains(&format!("m-{}", event.id)));
    }
    assert!(receives > 1, "it was crowded");
    let facts = &harness.store.context("ann").entities["order/1"];
    for name in TYPES {
        assert_eq!(facts[name].value, name, "of {facts:?}");
    }
    assert!(harness.store.timeline("ann").iter().all(|claim| claim.state == ClaimState::Processed));
}
