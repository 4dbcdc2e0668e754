//! Attempts by the schedule, and what is recorded of them.

use crate::support::{HOUR, MINUTE, PENDING, World, endpoint, event, header, now, status};
use publisher::delivery::{AttemptResult, DeliveryState};
use publisher::limits::{ATTEMPT_TIMEOUT, MAX_ANSWER_BYTES, MAX_JITTER_PERCENT, SCHEDULE};
use std::collections::BTreeSet;
use std::time::Duration;
use tidings_core::memory::{Call as PortCall, Fault};
use tidings_core::ports::{Answered, CallError};

#[tokio::test]
async fn a_webhook_is_attempted_at_once_and_then_by_the_schedule_under_one_id() {
    let world = World::new(vec![endpoint("crm")]);
    world.servers.answer(|_, _| status(500));
    world.publish(&event("e1")).await;
    world.pass(HOUR * 72).await;
    let calls = world.servers.calls();
    assert_eq!(calls.len(), 1 + SCHEDULE.len());
    assert_eq!(calls[0].0, now());
    for (n, step) in SCHEDULE.iter().enumerate() {
        let waited = calls[n + 1].0.since(calls[n].0);
        let longest = *step * (100 + MAX_JITTER_PERCENT) / 100 + Duration::from_secs(2);
        assert!((*step..=longest).contains(&waited), "attempt {}: {waited:?}", n + 2);
    }
    let ids: BTreeSet<String> = calls.iter().map(|(_, call)| header(call, "webhook-id")).collect();
    let times: BTreeSet<String> = calls.iter().map(|(_, call)| header(call, "webhook-timestamp")).collect();
    let bodies: BTreeSet<Vec<u8>> = calls.iter().map(|(_, call)| call.body.clone()).collect();
    assert_eq!((ids.len(), times.len(), bodies.len()), (1, calls.len(), 1));
    for ((at, call), attempt) in calls.iter().zip(&world.delivery().log) {
        assert_eq!(header(call, "webhook-timestamp"), at.unix_s().to_string(), "of the attempt");
        assert_eq!((attempt.at, attempt.status, attempt.result), (*at, Some(500), AttemptResult::Refused));
        assert_eq!(attempt.answer, "said hunter2", "an operator sees what the endpoint said");
    }
    assert_eq!((world.delivery().state, world.delivery().attempts), (DeliveryState::Failed, 7));
    assert_eq!(world.queue.dead_letters(), [""; 0]);
}

#[tokio::test]
async fn a_webhook_that_is_accepted_later_is_attempted_no_more() {
    let world = World::new(vec![endpoint("crm")]);
    world.servers.answer(|_, at| status(if at < now().plus(HOUR) { 503 } else { 204 }));
    world.publish(&event("e1")).await;
    world.pass(HOUR * 72).await;
    assert_eq!((world.servers.calls().len(), world.delivery().state), (5, DeliveryState::Delivered));
    assert_eq!(world.delivery().log.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn retry_after_delays_the_next_attempt() {
    let world = World::new(vec![endpoint("crm")]);
    world.servers.answer(|_, at| {
        if at < now().plus(HOUR) {
            Ok(Answered { status: 429, headers: vec![("retry-after".to_owned(), "7200".to_owned())], body: Vec::new() })
        } else {
            status(200)
        }
    });
    world.publish(&event("e1")).await;
    world.pass(HOUR * 2 - MINUTE).await;
    assert_eq!(world.servers.calls().len(), 1);
    world.pass(MINUTE * 2).await;
    assert_eq!((world.servers.calls().len(), world.delivery().state), (2, DeliveryState::Delivered));
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_attempted_once() {
    let world = World::new(vec![endpoint("crm")]);
    world.servers.answer(|_, _| Err(CallError::Forbidden("the host's address isn't public".to_owned())));
    world.publish(&event("e1")).await;
    world.pass(HOUR * 72).await;
    let delivery = world.delivery();
    assert_eq!((world.servers.calls().len(), delivery.state), (1, DeliveryState::Failed));
    assert_eq!(delivery.log[0].reason.as_deref(), Some("not allowed: the host's address isn't public"));
}

#[tokio::test]
async fn a_long_wait_holds_no_message_in_the_queue() {
    let world = World::new(vec![endpoint("crm")]);
    world.servers.answer(|_, _| status(500));
    world.publish(&event("e1")).await;
    world.pass(MINUTE * 8).await;
    assert_eq!((world.delivery().attempts, world.delivery().state), (3, PENDING));
    assert_eq!(world.queue.messages(), [""; 0], "half an hour is the table's to wait");
    assert!(world.stores.first_due().is_some());
    world.pass(MINUTE * 40).await;
    assert_eq!(world.delivery().attempts, 4);
}

#[tokio::test]
async fn attempts_wait_while_secrets_cannot_be_fetched_and_count_nothing() {
    let world = World::new(vec![endpoint("crm")]);
    world.faults.fail(PortCall::Fetch, Fault::Refuse, 2);
    world.publish(&event("e1")).await;
    world.pass(Duration::from_secs(1)).await;
    assert_eq!((world.servers.calls().len(), world.delivery().attempts), (0, 0));
    world.pass(HOUR).await;
    assert_eq!((world.servers.calls().len(), world.delivery().state), (1, DeliveryState::Delivered));
}

#[tokio::test]
async fn an_attempt_is_bounded_in_time_and_in_what_is_read() {
    let world = World::new(vec![endpoint("crm")]);
    world.servers.answer(|call, _| {
        assert_eq!((call.method, call.within, call.at_most), ("POST", ATTEMPT_TIMEOUT, MAX_ANSWER_BYTES));
        Ok(Answered { status: 400, headers: Vec::new(), body: vec![b'\n'; MAX_ANSWER_BYTES] })
    });
    world.publish(&event("e1")).await;
    world.pass(Duration::from_secs(1)).await;
    assert_eq!((world.delivery().log.len(), world.delivery().log[0].answer.as_str()), (1, ""));
}
