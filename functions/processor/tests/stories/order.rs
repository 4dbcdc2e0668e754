//! Any order of the corpus, with any duplicates, in any batches, ends in the same context.

use crate::support::{Harness, corpus_events, message};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet};
use tidings_core::claim::{Claim, ClaimState};
use tidings_core::context::Context;
use tidings_core::envelope::Envelope;
use tidings_events::corpus;

/// Processes these batches, and returns every conversation of the corpus.
fn contexts(events: &[Envelope], order: &[usize], batch: usize) -> (Harness, BTreeMap<String, Context>) {
    let harness = Harness::configured();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let messages: Vec<_> =
        order.iter().enumerate().map(|(n, event)| message(&format!("m{n}"), &events[*event].encode(), 1)).collect();
    for messages in messages.chunks(batch) {
        runtime.block_on(harness.handle(messages.to_vec()));
    }
    runtime.block_on(harness.settle());
    let partitions = harness.store.items().into_keys().map(|place| place.partition);
    let contexts = partitions.map(|name| (name.clone(), harness.store.context(&name))).collect();
    (harness, contexts)
}

#[test]
fn the_corpus_in_order_gives_its_expected_results() {
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
    let of_a_provider = |claim: &&Claim| !claim.key.is_ours();
    let claims = harness.store.claims();
    let processed = claims.iter().filter(of_a_provider).filter(|c| c.state == ClaimState::Processed).count();
    assert_eq!(processed, events.len() - 1, "all but the poison event");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_with_any_duplicates_ends_the_same(
        keys in proptest::collection::vec(any::<u32>(), 23), repeats in proptest::collection::vec(any::<Index>(), 0..12), batch in 1..=10_usize,
    ) {
        let events = corpus_events();
        prop_assert_eq!(keys.len(), events.len());
        let straight: Vec<usize> = (0..events.len()).collect();
        let mut shuffled = straight.clone();
        shuffled.sort_by_key(|event| keys[*event]);
        for repeat in repeats {
            shuffled.insert(repeat.index(shuffled.len() + 1), repeat.index(events.len()));
        }
        let (shuffled, straight) = (contexts(&events, &shuffled, batch), contexts(&events, &straight, 10));
        prop_assert_eq!(shuffled.1, straight.1);
        // One of them depends on the order, and says so: if_stale.
        let actions = |harness: &Harness| {
            let all = harness.actions().into_values().map(|(conversation, action)| (conversation, action.rule, action.action_type));
            all.filter(|(_, rule, _)| rule != "order-shipped").collect::<BTreeSet<_>>()
        };
        prop_assert_eq!(actions(&shuffled.0), actions(&straight.0));
        prop_assert_eq!(actions(&straight.0).len(), corpus().actions.len());
    }
}
