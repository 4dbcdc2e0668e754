//! Endpoints that are disabled: by 410, by three days of failures, by hand. Nothing of theirs disappears.

use crate::support::{HOUR, World, endpoint, event, now, status};
use publisher::delivery::DeliveryState;
use publisher::endpoint::{Disabled, EndpointState};
use publisher::limits::DISABLED_AFTER;
use publisher::notice;
use serde_json::Value;
use std::time::Duration;
use tidings_config::time::Clock;
use tidings_core::memory::log::{capture, counted};
use tidings_core::memory::{Call as PortCall, Fault};
use tidings_core::ports::TimerQueue;
use tidings_core::telemetry::Metric;

fn is_disabled(state: &EndpointState, by: Disabled) -> bool {
    matches!(state, EndpointState::Disabled { reason, .. } if *reason == by)
}

/// The notices that a server got.
fn notices(world: &World, host: &str) -> Vec<Value> {
    let bodies = world.servers.calls_to(host).into_iter().map(|(_, call)| serde_json::from_slice::<Value>(&call.body).unwrap());
    bodies.filter(|body| body["type"] == notice::DISABLED).collect()
}

#[tokio::test]
async fn a_receiver_that_fails_for_three_days_is_disabled_and_told() {
    capture();
    let world = World::new(vec![endpoint("crm"), endpoint("ops")]);
    world.servers.answer(|call, _| status(if call.url.contains("crm") { 500 } else { 200 }));
    let mut published = 0;
    while world.status_of("ep_crm").await.is_active() {
        world.publish(&event(&format!("e{published}"))).await;
        world.pass(HOUR).await;
        published += 1;
        assert!(published < 80);
    }
    let status = world.status_of("ep_crm").await;
    let EndpointState::Disabled { reason: Disabled::Failing, since, noticed: true } = status.state else { panic!("{status:?}") };
    assert!(since.since(now()) >= DISABLED_AFTER && since.since(now()) < DISABLED_AFTER + HOUR * 2);
    let told = notices(&world, "ops");
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["data"]["endpoint"], &told[0]["data"]["reason"]), (&"ep_crm".into(), &"failing".into()));
    assert_eq!(counted(Metric::EndpointDisabled).len(), 1);

    let calls = world.servers.calls_to("crm").len();
    world.publish(&event("later")).await;
    world.pass(HOUR * 48).await;
    assert_eq!(world.servers.calls_to("crm").len(), calls, "it gets nothing more");
    assert_eq!(world.queue.messages(), [""; 0], "and holds no message");
    let states = world.states();
    assert!(states["held"] > 1 && states["failed"] > 1 && !states.contains_key("pending"), "{states:?}");
    assert!(world.status_of("ep_ops").await.is_active());
}

#[tokio::test]
async fn one_success_within_three_days_keeps_an_endpoint_active() {
    let world = World::new(vec![endpoint("crm")]);
    world.servers.answer(|_, at| status(if at.since(now()) > HOUR * 70 && at.since(now()) < HOUR * 71 { 200 } else { 500 }));
    for n in 0..100 {
        world.publish(&event(&format!("e{n}"))).await;
        world.pass(HOUR).await;
    }
    assert!(world.status_of("ep_crm").await.is_active());
    assert!(world.status_of("ep_crm").await.failing_since.is_some_and(|since| since.since(now()) > HOUR * 70));
}

#[tokio::test]
async fn an_endpoint_that_answers_410_is_disabled_at_once() {
    let world = World::new(vec![endpoint("crm"), endpoint("ops")]);
    world.servers.answer(|call, _| status(if call.url.contains("crm") { 410 } else { 200 }));
    world.publish(&event("e1")).await;
    world.pass(HOUR).await;
    assert!(is_disabled(&world.status_of("ep_crm").await.state, Disabled::Gone));
    assert_eq!((world.servers.calls_to("crm").len(), notices(&world, "ops").len()), (1, 1));
}

#[tokio::test]
async fn the_notice_is_given_by_a_sweep_if_it_could_not_be_published_at_once() {
    let world = World::new(vec![endpoint("crm"), endpoint("ops")]);
    world.servers.answer(|call, _| status(if call.url.contains("crm") { 410 } else { 200 }));
    world.faults.fail(PortCall::Publish, Fault::Refuse, 1);
    world.publish(&event("e1")).await;
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(notices(&world, "ops").len(), 0);
    world.publisher.sweep(crate::support::AMPLE).await.unwrap();
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(notices(&world, "ops").len(), 1);
    world.publisher.sweep(crate::support::AMPLE).await.unwrap();
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(notices(&world, "ops").len(), 1, "once");
}

#[tokio::test]
async fn a_notice_that_cannot_be_published_holds_up_no_attempt_that_is_due() {
    let world = World::new(vec![endpoint("crm"), endpoint("gone")]);
    world.servers.answer(|call, _| status(if call.url.contains("gone") { 410 } else { 500 }));
    world.faults.fail(PortCall::Publish, Fault::Refuse, 1_000);
    world.publish(&event("e1")).await;
    world.pass(HOUR / 6).await;
    assert_eq!(world.servers.calls_to("crm").len(), 3, "the fourth waits for a sweep");
    world.clock.advance(HOUR);
    assert!(world.publisher.sweep(crate::support::AMPLE).await.is_err(), "the notice");
    world.faults.clear();
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(world.servers.calls_to("crm").len(), 4);
}

#[tokio::test]
async fn what_a_disabled_endpoint_missed_is_delivered_after_a_retry_by_hand() {
    let world = World::new(vec![endpoint("crm")]);
    let id = "ep_crm".parse().unwrap();
    let at = world.clock.now();
    world.publisher.endpoints().change(&id, |status| Some(status.disabled(at))).await.unwrap();
    world.publish(&event("e1")).await;
    world.pass(HOUR).await;
    assert_eq!((world.servers.calls().len(), world.delivery().state), (0, DeliveryState::Held));
    world.publisher.endpoints().change(&id, |status| Some(status.enabled())).await.unwrap();
    let retried = world.delivery();
    let stored = publisher::ports::DeliveryStore::get(&*world.stores, &retried.key).await.unwrap().unwrap();
    let retried = stored.retried(world.clock.now()).unwrap();
    let _ = publisher::ports::DeliveryStore::replace(&*world.stores, &retried, world.clock.now()).await.unwrap();
    let (message, delay) = retried.next(world.clock.now());
    TimerQueue::send(&*world.queue, &message.encode(), delay).await.unwrap();
    world.pass(HOUR).await;
    assert_eq!((world.servers.calls().len(), world.delivery().state), (1, DeliveryState::Delivered));
}

#[tokio::test]
async fn deliveries_of_an_endpoint_that_was_removed_are_held() {
    let world = World::new(Vec::new());
    world.register(endpoint("crm")).await;
    world.servers.answer(|_, _| status(500));
    world.publish(&event("e1")).await;
    world.pass(Duration::from_secs(1)).await;
    publisher::ports::EndpointStore::delete(&*world.stores, &"ep_crm".parse().unwrap()).await.unwrap();
    world.pass(HOUR).await;
    assert_eq!((world.servers.calls().len(), world.delivery().state), (1, DeliveryState::Held));
}
