//! An operator's redrive.

use crate::world::{World, notify};
use tidings_core::memory::{Call, Fault};
use tidings_core::send::SendState;

#[tokio::test]
async fn a_redrive_sends_what_was_uncertain_again() {
    let world = World::new();
    world.faults.fail(Call::Call, Fault::LoseAnswer, 1);
    world.put(&notify("a", "telegram:1", "one"));
    world.settle().await;
    assert_eq!(world.state("a"), Some(SendState::Uncertain));
    world.redrive();
    world.settle().await;
    assert_eq!((world.state("a"), world.provider.texts().len(), world.dead().len()), (Some(SendState::Sent), 2, 0));
}

#[tokio::test]
async fn a_redrive_of_a_refused_send_has_another_key() {
    let world = World::new();
    world.provider.answer(400, &[], r#"{"message":"The request body has 1 error(s)"}"#);
    world.put(&notify("a", "line:U1", "one"));
    world.settle().await;
    assert_eq!(world.state("a"), Some(SendState::Refused));
    world.provider.accept();
    world.redrive();
    world.settle().await;
    assert_eq!((world.state("a"), world.provider.texts()), (Some(SendState::Sent), vec!["one".to_owned()]));
    let key = |nth: usize| world.provider.calls.calls()[nth].headers.iter().find(|(name, _)| name == "X-Line-Retry-Key").cloned();
    assert_ne!(key(0), key(1));
}

#[tokio::test]
async fn a_copy_of_the_action_is_no_redrive_and_two_redrives_are_one() {
    let world = World::new();
    world.faults.fail(Call::Call, Fault::LoseAnswer, 1);
    world.put(&notify("a", "telegram:1", "one"));
    world.settle().await;
    world.clock.advance(std::time::Duration::from_secs(3_600));
    world.put(&notify("a", "telegram:1", "one"));
    world.settle().await;
    assert_eq!((world.provider.texts().len(), world.dead().len()), (1, 1), "the dead-letter queue has it already");
    let dead = world.dead_letters.sent();
    world.redrive();
    world.settle().await;
    assert_eq!(world.provider.texts().len(), 2);
    for message in dead {
        world.queue.put_fifo(&tidings_core::ports::Forwarded { deduplication: "again".to_owned(), ..message });
    }
    world.settle().await;
    assert_eq!((world.provider.texts().len(), world.dead().len()), (2, 0), "the second redrive finds it sent");
}

#[tokio::test]
async fn a_send_that_is_refused_again_is_dead_lettered_again() {
    let world = World::new();
    world.provider.answer(403, &[], r#"{"ok":false,"error_code":403,"description":"Forbidden: user is deactivated"}"#);
    world.put(&notify("a", "telegram:1", "one"));
    world.settle().await;
    for dead in 2..5 {
        world.redrive();
        world.settle().await;
        assert_eq!((world.record("a").unwrap().dead, world.dead().len()), (dead, 1));
    }
}
