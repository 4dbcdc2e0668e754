//! Several processors at one conversation. Seeded: a failure names its seed.

use crate::stores::Yielding;
use crate::support::{AMPLE, Harness, MAX_RECEIVES, another, handle, moved, paid, rules};
use futures::future::join_all;
use serde_json::json;
use std::sync::Arc;
use tidings_config::limits::{CONFLICT_RETRIES, CONTENDED_PAUSE};
use tidings_core::claim::ClaimState;
use tidings_core::memory::{Call, Fault};
use tidings_project::read_rules;

#[tokio::test]
async fn two_processors_on_one_item_lose_no_update() {
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

/// Twenty processors at one conversation, sixty events each in batches of ten.
#[tokio::test(start_paused = true)]
async fn contention_dead_letters_nothing_and_loses_no_update() {
    const PROCESSORS: usize = 20;
    const EVENTS: usize = 60;
    let yaml =
        "version: 1\nconversations: [{ on: '*', conversation: data.who }]\nrules: [{ name: n, on: '*', count: { n: 1 } }]\n";
    let rules = read_rules("rules.yaml", yaml, &[]).unwrap();
    let harness = Harness::new();
    let store = Arc::new(Yielding::new(Arc::clone(&harness.store), 7));
    let crowd = (0..PROCESSORS).map(|p| {
        let processor = another(rules.clone(), Arc::clone(&store), &harness.clock, &harness.outside);
        let ids = (0..EVENTS).map(move |n| Box::leak(format!("e{p}-{n}").into_boxed_str()) as &'static str);
        async move {
            let mut left: Vec<_> = ids.map(|id| (moved(id, "ann", "packed", 0), 1)).collect();
            while !left.is_empty() {
                let (batch, rest) = left.split_at(left.len().min(10));
                let messages = batch.iter().map(|(event, receives)| event.message(*receives)).collect();
                let failed = handle(&processor, messages, AMPLE).await;
                let again = batch.iter().filter(|(event, _)| failed.contains(&format!("m-{}", event.id)));
                let again: Vec<_> = again.map(|(event, receives)| (event.clone(), receives + 1)).collect();
                assert!(again.iter().all(|(_, receives)| *receives <= MAX_RECEIVES), "dead of contention: {again:?}");
                left = again.into_iter().chain(rest.iter().cloned()).collect();
            }
        }
    });
    join_all(crowd).await;
    harness.settle().await;
    let moved = *store.moved.lock().unwrap();
    assert!(moved > 20, "it was crowded: {moved}");
    assert_eq!(harness.fact("ann", "order/1", "n"), PROCESSORS * EVENTS);
}

#[tokio::test(start_paused = true)]
async fn an_event_contended_on_its_last_receive_is_requeued() {
    let harness = Harness::new();
    harness.faults.fail(Call::Commit, Fault::Conflict, CONFLICT_RETRIES + 1);
    let event = moved("e1", "ann", "packed", 0);
    assert_eq!(harness.handle(vec![event.message(MAX_RECEIVES)]).await, [""; 0], "its copy is in the queue, and so it may go");
    assert_eq!((harness.state("orders#e1"), harness.outside.waiting()), (None, 1));
    harness.pass(CONTENDED_PAUSE).await;
    assert_eq!(harness.state("orders#e1"), Some(ClaimState::Processed));

    // Without an answer from the queue there is no copy: the dead-letter queue has it, with the reason.
    harness.faults.fail(Call::Commit, Fault::Conflict, CONFLICT_RETRIES + 1);
    harness.faults.fail(Call::SetTimer, Fault::Refuse, 1);
    assert_eq!(harness.handle(vec![moved("e2", "ann", "packed", 0).message(MAX_RECEIVES)]).await, ["m-e2"]);
    assert_eq!(harness.state("orders#e2"), Some(ClaimState::Dead));
}
