//! An erasure with an interruption at any call ends the same after a restart, and finds items that are written
//! meanwhile.

use crate::interfering::Interfering;
use crate::world::{ANN, World, of};
use std::collections::BTreeSet;
use std::sync::Arc;
use tidings_cli::limits::MAX_ERASE_LOOKS;
use tidings_cli::stack::NotErased;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_interrupted_at_any_call_ends_the_same_after_a_restart() {
    let world = World::new().await;
    world.lived_briefly(ANN, "1").await;
    let before = world.rows().await;
    let counted = Interfering::new(|_| Ok(()));
    world.erase_by(counted.client(&world.cloud.dynamodb), ANN).await.unwrap();
    let (straight, calls) = (world.rows().await, counted.calls());
    assert!(calls > 30, "{calls} calls");
    for call in 0..calls {
        world.restore(&before).await;
        let dies = Interfering::new(move |n| if n < call { Ok(()) } else { Err("died".into()) });
        let died = world.erase_by(dies.client(&world.cloud.dynamodb), ANN).await;
        assert!(matches!(died, Err(NotErased::Unavailable(_))), "call {call}: {died:?}");
        world.erase(ANN).await;
        assert!(world.rows().await == straight, "call {call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_before_the_last_pass_is_erased_with_the_rest() {
    let world = Arc::new(World::new().await);
    world.lived_briefly(ANN, "1").await;
    let before = world.rows().await;
    let counted = Interfering::new(|_| Ok(()));
    world.erase_by(counted.client(&world.cloud.dynamodb), ANN).await.unwrap();
    let looks = Interfering::new(|_| Ok(()));
    world.erase_by(looks.client(&world.cloud.dynamodb), ANN).await.unwrap();
    let last_look = counted.calls() - looks.calls();
    for call in 0..last_look {
        world.restore(&before).await;
        // One event for the conversation, one for its identity.
        let event_type = ["order.likes", "payment.made"][call % 2];
        let (at, id) = (Arc::clone(&world), format!("at-{call}"));
        let meddles = Interfering::new(move |n| {
            if n == call {
                block_in_place(|| Handle::current().block_on(at.event(&id, event_type, ANN)));
            }
            Ok(())
        });
        world.erase_by(meddles.client(&world.cloud.dynamodb), ANN).await.unwrap();
        assert_eq!(of(&world.rows().await, ANN), BTreeSet::new(), "{event_type} at call {call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_of_a_busy_conversation_stops_with_an_error() {
    for (events, rests) in [(MAX_ERASE_LOOKS - 1, true), (MAX_ERASE_LOOKS, false)] {
        let world = Arc::new(World::new().await);
        // Each pass but the last finds the one event since the previous pass.
        world.event("restless-0", "order.likes", ANN).await;
        let at = Arc::clone(&world);
        let meddles = Interfering::new(move |n| {
            let (look, call) = (n / CALLS_A_LOOK, n % CALLS_A_LOOK);
            if call == CALLS_A_LOOK - 1 && look + 1 < events as usize {
                block_in_place(|| Handle::current().block_on(at.event(&format!("restless-{n}"), "order.likes", ANN)));
            }
            Ok(())
        });
        match world.erase_without_ways_out_by(meddles.client(&world.cloud.dynamodb), ANN).await {
            Ok(erasure) => assert_eq!((rests, erasure.looks, erasure.counts.claims), (true, MAX_ERASE_LOOKS, events as usize)),
            Err(why) => assert!(!rests && matches!(why, NotErased::Restless), "{why}"),
        }
    }
}

/// A pass reads the partition, the timeline, the join and the timers, deletes a timer and three items, and reduces a claim
/// to its key.
const CALLS_A_LOOK: usize = 9;
