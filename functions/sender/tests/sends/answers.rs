//! What an answer does.

use crate::world::{World, notify};
use tidings_core::memory::{Call, Fault};
use tidings_core::ports::CallError;
use tidings_core::send::SendState;

#[tokio::test]
async fn an_action_is_said_and_recorded_with_the_providers_id() {
    let world = World::new();
    world.put(&notify("a", "telegram:4711", "Hi \\*Ann\\*"));
    assert_eq!(world.batch().await, [""; 0]);
    assert_eq!(world.provider.texts(), ["Hi \\*Ann\\*"]);
    let record = world.record("a").unwrap();
    assert_eq!((record.state, record.message.as_deref(), record.tries), (SendState::Sent, Some("1"), 1));
    assert_eq!((record.cause.as_str(), record.channel.as_str()), ("orders#a", "telegram"));
    assert_eq!((world.faults.count(Call::PutSend), world.faults.count(Call::Forward)), (2, 0), "two writes, and nothing else");
}

#[tokio::test]
async fn a_refused_action_is_dead_lettered_with_its_reason_and_holds_nobody_back() {
    let world = World::new();
    world.provider.answer(403, &[], r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}"#);
    world.put(&notify("a", "telegram:4711", "one"));
    world.batch().await;
    world.provider.accept();
    world.put(&notify("b", "telegram:4711", "two"));
    world.settle().await;
    let dead = world.dead();
    assert_eq!((dead.len(), dead[0].0.as_str()), (1, "refused"));
    assert!(dead[0].1.starts_with("Forbidden: bot was blocked by the user"), "{dead:?}");
    assert_eq!((world.state("a"), world.provider.texts()), (Some(SendState::Refused), vec!["two".to_owned()]));
    assert!(world.record("a").unwrap().is_dead_lettered);
}

#[tokio::test]
async fn a_lost_answer_is_uncertain_without_a_key_and_the_same_key_again_with_one() {
    let world = World::new();
    world.faults.fail(Call::Call, Fault::LoseAnswer, 1);
    world.put(&notify("a", "telegram:4711", "one"));
    world.settle().await;
    assert_eq!((world.state("a"), world.provider.texts()), (Some(SendState::Uncertain), vec!["one".to_owned()]));
    assert_eq!(world.dead()[0].0, "uncertain");

    world.faults.fail(Call::Call, Fault::LoseAnswer, 1);
    world.put(&notify("b", "line:U1", "two"));
    world.settle().await;
    let record = world.record("b").unwrap();
    assert_eq!((record.state, record.tries), (SendState::Sent, 2));
    assert_eq!(world.provider.texts(), ["one", "two"], "said once");
    let keys: Vec<_> = world
        .provider
        .calls
        .calls()
        .iter()
        .filter_map(|call| call.headers.iter().find(|(name, _)| name == "X-Line-Retry-Key").cloned())
        .collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
}

#[tokio::test]
async fn a_key_that_the_provider_has_forgotten_is_not_sent_again() {
    let world = World::new();
    world.provider.calls.answer_with(|_| Err(CallError::NoAnswer("it hangs".to_owned())));
    world.put(&notify("a", "line:U1", "one"));
    world.settle().await;
    let record = world.record("a").unwrap();
    assert_eq!(record.state, SendState::Uncertain);
    let first = world.provider.calls.calls().len();
    assert!(first > 3, "tried while the key was remembered: {first}");
}

#[tokio::test]
async fn what_was_never_written_is_a_retry() {
    let world = World::new();
    world.faults.fail(Call::Call, Fault::Refuse, 3);
    world.put(&notify("a", "telegram:4711", "one"));
    world.settle().await;
    assert_eq!((world.state("a"), world.provider.texts()), (Some(SendState::Sent), vec!["one".to_owned()]));
    assert_eq!(world.record("a").unwrap().tries, 4);
    assert_eq!(world.dead(), []);
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_refused() {
    let world = World::new();
    world.provider.calls.answer_with(|_| Err(CallError::Forbidden("10.0.0.1 isn't public".to_owned())));
    world.put(&notify("a", "telegram:4711", "one"));
    world.settle().await;
    assert_eq!(world.dead(), [("refused".to_owned(), "not allowed: 10.0.0.1 isn't public".to_owned())]);
}

#[tokio::test]
async fn a_copy_of_a_sent_action_is_not_said_again() {
    let world = World::new();
    world.put(&notify("a", "telegram:4711", "one"));
    world.settle().await;
    world.clock.advance(std::time::Duration::from_secs(3_600));
    world.put(&notify("a", "telegram:4711", "one"));
    world.settle().await;
    assert_eq!(world.provider.texts(), ["one"]);
    assert_eq!(world.dead(), []);
}

#[tokio::test]
async fn a_revoked_secret_is_fetched_again_and_nothing_is_lost() {
    let world = World::new();
    world.provider.answer(401, &[], r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#);
    world.put(&notify("a", "telegram:4711", "one"));
    world.put(&notify("b", "telegram:4712", "two"));
    world.batch().await;
    world.batch().await;
    assert_eq!((world.dead(), world.state("a")), (vec![], Some(SendState::Waiting)));
    assert_eq!(world.faults.count(Call::Fetch), 1, "at most once a minute");
    world.provider.accept();
    world.settle().await;
    assert_eq!(world.provider.texts().len(), 2);
}
