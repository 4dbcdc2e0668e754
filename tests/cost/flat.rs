//! An event takes as much after a million events as it did before the first: of its own conversation, and of all.

use crate::world::World;
use tidings_cli::cost::Taken;

/// Bytes of ids and times that are longer with more events.
const LONGER: u64 = 64;

/// Calls, units and bytes of the next event, of the conversation that all events are of or of a new one.
async fn next(world: &mut World, customer: u64) -> (Taken, u64) {
    world.taken();
    let event = world.event("order.priced", customer);
    assert_eq!(world.deliver(&event).await, 202);
    world.process(1).await;
    world.taken_with_requests()
}

async fn is_flat(events: u64) {
    let mut world = World::new(false, false).await;
    // The first two make the entity's item and the tables' connections.
    next(&mut world, 0).await;
    next(&mut world, 1).await;
    let (mut first, mut first_bytes) = next(&mut world, 0).await;
    let mut at = 10;
    for n in 1..=events {
        let (taken, bytes) = next(&mut world, if n % 2 == 0 { 0 } else { n }).await;
        if n < at {
            continue;
        }
        at *= 10;
        // An even number: the conversation of half of all events.
        assert_eq!((&taken.calls, taken.read_units), (&first.calls, first.read_units), "after {n} events");
        assert!((taken.write_units - first.write_units).abs() < 1e-9, "after {n} events: {taken:?}, not {first:?}");
        assert!(bytes.abs_diff(first_bytes) <= LONGER, "after {n} events: {bytes} bytes of requests, not {first_bytes}");
        let lines = taken.line_bytes + taken.metric_bytes;
        assert!(lines.abs_diff(first.line_bytes + first.metric_bytes) <= LONGER, "after {n} events: {taken:?}, not {first:?}");
        (first, first_bytes) = (taken, bytes);
    }
}

#[tokio::test]
async fn an_event_takes_the_same_after_a_hundred_events_as_after_ten() {
    is_flat(100).await;
}

/// `EVENTS=10000 cargo test --workspace --locked --test cost -- --ignored` takes minutes; docs/performance.md has what was run.
#[tokio::test]
#[ignore = "takes minutes"]
async fn an_event_takes_the_same_after_as_many_events_as_are_asked_for() {
    let events = std::env::var("EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    is_flat(events).await;
}
