//! A call fails, or the function is stopped, at each point: a webhook is delivered at least once, under one id, and each attempt
//! is counted.

use crate::support::{AMPLE, HOUR, World, endpoint, event, header, status};
use publisher::delivery::{AttemptResult, DeliveryState};
use publisher::memory::{StoreCall, Trouble};
use std::collections::BTreeSet;
use std::time::Duration;
use tidings_core::memory::{Call as PortCall, Fault, sqs_message};

/// After everything: delivered, each attempt with its number, and no call that isn't counted.
fn check(world: &World, what: &str) {
    let delivery = world.delivery();
    let calls = world.servers.calls();
    assert_eq!(delivery.state, DeliveryState::Delivered, "{what}: {delivery:?}");
    assert!(
        !calls.is_empty() && calls.len() <= delivery.attempts as usize,
        "{what}: {} calls, {} attempts",
        calls.len(),
        delivery.attempts
    );
    let ids: BTreeSet<String> = calls.iter().map(|(_, call)| header(call, "webhook-id")).collect();
    assert!(ids.into_iter().eq([delivery.webhook_id.clone()]), "{what}");
    let numbers: Vec<u32> = delivery.log.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, (1..=delivery.attempts).collect::<Vec<_>>(), "{what}: each attempt has one line");
    assert_eq!(world.queue.dead_letters(), [""; 0], "{what}");
    assert_eq!(world.queue.messages(), [""; 0], "{what}");
}

#[tokio::test]
async fn a_webhook_is_delivered_whatever_call_of_a_store_fails_or_is_the_last() {
    for call in StoreCall::ALL {
        for trouble in Trouble::ALL {
            for pass in 0..6 {
                let world = World::new(vec![endpoint("crm")]);
                // Three attempts, and one of them after a sweep.
                world.servers.answer(|_, at| status(if at < crate::support::now().plus(HOUR / 2) { 500 } else { 200 }));
                world.stores.fail(call, trouble, pass);
                world.publish(&event("e1")).await;
                world.pass(HOUR * 60).await;
                check(&world, &format!("{call:?} {trouble:?} {pass}"));
            }
        }
    }
}

#[tokio::test]
async fn a_webhook_is_delivered_whatever_call_of_a_queue_fails() {
    for call in [PortCall::SetTimer, PortCall::SetTimerEntry, PortCall::Fetch, PortCall::Publish] {
        for fault in [Fault::Refuse, Fault::LoseAnswer] {
            for pass in 0..5 {
                let world = World::new(vec![endpoint("crm")]);
                world.servers.answer(|_, at| status(if at < crate::support::now().plus(HOUR / 2) { 500 } else { 200 }));
                world.faults.pass(call, pass);
                world.faults.fail(call, fault, 1);
                world.publish(&event("e1")).await;
                world.pass(HOUR * 60).await;
                check(&world, &format!("{call:?} {fault:?} {pass}"));
            }
        }
    }
}

#[tokio::test]
async fn a_function_that_is_stopped_during_an_attempt_leaves_one_that_is_counted() {
    for after in [false, true] {
        for nth in 0..3 {
            let world = World::new(vec![endpoint("crm")]);
            world.servers.answer(|_, at| status(if at < crate::support::now().plus(HOUR / 2) { 500 } else { 200 }));
            *world.servers.dies.lock().unwrap() = Some((nth, after));
            world.publish(&event("e1")).await;
            world.pass(HOUR * 60).await;
            check(&world, &format!("{nth} {after}"));
            let unknown: Vec<u32> =
                world.delivery().log.iter().filter(|a| a.result == AttemptResult::Unknown).map(|a| a.number).collect();
            assert_eq!(unknown, [u32::try_from(nth).unwrap() + 1]);
            let calls = world.servers.calls().len();
            assert_eq!(calls, world.delivery().attempts as usize - usize::from(!after), "{nth} {after}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_functions_with_one_message_make_one_attempt() {
    let world = World::new(vec![endpoint("crm")]);
    *world.servers.slow.lock().unwrap() = Some(("crm", Duration::from_secs(5)));
    world.publish(&event("e1")).await;
    let another = world.another(vec![endpoint("crm")]);
    let message = world.queue.receive(1).records[0].body.clone().unwrap();
    let copies = || vec![sqs_message("a", &message, 1)];
    let (first, second, third) =
        tokio::join!(world.publisher.handle(copies(), AMPLE), another.handle(copies(), AMPLE), another.handle(copies(), AMPLE));
    assert_eq!(world.servers.calls().len(), 1);
    let kept = [first, second, third].iter().filter(|response| response.batch_item_failures.len() == 1).count();
    assert_eq!(kept, 2, "the others come again, and find it done");
}

#[tokio::test]
async fn copies_and_late_messages_make_no_attempt_of_their_own() {
    let world = World::new(vec![endpoint("crm")]);
    world.servers.answer(|_, at| status(if at < crate::support::now().plus(HOUR / 2) { 500 } else { 200 }));
    world.publish(&event("e1")).await;
    let message = world.queue.messages().remove(0);
    for _ in 0..40 {
        world.queue.put(&message, Duration::ZERO);
        world.pass(HOUR).await;
    }
    check(&world, "copies");
    assert_eq!(world.servers.calls().len(), world.delivery().attempts as usize);
    assert_eq!(world.servers.calls().len(), 4);
}
