//! Unfinished records are returned to the queue before the timeout. Uses tokio's paused clock, so no test waits.

use crate::stores::Slow;
use crate::support::{Harness, MAX_RECEIVES, moved, rules};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::BATCH_RESERVE;
use tidings_core::claim::{ClaimState, Outcome};
use tokio::time::Instant;

const ZERO: Duration = Duration::ZERO;
const DONE: [&str; 0] = [];

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_record_is_returned_before_the_timeout() {
    let harness = Harness::with(rules(), |inner| Arc::new(Slow::new(inner, seconds(60), ZERO)));
    let batch = [moved("e1", "ann", "a", 3), moved("e2", "ann", "b", 2), moved("e3", "bob", "c", 1)];
    let started = Instant::now();
    let failed = harness.handle_within(batch.iter().map(|e| e.message(1)).collect(), seconds(10)).await;
    assert_eq!(failed, ["m-e1", "m-e2", "m-e3"]);
    assert_eq!(started.elapsed(), seconds(10) - BATCH_RESERVE);
    assert_eq!(harness.store.claims().len(), 0);

    let later = harness.handle_within(batch.iter().map(|e| e.message(2)).collect(), seconds(600)).await;
    assert_eq!(later, DONE, "nothing is lost");
    assert_eq!((harness.fact("ann", "order/1", "status"), harness.store.claims().len()), ("b".into(), 3));
}

#[tokio::test(start_paused = true)]
async fn a_record_done_before_the_deadline_stays_done() {
    let harness = Harness::with(rules(), |inner| Arc::new(Slow { conversation: "ann", ..Slow::new(inner, seconds(2), ZERO) }));
    // Two calls of two seconds each: one event of ann's in time, the next not.
    let batch = [moved("e1", "ann", "a", 3), moved("e2", "ann", "b", 2), moved("e3", "bob", "c", 1)];
    let failed = harness.handle_within(batch.iter().map(|e| e.message(1)).collect(), seconds(5) + BATCH_RESERVE).await;
    assert_eq!(failed, ["m-e2"]);
    assert_eq!((harness.fact("ann", "order/1", "status"), harness.fact("bob", "order/1", "status")), ("a".into(), "c".into()));
}

#[tokio::test(start_paused = true)]
async fn an_effect_with_a_late_response_is_one_effect() {
    let harness = Harness::with(rules(), |inner| Arc::new(Slow::new(inner, ZERO, seconds(60))));
    let event = moved("e1", "ann", "packed", 0);
    assert_eq!(harness.handle_within(vec![event.message(1)], seconds(10)).await, ["m-e1"]);
    let before = harness.store.context("ann");
    assert_eq!(harness.state("orders#e1"), Some(ClaimState::Processed), "it is done, and nobody heard of it");
    assert_eq!(harness.handle_within(vec![event.message(2)], seconds(600)).await, DONE);
    assert_eq!((harness.store.context("ann"), harness.claim("orders#e1").unwrap().outcome), (before, Some(Outcome::Applied)));
}

#[tokio::test(start_paused = true)]
async fn on_the_last_receive_the_reason_is_the_deadline() {
    let harness = Harness::with(rules(), |inner| Arc::new(Slow::new(inner, seconds(60), ZERO)));
    assert_eq!(harness.handle_within(vec![moved("e1", "ann", "a", 0).message(MAX_RECEIVES)], seconds(10)).await, ["m-e1"]);
    assert_eq!(harness.claim("orders#e1").unwrap().reason.as_deref(), Some("the time of the batch ran out"));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_hangs_while_reasons_are_recorded_does_not_fail_the_batch() {
    let harness = Harness::with(rules(), |inner| {
        Arc::new(Slow { conversation: "ann", dead_letter: seconds(60), ..Slow::new(inner, seconds(60), ZERO) })
    });
    let batch = [moved("e1", "ann", "a", 3), moved("e2", "ann", "b", 2), moved("e3", "bob", "c", 1)];
    let started = Instant::now();
    let failed = harness.handle_within(batch.iter().map(|e| e.message(MAX_RECEIVES)).collect(), seconds(10)).await;
    assert!(started.elapsed() < seconds(10), "the function would be dead by now: {:?}", started.elapsed());
    assert_eq!(failed, ["m-e1", "m-e2"]);
    assert_eq!(harness.state("orders#e3"), Some(ClaimState::Processed));
}

#[tokio::test(start_paused = true)]
async fn less_time_than_the_reserve_returns_every_unfinished_record() {
    for left in [ZERO, Duration::from_millis(1), BATCH_RESERVE] {
        let harness = Harness::with(rules(), |inner| Arc::new(Slow::new(inner, seconds(1), ZERO)));
        let failed = harness.handle_within(vec![moved("e1", "ann", "a", 0).message(1)], left).await;
        assert_eq!((failed, harness.store.claims().len()), (vec!["m-e1".to_owned()], 0), "{left:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn conversations_run_concurrently_and_the_events_of_one_in_order() {
    let slow = Arc::new(std::sync::OnceLock::new());
    let kept = Arc::clone(&slow);
    let harness = Harness::with(rules(), move |inner| {
        let store = Arc::new(Slow::new(inner, seconds(1), ZERO));
        kept.set(Arc::clone(&store)).expect("once");
        store
    });
    let batch = [moved("e1", "ann", "a", 3), moved("e2", "bob", "b", 2), moved("e3", "ann", "c", 1)];
    let started = Instant::now();
    assert_eq!(harness.handle(batch.iter().map(|e| e.message(1)).collect()).await, DONE);
    // Four calls of a second in ann's conversation; bob's two are in the same time.
    assert_eq!(started.elapsed(), seconds(4));
    let calls = slow.get().unwrap().calls.lock().unwrap().clone();
    assert_eq!(calls[..2], ["load ann", "load bob"], "both begin at once");
    let ann: Vec<_> = calls.iter().filter(|call| call.ends_with("ann")).collect();
    assert_eq!(ann, ["load ann", "commit ann", "load ann", "commit ann"]);
}
