//! A processor with memory stores, and the samples' events.

use processor::{Ports, Processor};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::provider::Provider;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_config::source::Source;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::{Claim, ClaimKey};
use tidings_core::context::Context;
use tidings_core::envelope::Envelope;
use tidings_core::memory::{Faults, ManualClock, MemoryActions, MemoryHttps, MemoryQueue, MemoryStore, sqs_event, sqs_message};
use tidings_events::samples;
use tidings_events::signable::Signable;

pub(crate) const NOW: Timestamp = Timestamp::from_unix_ms(1_795_975_400_000);

const TIME_LEFT: Duration = Duration::from_secs(60);

/// The redrive policy's receive count.
const MAX_RECEIVES: u32 = 5;

/// An event of a sample. `sample` is `preset/sample`.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) sample: String,
    pub(crate) envelope: Envelope,
}

/// The events of all samples of a preset, at a source of this name. Deliveries are one second apart.
pub(crate) fn events_of(provider: &Provider, source: &str) -> Vec<Named> {
    let mut signable = Signable::of(provider.clone());
    signable.source = Source { name: source.to_owned(), ..signable.source };
    let mut events = Vec::new();
    for (n, sample) in samples::of_preset(&provider.name).iter().enumerate() {
        let at = NOW.plus(Duration::from_secs(n as u64));
        let request = signable.sign(sample, at).unwrap_or_else(|error| panic!("{}: {}: {error}", provider.name, sample.name));
        let read = signable.events(&request, at).unwrap_or_else(|error| panic!("{}: {}: {error}", provider.name, sample.name));
        let named = |event: receiver::extract::VerifiedEvent| Named {
            sample: format!("{}/{}", provider.name, sample.name),
            envelope: event.envelope().clone(),
        };
        events.extend(read.into_iter().map(named));
    }
    events
}

#[derive(Debug)]
pub(crate) struct World {
    processor: Processor,
    store: Arc<MemoryStore>,
    actions: Arc<MemoryActions>,
}

impl World {
    pub(crate) fn new(rules: Rules, schemas: EventSchemas, at: Timestamp) -> Self {
        let faults = Arc::new(Faults::default());
        let store = Arc::new(MemoryStore::new(Arc::clone(&faults)));
        let actions = Arc::new(MemoryActions::new(Arc::clone(&faults)));
        let ports = Ports {
            store: Arc::clone(&store) as Arc<_>,
            actions: Arc::clone(&actions) as Arc<_>,
            timers: Arc::new(MemoryQueue::new(Arc::clone(&faults))),
            https: Arc::new(MemoryHttps::new(faults)),
            api_secrets: None,
            clock: Arc::new(ManualClock::at(at)) as Arc<dyn Clock>,
        };
        let processor = Processor::new(rules, schemas, ports, NonZeroU32::new(MAX_RECEIVES).expect("it isn't 0"));
        Self { processor, store, actions }
    }

    /// Processes one batch on its last receive, so that failures are dead-lettered.
    pub(crate) async fn process(&self, events: &[&Named]) {
        let record = |(n, event): (usize, &&Named)| sqs_message(&format!("m{n}"), &event.envelope.encode(), MAX_RECEIVES);
        let batch = sqs_event(events.iter().enumerate().map(record).collect());
        self.processor.handle(batch, TIME_LEFT).await;
    }

    pub(crate) fn claim(&self, key: &ClaimKey) -> Option<Claim> {
        self.store.claim(key)
    }

    /// The contexts of all conversations.
    pub(crate) fn contexts(&self) -> BTreeMap<String, Context> {
        let partitions: BTreeSet<String> = self.store.items().into_keys().map(|place| place.partition).collect();
        partitions.into_iter().map(|name| (name.clone(), self.store.context(&name))).collect()
    }

    /// The sent actions: conversation, rule, id.
    pub(crate) fn actions(&self) -> BTreeSet<(String, String, String)> {
        let sent = self.actions.sent().into_iter();
        sent.map(|(conversation, _, action)| (conversation, action.rule, action.data.to_string())).collect()
    }
}
