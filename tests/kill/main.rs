//! Two receivers and two processors, the programs that are deployed, under Lambda's runtime API and on the embedded cloud. They
//! are killed (`kill -9`) at random times, at their calls of AWS before and after the effect, and while they start. Then it is
//! counted: what was acknowledged took effect once, and nothing was said twice or out of order.
//!
//! `KILLS=1000 cargo test --workspace --test kill -- --nocapture` prints the counts of a longer run.

mod function;
mod world;

use std::io::Write;
use world::World;

/// In a run of all tests.
const KILLS: u64 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_takes_effect_once_however_often_the_functions_are_killed() {
    let kills = std::env::var("KILLS").map_or(KILLS, |number| number.parse().expect("KILLS is a number"));
    let world = World::new(kills).await;
    tokio::join!(world.deliver(1), world.deliver(2), world.process(), world.process());
    let counts = world.audit().await;
    let shown = serde_json::to_string_pretty(&counts).expect("JSON");
    writeln!(std::io::stdout(), "{shown}").expect("standard output");
    assert!(counts.lost.is_empty() && counts.doubled.is_empty(), "{shown}\nlogs: {}", world.folder().display());
    assert!(counts.kills >= kills && counts.acknowledged > 0 && counts.processed >= counts.acknowledged, "{shown}");
    assert_eq!((counts.effects, counts.actions), (counts.processed, counts.processed), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_finds_an_event_that_was_lost_and_one_that_took_effect_twice() {
    let world = World::new(0).await;
    world.break_promises().await;
    let counts = world.audit().await;
    assert_eq!(counts.lost.len(), 1, "{counts:?}");
    assert!(counts.lost[0].contains("was acknowledged"), "{counts:?}");
    assert!(counts.doubled.iter().any(|what| what.contains("there are 2 effects")), "{counts:?}");
}
