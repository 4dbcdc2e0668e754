//! `infra/cost/counted.json` is what the code takes. A change of it is a change of every bill: look at the difference.

use crate::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use tidings_cli::cost::{Counted, Counts, Series, Taken};
use tidings_cli::dev::cloud::{CLAIMS_TABLE, CONTEXT_TABLE};
use tidings_tests::golden::{check, root};

/// Events before those that are counted, so that clients are connected, tables are warm and the entity exists.
const WARM: u64 = 3;

/// The customer of all events but those of a batch.
const CUSTOMER: u64 = 7;

/// What the receiver and the processor take for one event of this type.
async fn of_event(world: &mut World, event_type: &str) -> [Taken; 2] {
    for _ in 0..WARM {
        let warm = world.event(event_type, CUSTOMER);
        assert_eq!(world.deliver(&warm).await, 202);
        world.process(1).await;
    }
    world.taken();
    let event = world.event(event_type, CUSTOMER);
    assert_eq!(world.deliver(&event).await, 202);
    let receiver = world.taken();
    world.process(1).await;
    [receiver, world.taken()]
}

/// The custom metrics of normal traffic: new events, a duplicate, a notification.
async fn series(source_metrics: bool) -> std::collections::BTreeSet<(String, Vec<String>)> {
    let mut world = World::new(source_metrics, false).await;
    for event_type in ["order.priced", "order.shipped"] {
        let event = world.event(event_type, CUSTOMER);
        assert_eq!(world.deliver(&event).await, 202);
        world.process(1).await;
        assert_eq!(world.deliver(&event).await, 200);
    }
    world.series()
}

/// A peer of tests/bench writes items of less than 1 KB, one with each call.
fn of_peer(function: &str, case: &str) -> Taken {
    let text = std::fs::read_to_string(root().join("tests/bench/calls.json")).expect("calls.json");
    let all: BTreeMap<String, BTreeMap<String, BTreeMap<String, u64>>> = serde_json::from_str(&text).expect("JSON");
    let calls = all[&format!("Python ({function})")][case].clone();
    let writes: u64 = calls.iter().filter(|(name, _)| name.starts_with("dynamodb:")).map(|(_, calls)| calls).sum();
    Taken { calls, write_units: writes as f64, ..Taken::default() }
}

#[tokio::test]
async fn counted_json_is_what_the_code_takes() {
    let mut world = World::new(false, false).await;
    let [accepted, processed] = of_event(&mut world, "order.priced").await;
    let (claim_bytes, entity_bytes) =
        (world.item_bytes(CLAIMS_TABLE, "conversation").await, world.item_bytes(CONTEXT_TABLE, "facts").await);
    let [_, processed_with_action] = of_event(&mut world, "order.shipped").await;

    let known = world.event("order.priced", CUSTOMER);
    world.deliver(&known).await;
    world.process(1).await;
    world.taken();
    assert_eq!(world.deliver(&known).await, 200);
    let duplicate = world.taken();

    let forged = world.forged();
    // The first refusals of a minute have lines, those of a flood don't.
    for _ in 0..30 {
        assert_eq!(world.deliver(&forged).await, 401);
    }
    world.taken();
    assert_eq!(world.deliver(&forged).await, 401);
    let forged = world.taken();

    for customer in 0..10 {
        let event = world.event("order.priced", customer);
        assert_eq!(world.deliver(&event).await, 202);
    }
    world.taken();
    world.process(10).await;
    let batch = world.taken();
    let processed_in_batch_of_ten =
        Taken { line_bytes: batch.line_bytes / 10, metric_bytes: batch.metric_bytes / 10, ..Taken::default() };

    // A world at a time: another one would wait for a test that runs alone.
    drop(world);
    let mut storing = World::new(false, true).await;
    let [_, processed_stored] = of_event(&mut storing, "order.priced").await;
    let stored_event_bytes = storing.item_bytes(CLAIMS_TABLE, "conversation").await - claim_bytes;

    drop(storing);
    let (without, with) = (series(false).await, series(true).await);
    let of_a_source = without.iter().filter(|(_, dimensions)| dimensions.iter().any(|one| one == "source")).count();
    let counted = Counted {
        accepted,
        duplicate,
        forged,
        processed,
        processed_with_action,
        processed_in_batch_of_ten,
        processed_stored,
        stored_event_bytes,
        claim_bytes,
        entity_bytes,
        series: Series {
            // Both functions report their start, which no event here does.
            over_all: (without.len() - of_a_source) as u64 + 2,
            of_a_source: of_a_source as u64,
            of_a_source_with_source_metrics: (with.len() - without.len()) as u64,
        },
        python_accepted: of_peer("receiver", "accepted"),
        python_processed: of_peer("processor", "batch-of-1"),
    };
    // Ids and times differ in length by a few bytes from run to run: those of the file stay, so that the pages do.
    let shipped = Counts::shipped().expect("counts").counted;
    let steady = if alike(&counted, &shipped) { &shipped } else { &counted };
    check("infra/cost/counted.json", &(serde_json::to_string_pretty(steady).expect("JSON") + "\n"));
}

/// Bytes by which lines differ from run to run: milliseconds have more digits on a busy machine.
const DIGITS: f64 = 24.0;

/// Whether all counts are equal, and all bytes within 2 % and these digits.
fn alike(one: &Counted, other: &Counted) -> bool {
    fn same(name: &str, one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Object(one), Value::Object(other)) => {
                one.len() == other.len()
                    && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(name, value, other)))
            }
            _ if name.ends_with("_bytes") => {
                let (one, other) = (one.as_f64().unwrap_or(-1.0), other.as_f64().unwrap_or(-2.0));
                (one - other).abs() <= DIGITS + 0.02 * other.max(one)
            }
            _ => one == other,
        }
    }
    let json = |counted: &Counted| serde_json::to_value(counted).expect("JSON");
    same("", &json(one), &json(other))
}

/// What tests/bench counts on its own AWS, for each of the cases that both have.
#[test]
fn counted_calls_are_those_of_the_benchmark() {
    let text = std::fs::read_to_string(root().join("tests/bench/calls.json")).expect("calls.json");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    let counted = Counts::shipped().expect("counts").counted;
    for (function, case, taken) in [
        ("receiver (receiver)", "accepted", &counted.accepted),
        ("receiver (receiver)", "duplicate", &counted.duplicate),
        ("receiver (receiver)", "forged", &counted.forged),
        ("processor (processor)", "batch-of-1", &counted.processed),
        ("processor (processor)", "batch-of-1-actions", &counted.processed_with_action),
    ] {
        let expected: BTreeMap<String, u64> = serde_json::from_value(all[function][case].clone()).expect("calls");
        let seen = taken.calls.iter().map(|(name, calls)| (name.replace("sqs-fifo:", "sqs:"), *calls)).collect();
        assert_eq!(expected, seen, "{function}, {case}: which of the two is stale?");
    }
}
