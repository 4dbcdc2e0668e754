//! Waiting: rates, breakers, outages.

use crate::world::{START, World, channel, notify};
use std::time::Duration;
use tidings_config::limits::{BREAKER_FAILURES, MAX_SEND_WAIT, SENDER_RECEIVES};
use tidings_config::time::Clock as _;
use tidings_core::memory::{Call, Fault};
use tidings_core::send::SendState;

#[tokio::test]
async fn a_provider_is_asked_again_when_it_says() {
    let world = World::new();
    let body =
        r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 77","parameters":{"retry_after":77}}"#;
    world.provider.answer(429, &[], body);
    world.put(&notify("a", "telegram:1", "one"));
    assert_eq!(world.batch().await, ["m1"]);
    assert_eq!(world.queue.first_visible(), Some(START.plus(Duration::from_secs(77))));
    world.provider.accept();
    world.settle().await;
    assert_eq!(world.provider.texts(), ["one"]);
}

#[tokio::test]
async fn an_outage_is_survived_for_a_day_and_then_dead_lettered_with_its_reason() {
    let world = World::new();
    world.provider.answer(503, &[], "");
    world.put(&notify("a", "telegram:1", "one"));
    world.put(&notify("b", "telegram:1", "two"));
    let almost = START.plus(MAX_SEND_WAIT.saturating_sub(Duration::from_secs(3_600)));
    world.settle_until(almost).await;
    assert_eq!((world.dead(), world.queue.messages().len()), (vec![], 2));
    world.settle().await;
    assert!(world.clock.now() < START.plus(MAX_SEND_WAIT + Duration::from_secs(3_600)));
    let dead = world.dead();
    assert_eq!(dead.len(), 2, "those behind it as well");
    assert!(dead.iter().all(|(state, reason)| state == "refused" && reason.starts_with("not sent within 24 h: ")), "{dead:?}");
    assert_eq!(world.queue.dead_letters(), [""; 0], "the redrive policy's {SENDER_RECEIVES} receives were enough");
}

#[tokio::test]
async fn an_outage_of_half_a_day_loses_nothing() {
    let world = World::new();
    world.provider.answer(503, &[], "");
    for n in 0..5 {
        world.put(&notify(&format!("a{n}"), "telegram:1", &format!("text {n}")));
    }
    world.settle_until(START.plus(MAX_SEND_WAIT / 2)).await;
    world.provider.accept();
    world.settle().await;
    assert_eq!(world.provider.texts(), ["text 0", "text 1", "text 2", "text 3", "text 4"]);
}

#[tokio::test]
async fn a_channel_that_fails_is_not_called_for_a_while() {
    let world = World::new();
    world.provider.answer(503, &[], "");
    for n in 0..BREAKER_FAILURES + 5 {
        world.put(&notify(&format!("a{n}"), &format!("telegram:{}", n + 1), "x"));
        if n + 1 == BREAKER_FAILURES {
            world.batch().await;
        }
    }
    world.batch().await;
    assert_eq!(world.faults.count(Call::Call), BREAKER_FAILURES);
    assert_eq!(world.queue.messages().len(), BREAKER_FAILURES as usize + 5);
    world.provider.accept();
    world.settle().await;
    assert_eq!(world.provider.texts().len(), BREAKER_FAILURES as usize + 5);
}

#[tokio::test]
async fn a_recipients_rate_holds_back_its_conversation_alone() {
    let world = World::with(vec![channel("telegram")]);
    for (id, who) in [("a1", 1), ("a2", 1), ("a3", 1), ("b1", 2)] {
        world.put(&notify(id, &format!("telegram:{who}"), id));
    }
    assert_eq!(world.batch().await, ["m2", "m3"]);
    assert_eq!(world.queue.first_visible(), Some(START.plus(Duration::from_secs(1))));
    world.settle().await;
    assert_eq!(world.clock.now(), START.plus(Duration::from_secs(2)));
    assert_eq!(world.provider.texts().len(), 4);
}

#[tokio::test]
async fn without_a_secret_an_action_waits_and_is_sent_once_there_is_one() {
    let world = World::new();
    world.secrets.set("{}");
    world.put(&notify("a", "telegram:1", "one"));
    world.batch().await;
    let record = world.record("a").unwrap();
    assert_eq!((record.state, record.tries), (SendState::Waiting, 0));
    assert_eq!(record.reason.as_deref(), Some("no secret \"telegram\" in the channels' secrets"));
    world.secrets.set(r#"{"telegram": "1:x"}"#);
    world.settle().await;
    assert_eq!(world.provider.texts(), ["one"]);
}

#[tokio::test]
async fn a_table_that_does_not_respond_says_nothing() {
    let world = World::new();
    world.faults.fail(Call::PutSend, Fault::Refuse, 4);
    world.put(&notify("a", "telegram:1", "one"));
    world.batch().await;
    assert_eq!((world.provider.texts().len(), world.faults.count(Call::Call)), (0, 0));
    world.settle().await;
    assert_eq!(world.provider.texts(), ["one"]);
}
