//! Many copies of one event at once.

use crate::world::{World, answer};
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_events::corpus;
use tokio::task::JoinSet;

const COPIES: usize = 50;

#[tokio::test]
async fn fifty_concurrent_copies_of_one_event_are_one_effect_and_all_answered_2xx() {
    let mut sent = 0;
    for seed in 0..20 {
        let mut world = World::new().await;
        world.schedule.let_others_go_first(seed);
        let case = corpus().case("stripe-checkout-completed").unwrap();
        let mut copies = JoinSet::new();
        for _ in 0..COPIES {
            let (receiver, request) = (world.receiver.clone(), world.request(case));
            copies.spawn(async move { answer(&receiver, request).await.0 });
        }
        let answers = copies.join_all().await;
        assert!(answers.len() == COPIES && answers.iter().all(|status| [200, 202].contains(status)), "seed {seed}: {answers:?}");
        let messages = world.queue.messages().len();
        assert_eq!(messages, answers.iter().filter(|status| **status == 202).count(), "seed {seed}: 202 is a message");
        sent += messages;

        world.process_all().await;
        let key = ClaimKey::from("stripe#evt_1TidingsCheckout1042".to_owned());
        assert_eq!(world.claim(&key).unwrap().state, ClaimState::Processed, "seed {seed}");
        assert_eq!(world.schedule.effects().into_iter().collect::<Vec<_>>(), [(key, 1)], "seed {seed}");
        assert_eq!(world.queue.dead_letters().len(), 0, "seed {seed}");
    }
    assert!(sent > 20, "they did meet: {sent} messages of 20 events");
}
