//! What isn't the sender's.

use crate::world::{World, hex, notify};
use serde_json::json;
use tidings_core::memory::{Call, Fault};
use tidings_core::ports::Forwarded;

#[tokio::test]
async fn what_no_channel_takes_goes_on_to_the_bots_queue_unchanged() {
    let world = World::new();
    let mut own = notify("a", "telegram:4711", "one");
    own["type"] = json!("handover.requested");
    let mut elsewhere = notify("c", "telegram:4711", "three");
    elsewhere["data"]["channel"] = json!("slack");
    let bodies = [own, notify("b", "whatsapp:49", "two"), elsewhere];
    bodies.iter().for_each(|action| world.put(action));
    let strange =
        Forwarded { body: "no JSON".to_owned(), group: "g".to_owned(), deduplication: "d".to_owned(), attributes: vec![] };
    world.queue.put_fifo(&strange);
    assert_eq!(world.batch().await, [""; 0]);
    let mut sent = world.bot.sent();
    sent.sort_by_key(|message| message.deduplication.clone());
    let mut expected: Vec<Forwarded> = bodies.iter().map(crate::world::message).chain([strange]).collect();
    expected.sort_by_key(|message| message.deduplication.clone());
    assert_eq!(sent, expected);
    assert_eq!((world.faults.count(Call::PutSend), world.provider.texts().len()), (0, 0));
}

#[tokio::test]
async fn an_action_that_the_bots_queue_does_not_take_waits_and_holds_those_behind_it() {
    let world = World::new();
    let mut own = notify("a", "telegram:4711", "one");
    own["type"] = json!("handover.requested");
    world.put(&own);
    world.put(&notify("b", "telegram:4711", "two"));
    world.put(&notify("c", "telegram:4712", "three"));
    world.faults.fail(Call::Forward, Fault::Refuse, 1);
    assert_eq!(world.batch().await, ["m1", "m2"]);
    assert_eq!(world.provider.texts(), ["three"]);
    world.settle().await;
    assert_eq!((world.bot.sent().len(), world.provider.texts()), (1, vec!["three".to_owned(), "two".to_owned()]));
}

#[tokio::test]
async fn a_rules_own_recipient_comes_before_the_conversation() {
    let world = World::new();
    let mut action = notify("a", "stripe:cus_1", "one");
    action["type"] = json!("tidings.send");
    action["data"]["to"] = json!("line:U7");
    world.put(&action);
    let mut named = notify("b", "stripe:cus_1", "two");
    named["data"]["channel"] = json!("telegram");
    world.put(&named);
    world.settle().await;
    assert_eq!(world.provider.texts(), ["one"]);
    let dead = world.dead();
    assert!(dead[0].1.contains("allowed: telegram:{chat}; or name the recipient as data.to"), "{dead:?}");
    assert!(!dead[0].1.contains("cus_1"), "no name of a person: {dead:?}");
    assert_eq!(world.record("a").unwrap().id.as_str(), hex("a"));
}
