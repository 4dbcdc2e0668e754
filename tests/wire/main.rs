//! Faults on the wire: every call that the receiver and the processor make of AWS, with the deployed clients' own timeouts and
//! attempts, meets every fault in its first attempt, in all of them, and together with all calls after it. The reply is right,
//! the state is right after the retry that the reply asks for, the time is bounded, and no call is made more often than
//! configured.

mod world;

use futures::StreamExt;
use futures::stream;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tidings_config::limits::RETRY_AFTER;
use tidings_tests::wire::{Call, Disturbance, Extent, Fault};
use world::{World, deliver, finish, process};

/// Attempts of a call, as configured.
const ATTEMPTS: usize = 3;
/// The timeouts of the functions, as the template sets them.
const RECEIVER: Duration = Duration::from_secs(10);
const PROCESSOR: Duration = Duration::from_secs(30);
/// The receiver's call for its secrets.
const SECRET: usize = 0;
/// Scenarios at one time. Most of them wait.
const AT_ONCE: usize = 12;

/// Every fault at every call, in every extent.
fn scenarios(calls: usize) -> Vec<Disturbance> {
    let of = |call| Fault::ALL.into_iter().flat_map(move |fault| Extent::ALL.map(|extent| Disturbance { call, fault, extent }));
    (0..calls).flat_map(of).collect()
}

fn operations(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.operation.as_str()).collect()
}

/// No call is tried more often than configured, and none is made that an undisturbed run doesn't make, apart from what finds
/// out what a lost answer said.
fn no_storm(calls: &[Call], undisturbed: usize, at: &str) {
    assert!(calls.iter().all(|call| call.attempts <= ATTEMPTS), "{at}: {calls:?}");
    assert!(calls.len() <= undisturbed + 2, "{at}: {calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_true_whatever_happens_to_a_call_of_the_receiver() {
    let world = World::new().await;
    let wire = world.wire().await;
    wire.disturb(None);
    let receiver = world.receiver(&wire);
    receiver.warm_up().await;
    assert_eq!(deliver(&receiver, World::event("undisturbed")).await, 202);
    let undisturbed = wire.calls();
    assert_eq!(operations(&undisturbed), ["GetSecretValue", "PutItem", "SendMessage"]);

    let scenarios = scenarios(undisturbed.len());
    let all: Vec<(String, bool)> = stream::iter(scenarios.iter().enumerate())
        .map(|(number, disturbance)| received(&world, format!("r{number}"), *disturbance))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    // Some of each: faults that nobody notices, and faults after which the provider sends again.
    assert!(all.iter().any(|(_, again)| *again) && all.iter().any(|(_, again)| !*again));

    // What was accepted takes effect once, whether the provider has sent again or not.
    let wire = world.wire().await;
    let processor = world.processor(&wire);
    for message in world.queued().await {
        assert!(finish(&processor, &message).await, "{message:?}");
    }
    let actions = world.actions().await;
    for (order, _) in &all {
        assert_eq!(world.effects(order).await, "1", "{order}: {:?}", scenarios[order[1..].parse::<usize>().unwrap()]);
        assert_eq!(actions[&format!("whatsapp:{order}")].len(), 1, "{order}");
    }
}

/// One delivery, and another one if the reply asks for it: whether it did.
async fn received(world: &World, order: String, disturbance: Disturbance) -> (String, bool) {
    let at = format!("{order}: {disturbance:?}");
    let wire = world.wire().await;
    wire.disturb(Some(disturbance));
    let receiver = world.receiver(&wire);
    receiver.warm_up().await;
    let (request, started) = (World::event(&order), Instant::now());
    let status = deliver(&receiver, request.clone()).await;
    assert!(started.elapsed() < RECEIVER, "{at}: {:?}", started.elapsed());
    no_storm(&wire.calls(), 3, &at);
    let hidden = disturbance.fault == Fault::Slow || disturbance.extent == Extent::FirstAttempt && disturbance.fault.is_retried();
    let allowed: &[u16] = if hidden { &[200, 202] } else { &[200, 202, 503] };
    assert!(allowed.contains(&status), "{at}: {status}");
    let again = status == 503;
    if again {
        wire.disturb(None);
        if disturbance.call == SECRET {
            // It doesn't ask for a secret with every request.
            tokio::time::sleep(RETRY_AFTER).await;
        }
        let status = deliver(&receiver, request).await;
        assert!([200, 202].contains(&status), "{at}: then {status}");
    }
    (order, again)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_is_there_once_whatever_happens_to_a_call_of_the_processor() {
    let world = World::new().await;
    let wire = world.wire().await;
    let receiver = world.receiver(&wire);
    receiver.warm_up().await;
    assert_eq!(deliver(&receiver, World::event("undisturbed")).await, 202);
    let message = world.queued().await.pop().expect("a message");
    wire.disturb(None);
    assert!(process(&world.processor(&wire), &message).await);
    let undisturbed = wire.calls();
    let called: BTreeSet<&str> = operations(&undisturbed).into_iter().collect();
    assert_eq!(
        called,
        BTreeSet::from(["BatchGetItem", "PutItem", "Query", "SendMessage", "TransactWriteItems"]),
        "{undisturbed:?}"
    );

    let scenarios = scenarios(undisturbed.len());
    let mut messages = Vec::new();
    for number in 0..scenarios.len() {
        assert_eq!(deliver(&receiver, World::event(&format!("p{number}"))).await, 202);
        messages.push(world.queued().await.pop().expect("a message"));
    }
    let (undisturbed, world) = (undisturbed.len(), &world);
    let again: Vec<bool> = stream::iter(messages.iter().zip(&scenarios))
        .map(|(message, disturbance)| async move {
            let at = format!("{disturbance:?}");
            let wire = world.wire().await;
            wire.disturb(Some(*disturbance));
            let (processor, started) = (world.processor(&wire), Instant::now());
            let taken = process(&processor, message).await;
            assert!(started.elapsed() < PROCESSOR, "{at}: {:?}", started.elapsed());
            no_storm(&wire.calls(), undisturbed, &at);
            let hidden =
                disturbance.fault == Fault::Slow || disturbance.extent == Extent::FirstAttempt && disturbance.fault.is_retried();
            assert!(taken || !hidden, "{at}: it failed");
            wire.disturb(None);
            assert!(taken || finish(&processor, message).await, "{at}: it failed again");
            !taken
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    assert!(again.contains(&true) && again.contains(&false));
    let actions = world.actions().await;
    for (number, disturbance) in scenarios.iter().enumerate() {
        assert_eq!(world.effects(&format!("p{number}")).await, "1", "{disturbance:?}");
        assert_eq!(actions.get(&format!("whatsapp:p{number}")).map(BTreeSet::len), Some(1), "{disturbance:?}");
    }
}
