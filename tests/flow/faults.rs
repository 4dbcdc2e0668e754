//! A call fails or a function crashes at any point: the provider retries, SQS delivers again, and there is one effect.

use crate::faulty::Trouble;
use crate::world::World;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet};
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_core::context::Context;
use tidings_core::envelope::Envelope;
use tidings_events::{Case, ExpectedAction, corpus};

/// One event: four calls from its delivery to its effect, and two that send its notification.
const CALLS: usize = 6;

#[tokio::test(start_paused = true)]
async fn a_failure_or_a_crash_at_any_call_leaves_one_effect() {
    let case = corpus().case("orders-shipped-late").unwrap();
    let key = ClaimKey::from("orders#ord-evt-3001".to_owned());
    for call in 0..CALLS {
        for trouble in Trouble::ALL {
            // Once, and again at the retry.
            for times in 1..=2 {
                let at = format!("call {call}: {trouble:?}, {times} times");
                let mut world = World::new().await;
                world.schedule.set((0..call).map(|_| None).chain((0..times).map(|_| Some(trouble))));
                world.deliver_until_accepted(case).await;
                world.process_all().await;
                assert_eq!(world.schedule.effects(), BTreeMap::from([(key.clone(), 1)]), "{at}");
                assert_eq!(world.claim(&key).unwrap().state, ClaimState::Processed, "{at}");
                assert_eq!(world.queue.dead_letters().len(), 0, "{at}");
                let context = &world.store.context("whatsapp:491713920012");
                assert_eq!(context.entities["order/1042"]["status"].value, "shipped", "{at}");
                assert_eq!(world.actions().len(), 1, "{at}");
                assert_eq!(world.deliver(case).await.unwrap().0, 200, "{at}: known for good");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_faults_an_event_takes_six_calls() {
    let case = corpus().case("orders-shipped-late").unwrap();
    let mut world = World::new().await;
    world.schedule.set((0..CALLS).map(|_| None).chain([Some(Trouble::DieBefore)]));
    assert_eq!(world.deliver_until_accepted(case).await, 1);
    world.process_all().await;
    assert_eq!(world.deliver(case).await, None, "the seventh call is the next delivery's");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_tables_for_all_receives_needs_a_redrive_and_loses_no_event() {
    let case = corpus().case("orders-shipped-late").unwrap();
    let mut world = World::new().await;
    world.deliver_until_accepted(case).await;
    world.schedule.set((0..100).map(|_| Some(Trouble::DieBefore)));
    world.process_all().await;
    let key = ClaimKey::from("orders#ord-evt-3001".to_owned());
    assert_eq!(world.dead_letter_keys(), BTreeSet::from([key.clone()]));
    assert_eq!(world.claim(&key).unwrap().state, ClaimState::Received, "nobody was left to say that it is dead");

    world.schedule.set([]);
    world.redrive().await;
    assert_eq!((world.schedule.effects().len(), world.queue.dead_letters().len()), (1, 0));
}

/// The next step.
#[derive(Clone, Debug)]
enum Step {
    /// A provider sends this delivery, even if it got a 2xx response for it before.
    Deliver(Index),
    /// SQS delivers a batch up to this size, starting at this message.
    Process(Index, usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![any::<Index>().prop_map(Step::Deliver), (any::<Index>(), 1..=10_usize).prop_map(|(i, n)| Step::Process(i, n))]
}

fn any_trouble() -> impl Strategy<Value = Option<Trouble>> {
    proptest::option::of(proptest::sample::select(Trouble::ALL.to_vec()))
}

fn cases() -> Vec<&'static Case> {
    corpus().cases.iter().filter(|case| !case.repeats && case.expect.is_accepted()).collect()
}

/// An identity's event, the link, and the join that both complete: five messages, with a crash or a failure at every
/// call.
#[tokio::test(start_paused = true)]
async fn link_and_join_happen_once_with_a_failure_or_a_crash_at_any_call() {
    let cases = ["orders-inventory-reserved", "stripe-checkout-completed"].map(|name| corpus().case(name).unwrap());
    let wanted: Vec<_> =
        corpus().actions.iter().filter(|action| ["stock-reserved", "order-ready"].contains(&action.rule.as_str())).collect();
    let (mut straight, mut call) = (None, 0);
    loop {
        let mut calls_left = 0;
        for trouble in [None].into_iter().chain(Trouble::ALL.map(Some)) {
            let at = format!("call {call}: {trouble:?}");
            let mut world = World::new().await;
            world.schedule.set((0..call).map(|_| None).chain([trouble]));
            for case in cases {
                world.deliver_until_accepted(case).await;
            }
            world.process_all().await;
            calls_left = world.schedule.left();
            assert_eq!(world.actions().iter().collect::<Vec<_>>().len(), wanted.len(), "{at}");
            assert!(wanted.iter().all(|action| world.actions().contains(action)), "{at}: {:?}", world.actions());
            assert_eq!(world.queue.dead_letters().len(), 0, "{at}");
            assert_eq!(&world.contexts(), straight.get_or_insert_with(|| world.contexts()), "{at}");
        }
        if calls_left > 0 {
            break;
        }
        call += 1;
    }
    assert!(call > 25, "{call} calls");
}

/// The contexts and actions without faults, and the events.
async fn straight() -> (BTreeMap<String, Context>, BTreeSet<ExpectedAction>, Vec<ClaimKey>) {
    let mut world = World::new().await;
    for case in cases() {
        world.deliver_until_accepted(case).await;
    }
    world.process_all().await;
    let events = world.store.claims().into_iter().map(|claim| claim.key).filter(|key| !key.is_ours()).collect();
    (world.contexts(), world.actions(), events)
}

/// Runs the steps with the faults, then retries everything until all is done.
async fn through(troubles: Vec<Option<Trouble>>, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (contexts, actions, events) = straight().await;
    let poison = ClaimKey::from("orders#ord-evt-3666".to_owned());
    let cases = cases();
    let mut world = World::new().await;
    world.schedule.set(troubles);
    for step in steps {
        match step {
            Step::Deliver(which) => {
                world.deliver(cases[which.index(cases.len())]).await;
            }
            Step::Process(from, size) => world.process(from.index(world.queue.messages().len() + 1), size).await,
        }
    }
    for case in &cases {
        world.deliver_until_accepted(case).await;
    }
    // Accepted events are durable: each is processed, in one of the queues, or kept by its claim.
    let kept = world.kept().await;
    let queued: Vec<ClaimKey> = world.queue.messages().iter().map(|body| Envelope::decode(body).unwrap().claimkey).collect();
    for key in &events {
        let processed = world.claim(key).is_some_and(|claim| claim.state == ClaimState::Processed);
        let is_durable = processed || queued.contains(key) || kept.contains(key) || world.dead_letter_keys().contains(key);
        prop_assert!(is_durable, "{} is lost", key);
    }

    world.process_all().await;
    for key in &events {
        let processed = world.claim(key).is_some_and(|claim| claim.state == ClaimState::Processed);
        prop_assert!(processed || world.dead_letter_keys().contains(key), "{} is lost", key);
    }

    // After the faults end, one redrive restores all dead-lettered events.
    world.schedule.set([]);
    world.redrive().await;
    prop_assert_eq!(world.contexts(), contexts);
    // One rule depends on the order, by its if_stale. A text with facts has the facts of its time.
    let certain = |actions: BTreeSet<ExpectedAction>| {
        let all = actions.into_iter().map(|action| (action.conversation, action.rule));
        all.filter(|(_, rule)| rule != "order-shipped").collect::<BTreeSet<_>>()
    };
    let (seen, wanted) = (certain(world.actions()), certain(actions));
    prop_assert_eq!(seen, wanted);
    for key in &events {
        let effects = world.schedule.effects().get(key).copied().unwrap_or(0);
        prop_assert_eq!(effects, u32::from(*key != poison), "{}", key);
    }
    prop_assert_eq!(world.dead_letter_keys(), BTreeSet::from([poison.clone()]));
    prop_assert_eq!(world.claim(&poison).unwrap().state, ClaimState::Dead);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn with_any_faults_nothing_is_lost_and_nothing_is_done_twice(
        troubles in proptest::collection::vec(any_trouble(), 0..120), steps in proptest::collection::vec(any_step(), 0..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(through(troubles, steps))?;
    }
}
