//! The result of every case of the corpus is the one in `corpus.toml`.

use crate::world::{MAX_RECEIVES, World};
use serde_json::Value;
use tidings_core::claim::{Claim, ClaimState};
use tidings_events::{Corpus, ExpectedEvent, corpus};

async fn corpus_sent() -> World {
    let mut world = World::new().await;
    for case in &corpus().cases {
        let reply = world.deliver(case).await.unwrap();
        // Nothing is processed yet, so a repeated event is accepted again.
        let expected = if case.repeats { (202, "accepted".to_owned()) } else { (case.expect.status, case.expect.reply.clone()) };
        assert_eq!(reply, expected, "{}", case.name);
    }
    world
}

fn claim_of(world: &World, expected: &ExpectedEvent) -> Claim {
    let claims = world.store.claims();
    let mut found =
        claims.into_iter().filter(|c| c.key.as_str().starts_with(&expected.key) && c.event_type == expected.event_type);
    let claim = found.next().unwrap_or_else(|| panic!("no claim {} of {}", expected.key, expected.event_type));
    assert_eq!(found.next(), None, "two claims {} of {}", expected.key, expected.event_type);
    claim
}

fn assert_contexts(world: &World, corpus: &Corpus) {
    for expected in &corpus.contexts {
        let context = world.store.context(&expected.conversation);
        let node = context.node.as_ref().and_then(|node| node.value.as_str());
        assert_eq!(node, expected.node.as_deref(), "{}", expected.conversation);
        for (entity, facts) in &expected.facts {
            for (name, value) in facts {
                let seen = context.entities.get(entity).and_then(|facts| facts.get(name)).map_or(&Value::Null, |f| &f.value);
                assert_eq!(seen, value, "{}: {entity}: {name}", expected.conversation);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_case_has_the_result_in_the_corpus() {
    let mut world = corpus_sent().await;
    world.process_all().await;
    let mut events = 0;
    for case in &corpus().cases {
        for expected in &case.expect.events {
            let claim = claim_of(&world, expected);
            match &expected.dead {
                None => {
                    assert_eq!(claim.state, ClaimState::Processed, "{}: {claim:?}", case.name);
                    assert_eq!(claim.outcome, expected.outcome, "{}: {claim:?}", case.name);
                    if expected.conversation.is_some() {
                        assert_eq!(claim.conversation, expected.conversation, "{}", case.name);
                    }
                }
                Some(reason) => {
                    assert_eq!((claim.state, claim.receive_count), (ClaimState::Dead, Some(MAX_RECEIVES)), "{}", case.name);
                    assert!(claim.reason.as_ref().unwrap().starts_with(reason), "{}: {claim:?}", case.name);
                    assert!(world.dead_letter_keys().contains(&claim.key), "{}", case.name);
                }
            }
            events += usize::from(!case.repeats);
        }
    }
    let of_a_provider = |claim: &Claim| !claim.key.is_ours();
    let claims = world.store.claims().into_iter().filter(of_a_provider).count();
    assert_eq!(claims, events, "no claim that no case names");
    assert_eq!(world.actions(), corpus().actions.iter().cloned().collect());
    assert_eq!(world.queue.dead_letters().len(), 1);
    assert!(world.schedule.effects().values().all(|effects| *effects == 1));
    assert_contexts(&world, corpus());
}

#[tokio::test(start_paused = true)]
async fn the_batch_mates_of_the_poison_event_are_done_at_the_first_receive() {
    let mut world = corpus_sent().await;
    let all = world.queue.messages().len();
    world.process(0, all).await;
    // Without the events of our own that they caused.
    let returned: Vec<_> = world.queue.messages().into_iter().filter(|body| body.contains("/webhooks/")).collect();
    assert_eq!(returned.len(), 1);
    assert!(returned[0].contains("ord-evt-3666"), "{}", returned[0]);
}

#[tokio::test(start_paused = true)]
async fn the_whole_corpus_again_changes_nothing() {
    let mut world = corpus_sent().await;
    world.process_all().await;
    let before = (world.contexts(), world.store.claims(), world.schedule.effects());
    for case in corpus().cases.iter().filter(|case| case.expect.status < 300) {
        let reply = world.deliver(case).await.unwrap();
        // A dead-lettered event that is delivered again gets another try.
        let dead = case.expect.events.iter().any(|event| event.dead.is_some());
        assert_eq!(reply.0, if dead { 202 } else { 200 }, "{}", case.name);
    }
    world.process_all().await;
    assert_eq!((world.contexts(), world.store.claims().len()), (before.0, before.1.len()));
    assert_eq!(world.schedule.effects(), before.2);
}
