//! The same events without faults: each once, by the rules that applied it in the simulation, in another order.
//!
//! It tells what the contexts and the actions must be, because an event's effect follows from the event alone
//! (docs/decisions/0010-order-independence.md). It runs on plain memory adapters, without the fault layer.

use crate::rules::{Edition, JOIN_ENTITY, planner};
use processor::{Ports, Processor};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::schemas::EventSchemas;
use tidings_config::time::Timestamp;
use tidings_core::action::ActionId;
use tidings_core::claim::ClaimKey;
use tidings_core::context::{Context, Fact, FactKind, Order};
use tidings_core::memory::{Faults, ManualClock, MemoryActions, MemoryHttps, MemoryQueue, MemoryStore, sqs_event, sqs_message};

const TIME_LEFT: Duration = Duration::from_secs(60);

/// For what is due at once, such as an identity's notifications after its link.
const SOON: Duration = Duration::from_secs(5);

/// The contexts and the actions of events, without those of joins.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) contexts: BTreeMap<String, Context>,
    pub(crate) actions: BTreeSet<(String, ActionId)>,
}

/// Applies the messages.
pub(crate) async fn expected(messages: &[(Edition, String)], now: Timestamp) -> Expected {
    let faults = Arc::new(Faults::default());
    let clock = Arc::new(ManualClock::at(now));
    let store = Arc::new(MemoryStore::new(Arc::clone(&faults)));
    let actions = Arc::new(MemoryActions::new(Arc::clone(&faults)));
    let queue = Arc::new(MemoryQueue::on(Arc::clone(&clock), Arc::clone(&faults)));
    let processor = |edition| {
        let ports = Ports {
            store: Arc::clone(&store) as Arc<_>,
            actions: Arc::clone(&actions) as Arc<_>,
            timers: Arc::clone(&queue) as Arc<_>,
            https: Arc::new(MemoryHttps::new(Arc::clone(&faults))),
            api_secrets: None,
            clock: Arc::clone(&clock) as Arc<_>,
        };
        Processor::of_planner(planner(edition), EventSchemas::default(), ports, NonZeroU32::MIN)
    };
    let processors = [processor(Edition::Before), processor(Edition::After)];
    for (nth, (edition, message)) in messages.iter().enumerate() {
        let processor = match edition {
            Edition::Before => &processors[0],
            Edition::After => &processors[1],
        };
        let batch = sqs_event(vec![sqs_message(&format!("r{nth}"), message, 1)]);
        let _ = processor.handle(batch, TIME_LEFT).await;
    }
    while let Some(batch) = queue.next(now.plus(SOON)) {
        let response = processors[0].handle(batch.clone(), TIME_LEFT).await;
        queue.settle(&batch, &response);
    }
    let sent = actions.sent().into_iter().filter(|(_, _, action)| !is_of_a_join(&action.cause));
    let actions = sent.map(|(conversation, _, action)| (conversation, action.id)).collect();
    Expected { contexts: contexts(&store), actions }
}

/// Whether an action is of a join, whose end depends on when its events came.
pub(crate) fn is_of_a_join(cause: &ClaimKey) -> bool {
    cause.is_ours()
}

/// The contexts of all names, without what joins wrote, and without whom an identity is linked to: what counts is where the
/// facts are.
pub(crate) fn contexts(store: &MemoryStore) -> BTreeMap<String, Context> {
    let partitions: BTreeSet<String> = store.items().into_keys().map(|place| place.partition).collect();
    let of_events = |name: String| {
        let mut context = store.context(&name);
        context.entities.retain(|entity, _| !entity.starts_with(JOIN_ENTITY));
        for fact in context.node.iter_mut().chain(context.entities.values_mut().flat_map(|facts| facts.values_mut())) {
            summed(fact);
        }
        (!context.entities.is_empty() || context.node.is_some()).then_some((name, context))
    };
    partitions.into_iter().filter_map(of_events).collect()
}

/// A counter's order is that of the last event that was added, which depends on the order. Its sum doesn't.
fn summed(fact: &mut Fact) {
    if fact.kind == FactKind::Counter {
        fact.order = Order::at(Timestamp::from_unix_ms(0), ClaimKey::of_no_event());
    }
}
