//! The stores, the queues and the processes of a simulation: the crates that are deployed, on the fault layer.

mod channel;

pub(crate) use channel::Channel;

use crate::broken::Broken;
use crate::calls::Port;
use crate::load::Preset;
use crate::rules::{Edition, planner};
use crate::shared::{Shared, Skewed};
use processor::Processor;
use receiver::Receiver;
use receiver::verify::Key;
use sender::Sender;
use serde_json::{Map, Value};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::{EVENTS_VISIBILITY, SENDER_RECEIVES};
use tidings_config::schemas::EventSchemas;
use tidings_core::action::Action;
use tidings_core::claim::Sha256Hex;
use tidings_core::memory::{
    MemoryActions, MemoryCalls, MemoryForwards, MemoryHttps, MemoryQueue, MemorySecrets, MemorySends, MemoryStore, MemoryTimers,
};
use tidings_core::ports::Forwarded;

/// The visibility timeout of the actions queue.
const ACTIONS_VISIBILITY: Duration = Duration::from_secs(180);

/// What [`Key::stranger`] signs with.
const FORGERS: &str = "a secret that nobody gave to anybody";

/// The actions queue: FIFO, and a log of what was sent to it.
#[derive(Debug)]
pub(crate) struct Actions {
    pub(crate) log: Arc<MemoryActions>,
    pub(crate) queue: Arc<MemoryQueue>,
}

impl Actions {
    /// Queues the action, unless a copy was queued within five minutes. Whether it is news. `always`: each copy has an id
    /// of its own.
    pub(crate) fn put(&self, conversation: &str, sequence: u64, action: &Action, always: bool) -> bool {
        let nth = self.log.sent().len();
        let deduplication = if always { format!("{}-{nth}", action.id) } else { action.id.to_string() };
        let message = Forwarded {
            body: action.encode(conversation, sequence),
            group: Sha256Hex::of(conversation.as_bytes()).digits().to_owned(),
            deduplication,
            attributes: Vec::new(),
        };
        let before = self.queue.messages().len();
        self.queue.put_fifo(&message);
        self.queue.messages().len() > before
    }
}

/// What outlives every process.
#[derive(Debug)]
pub(crate) struct System {
    shared: Arc<Shared>,
    presets: Vec<&'static Preset>,
    max_receives: u32,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) timers: Arc<MemoryTimers>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) actions: Arc<Actions>,
    pub(crate) sends: Arc<MemorySends>,
    pub(crate) bot: Arc<MemoryForwards>,
    pub(crate) unsaid: Arc<MemoryForwards>,
    pub(crate) channel: Arc<Channel>,
    calls: Arc<MemoryCalls>,
    secrets: Arc<MemorySecrets>,
    channel_secrets: Arc<MemorySecrets>,
}

impl System {
    pub(crate) fn new(shared: &Arc<Shared>, presets: Vec<&'static Preset>, max_receives: u32) -> Self {
        let faults = &shared.faults;
        let queue = MemoryQueue::on(Arc::clone(&shared.clock), Arc::clone(faults));
        let queue = Arc::new(queue.hiding(EVENTS_VISIBILITY).dead_lettering_after(max_receives));
        let fifo = MemoryQueue::on(Arc::clone(&shared.clock), Arc::clone(faults));
        let fifo = Arc::new(fifo.hiding(ACTIONS_VISIBILITY).dead_lettering_after(SENDER_RECEIVES));
        let actions = Actions { log: Arc::new(MemoryActions::new(Arc::clone(faults))), queue: fifo };
        let timers = Arc::new(MemoryTimers::new(Arc::clone(faults)));
        timers.proven(shared.now());
        let channel = Arc::new(Channel::default());
        let taking = Arc::clone(&channel);
        let secrets: Map<String, Value> = presets.iter().map(|preset| secrets_of(preset, shared)).collect();
        let forwards = || Arc::new(MemoryForwards::new(Arc::clone(faults)));
        Self {
            shared: Arc::clone(shared),
            presets,
            max_receives,
            store: Arc::new(MemoryStore::new(Arc::clone(faults))),
            timers,
            queue,
            actions: Arc::new(actions),
            sends: Arc::new(MemorySends::new(Arc::clone(faults))),
            bot: forwards(),
            unsaid: forwards(),
            channel,
            calls: Arc::new(MemoryCalls::new(Arc::clone(faults), move |call| taking.answer(call))),
            secrets: Arc::new(MemorySecrets::new(Arc::clone(faults), Value::Object(secrets).to_string())),
            channel_secrets: Arc::new(MemorySecrets::new(Arc::clone(faults), channel::SECRETS)),
        }
    }

    pub(crate) fn receiver(&self, clock: &Arc<Skewed>) -> Receiver {
        let store = Port::of(&self.store, &self.shared);
        let ports = receiver::Ports {
            claims: store,
            queue: Port::of(&self.queue, &self.shared),
            secrets: Port::of(&self.secrets, &self.shared),
            captured: None,
            https: Arc::new(MemoryHttps::new(Arc::clone(&self.shared.faults))),
            clock: Arc::clone(clock) as Arc<_>,
        };
        Receiver::new(self.presets.iter().map(|preset| preset.signable.source.clone()).collect(), ports)
    }

    pub(crate) fn processor(&self, clock: &Arc<Skewed>, edition: Edition) -> Processor {
        let (store, queue) = (Port::of(&self.store, &self.shared), Port::of(&self.queue, &self.shared));
        let ports = processor::Ports {
            store: Arc::clone(&store) as Arc<_>,
            actions: Port::of(&self.actions, &self.shared),
            timers: Arc::clone(&queue) as Arc<_>,
            https: Arc::new(MemoryHttps::new(Arc::clone(&self.shared.faults))),
            api_secrets: None,
            clock: Arc::clone(clock) as Arc<_>,
        };
        let receives = NonZeroU32::new(self.max_receives).expect("a redrive policy has at least one receive");
        Processor::of_planner(planner(edition), EventSchemas::default(), ports, receives)
            .isolating(queue, EVENTS_VISIBILITY)
            .storing_timers(Port::of(&self.timers, &self.shared))
            .sweeping_outbox(store)
    }

    pub(crate) fn sender(&self, clock: &Arc<Skewed>) -> Sender {
        let ports = sender::Ports {
            sends: Port::of(&self.sends, &self.shared),
            bot: Port::of(&self.bot, &self.shared),
            dead_letters: Port::of(&self.unsaid, &self.shared),
            visibility: Port::of(&self.actions.queue, &self.shared),
            secrets: Port::of(&self.channel_secrets, &self.shared),
            https: Port::of(&self.calls, &self.shared),
            clock: Arc::clone(clock) as Arc<_>,
        };
        Sender::new(channel::configured(), ports, NonZeroU32::MIN, None)
    }
}

fn secrets_of(preset: &&'static Preset, shared: &Arc<Shared>) -> (String, Value) {
    let own = Value::from(preset.signable.secret());
    let is_theirs = shared.is_broken(Broken::ForgerHasSecret) && Key::prepare(&preset.signable.source.scheme, FORGERS).is_ok();
    let all = if is_theirs { Value::from(vec![own, Value::from(FORGERS)]) } else { own };
    (preset.signable.source.name.clone(), all)
}
