//! A sender dies at each call, on each side of its effect. With a key each action is said once; without one it is said once,
//! or it is uncertain and in the dead-letter queue.

use crate::world::{World, notify};
use futures::FutureExt;
use std::collections::BTreeSet;
use std::time::Duration;
use tidings_config::limits::SENDING_LEASE;
use tidings_core::memory::{Call, Fault, Side};
use tidings_core::send::SendState;

/// Runs a batch, in which the sender may die. Returns whether it did.
async fn batch(world: &World) -> bool {
    let event = world.queue.receive(10);
    let mut handled = Box::pin(world.sender.handle(event.clone(), tidings_config::limits::SENDER_TIMEOUT));
    // Everything in memory is ready after a few turns, unless it died.
    for _ in 0..2_000 {
        if let Some(response) = handled.as_mut().now_or_never() {
            world.queue.settle(&event, &response);
            return false;
        }
        tokio::task::yield_now().await;
    }
    true
}

async fn dies_at_every_call(channel: &str, prepare: impl Fn(&World)) -> (u32, BTreeSet<(usize, bool)>) {
    let mut ends = BTreeSet::new();
    for side in [Side::Before, Side::After] {
        for call in 0.. {
            let mut world = World::new();
            prepare(&world);
            for n in 1..=3 {
                world.put(&notify(&format!("a{n}"), &format!("{channel}:1"), &format!("text {n}")));
            }
            world.life.ends_at(call, side);
            let mut has_died = false;
            while !has_died && !world.queue.messages().is_empty() {
                let visible = world.queue.first_visible().unwrap();
                world.clock.set(visible.max(world.clock_now()));
                has_died = batch(&world).await;
            }
            if world.life.goes_on() {
                assert!(!has_died);
                assert!(call > 3, "there are calls");
                return (call, ends);
            }
            world.restart();
            world.settle().await;
            let (texts, dead) = (world.provider.texts(), world.dead());
            for n in 1..=3 {
                let text = format!("text {n}");
                let said = texts.iter().filter(|said| **said == text).count();
                let state = world.state(&format!("a{n}")).unwrap();
                let at = format!("{channel}: dies {side:?} call {call}: {texts:?} {dead:?}");
                assert!(said <= 1, "said twice, {at}");
                match state {
                    SendState::Sent => assert_eq!(said, 1, "{at}"),
                    SendState::Uncertain => assert!(!dead.is_empty(), "{at}"),
                    SendState::Sending | SendState::Waiting | SendState::Refused => panic!("{state}: {at}"),
                }
                ends.insert((said, state == SendState::Sent));
            }
            assert!(texts.is_sorted(), "in order: {texts:?}");
        }
    }
    unreachable!("both sides end")
}

impl World {
    fn clock_now(&self) -> tidings_config::time::Timestamp {
        use tidings_config::time::Clock as _;
        self.clock.now()
    }
}

#[tokio::test]
async fn with_a_key_an_action_is_said_once_wherever_the_sender_dies() {
    let (_, ends) = dies_at_every_call("line", |_| ()).await;
    assert_eq!(ends, BTreeSet::from([(1, true)]));
}

#[tokio::test]
async fn without_a_key_an_action_is_said_once_or_uncertain_wherever_the_sender_dies() {
    let (_, ends) = dies_at_every_call("telegram", |_| ()).await;
    assert!(ends.contains(&(1, true)) && ends.contains(&(1, false)) && ends.contains(&(0, false)), "{ends:?}");
}

#[tokio::test]
async fn a_death_after_faults_changes_nothing_of_that() {
    for channel in ["line", "telegram"] {
        dies_at_every_call(channel, |world| world.faults.fail(Call::Call, Fault::Refuse, 2)).await;
        dies_at_every_call(channel, |world| world.faults.fail(Call::PutSend, Fault::LoseAnswer, 1)).await;
    }
}

#[tokio::test]
async fn two_senders_of_one_action_say_it_once() {
    for channel in ["line", "telegram"] {
        let world = World::new();
        let other = world.another();
        let action = notify("a", &format!("{channel}:1"), "one");
        world.put(&action);
        let first = world.queue.receive(1);
        // As if the visibility timeout had ended while the first still works.
        let again = tidings_core::memory::sqs_event(first.records.clone());
        let both = futures::future::join(
            world.sender.handle(first.clone(), tidings_config::limits::SENDER_TIMEOUT),
            other.handle(again, tidings_config::limits::SENDER_TIMEOUT),
        );
        let (one, two) = both.await;
        let kept = one.batch_item_failures.len() + two.batch_item_failures.len();
        assert_eq!((world.provider.texts(), kept), (vec!["one".to_owned()], 1), "{channel}: the later one waits");
        world.clock.advance(SENDING_LEASE + Duration::from_secs(120));
        world.settle().await;
        assert_eq!(
            (world.provider.texts().len(), world.dead().len(), world.state("a")),
            (1, 0, Some(SendState::Sent)),
            "{channel}"
        );
    }
}

#[tokio::test]
async fn a_sender_that_dies_each_time_gives_up_with_a_key_as_well() {
    let mut world = World::new();
    world.put(&notify("a", "line:1", "one"));
    for _ in 0..20 {
        let is_over = world.state("a") == Some(SendState::Uncertain);
        let Some(visible) = world.queue.first_visible().filter(|_| !is_over) else { break };
        world.clock.set(visible);
        // The call of the provider is the third: secrets, record, request.
        let calls = if world.record("a").is_none() { 2 } else { 3 };
        world.life.ends_at(calls, Side::Before);
        batch(&world).await;
        world.life.goes_on();
        world.restart();
    }
    world.settle().await;
    assert_eq!((world.state("a"), world.dead().len(), world.provider.texts().len()), (Some(SendState::Uncertain), 1, 0));
}
