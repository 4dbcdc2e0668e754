//! Any order of the corpus, with any duplicates, in any batches, ends in the same context.

use crate::support::{Harness, corpus_events, message};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;
use tidings_core::claim::ClaimState;
use tidings_core::context::Context;
use tidings_core::envelope::Envelope;
use tidings_events::corpus;

/// Processes these batches, and gives what every conversation of the corpus is then.
fn contexts(events: &[Envelope], order: &[usize], batch: usize) -> (Harness, BTreeMap<String, Context>) {
    let harness = Harness::configured();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let messages: Vec<_> =
        order.iter().enumerate().map(|(n, event)| message(&format!("m{n}"), &events[*event].encode(), 1)).collect();
    for messages in messages.chunks(batch) {
        runtime.block_on(harness.handle(messages.to_vec()));
    }
    let conversations = harness.store.claims().into_iter().filter_map(|claim| claim.conversation);
    let contexts = conversations.map(|name| (name.clone(), harness.store.context(&name))).collect();
    (harness, contexts)
}

#[test]
fn the_corpus_in_its_own_order_is_what_it_says() {
    let events = corpus_events();
    let (harness, contexts) = contexts(&events, &(0..events.len()).collect::<Vec<_>>(), 10);
    for expected in &corpus().contexts {
        let context = &contexts[&expected.conversation];
        assert_eq!(context.node.as_ref().and_then(|n| n.value.as_str()), expected.node.as_deref());
        for (entity, facts) in &expected.facts {
            for (name, value) in facts {
                assert_eq!(&harness.fact(&expected.conversation, entity, name), value, "{entity} {name}");
            }
        }
    }
    let processed = harness.store.claims().iter().filter(|c| c.state == ClaimState::Processed).count();
    assert_eq!(processed, events.len() - 1, "all but the poison event");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_with_any_duplicates_ends_the_same(
        keys in proptest::collection::vec(any::<u32>(), 16), repeats in proptest::collection::vec(any::<Index>(), 0..12), batch in 1..=10_usize,
    ) {
        let events = corpus_events();
        prop_assert_eq!(keys.len(), events.len());
        let straight: Vec<usize> = (0..events.len()).collect();
        let mut shuffled = straight.clone();
        shuffled.sort_by_key(|event| keys[*event]);
        for repeat in repeats {
            shuffled.insert(repeat.index(shuffled.len() + 1), repeat.index(events.len()));
        }
        prop_assert_eq!(contexts(&events, &shuffled, batch).1, contexts(&events, &straight, 10).1);
    }
}
