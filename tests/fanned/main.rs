//! One event for nine: three endpoints, two sinks, two channels, and a feed with two viewers. Each of them fails in turn. The
//! others get what they get without the failure; the one that failed gets it after its recovery, and nothing twice.

mod internet;
mod world;

use internet::Failure;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{NINE, World};

/// The failure's length. A schedule's first attempts are within it, and the next one is within [`AFTER`].
const OUTAGE: Duration = Duration::from_secs(1_800);
const AFTER: Duration = Duration::from_secs(3 * 3_600);

/// What each of the nine has, by ids.
type Had = BTreeMap<&'static str, Vec<String>>;

/// The event is published; what each has at the end of the outage, and in the end.
async fn told(failing: Option<(&'static str, Failure)>) -> (Had, Had) {
    let world = World::new();
    if let Some((who, failure)) = failing {
        world.fail(who, failure);
    }
    world.event("e1").await;
    world.pass(OUTAGE).await;
    let meanwhile = world.had();
    world.recover().await;
    world.pass(AFTER).await;
    (meanwhile, world.had())
}

#[tokio::test(start_paused = true)]
async fn whoever_of_nine_fails_nobody_else_notices_and_nothing_is_lost_or_said_twice() {
    let (expected, later) = told(None).await;
    assert_eq!(expected, later, "without a failure nothing comes late");
    assert_eq!(expected.keys().copied().collect::<BTreeSet<_>>(), NINE.into_iter().collect(), "each of the nine has something");
    for who in NINE {
        for failure in [Failure::Down, Failure::Slow, Failure::Status500] {
            let (meanwhile, after) = told(Some((who, failure))).await;
            for other in NINE.into_iter().filter(|other| *other != who) {
                // The two channels are told in one conversation, whose order is a promise: the second waits for the first.
                let waits = (who, other) == ("telegram", "line");
                if !waits {
                    assert_eq!(meanwhile.get(other), expected.get(other), "{who} is {failure:?}: {other} noticed");
                }
            }
            assert_ne!(meanwhile.get(who), expected.get(who), "{who} is {failure:?}, and it has everything: it didn't fail");
            assert_eq!(after, expected, "{who} was {failure:?}: each has all, once");
        }
    }
}

/// What one conversation waits for is another's no matter.
#[tokio::test(start_paused = true)]
async fn a_channel_that_fails_holds_up_no_other_conversation() {
    for failure in [Failure::Down, Failure::Slow, Failure::Status500] {
        let world = World::new();
        world.fail("telegram", failure);
        world.event("e1").await;
        world.event_of("e2", "web:ann").await;
        world.pass(OUTAGE).await;
        let said = world.had().remove("line").unwrap_or_default();
        assert!(said.contains(&"line e2".to_owned()), "{failure:?}: {said:?}");
    }
}

/// The published event and each delivery of it come twice.
#[tokio::test(start_paused = true)]
async fn copies_of_the_event_and_of_what_was_published_tell_nobody_twice() {
    let (expected, _) = told(None).await;
    let world = World::new();
    world.event("e1").await;
    world.event("e1").await;
    world.publish_again().await;
    world.pass(OUTAGE).await;
    world.event("e1").await;
    world.pass(AFTER).await;
    assert_eq!(world.had(), expected);
}
