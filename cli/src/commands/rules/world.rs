//! The processor as it is deployed, over stores in memory. Nothing is retried: each message is at its last receive.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use http::StatusCode;
use processor::{Ports, Processor};
use receiver::Receiver;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::MAX_TIMER_DELAY;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_config::source::Source;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::action::Action;
use tidings_core::claim::{Claim, ClaimKey};
use tidings_core::context::Context;
use tidings_core::envelope::Envelope;
use tidings_core::external_link::ExternalLink;
use tidings_core::memory::{ManualClock, MemoryActions, MemoryHttps, MemoryQueue, MemorySecrets, MemoryStore, MemoryTimers};
use tidings_events::SignedRequest;

/// The ARN of the links queue, in the form of SQS.
const LINKS_QUEUE_ARN: &str = "arn:aws:sqs:here:000000000000:links";

/// A time limit that is sufficient for one event.
const AMPLE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct World {
    processor: Processor,
    store: Arc<MemoryStore>,
    actions: Arc<MemoryActions>,
    queue: Arc<MemoryQueue>,
    /// Timers that are due much later.
    timers: Arc<MemoryTimers>,
    https: Arc<MemoryHttps>,
    clock: Arc<ManualClock>,
    /// The receiver in front of the queue.
    receiver: Option<Receiver>,
    /// The failed messages, in order.
    failed: Vec<Failed>,
}

/// A message that the processor couldn't finish. Here, every receive is the last one.
#[derive(Debug)]
pub(crate) struct Failed {
    /// `None`: the message names no event.
    pub(crate) key: Option<ClaimKey>,
    pub(crate) reason: String,
}

impl Failed {
    /// Whether it isn't a provider's event, but became due because of one: a timer, or a message that waited.
    pub(crate) fn is_ours(&self) -> bool {
        self.key.as_ref().is_none_or(ClaimKey::is_ours)
    }
}

impl World {
    pub(crate) fn new(rules: Rules, schemas: EventSchemas, now: Timestamp) -> Self {
        let (store, actions) = (Arc::<MemoryStore>::default(), Arc::<MemoryActions>::default());
        let clock = Arc::new(ManualClock::at(now));
        let queue = Arc::new(MemoryQueue::on(clock.clone(), Arc::default()));
        let https = Arc::new(MemoryHttps::new(Arc::default()));
        // Any secret works: nothing checks the secrets here.
        let secrets: BTreeMap<&String, &str> = rules.apis.keys().map(|api| (api, "a secret")).collect();
        let secrets = MemorySecrets::new(Arc::default(), serde_json::json!(secrets).to_string());
        let (store_port, actions_port, timers_port, clock_port) = (store.clone(), actions.clone(), queue.clone(), clock.clone());
        let ports = Ports {
            store: store_port,
            actions: actions_port,
            timers: timers_port,
            https: https.clone(),
            api_secrets: Some(Arc::new(secrets)),
            clock: clock_port,
        };
        let timers = Arc::new(MemoryTimers::new(Arc::default()));
        timers.proven(now);
        let processor = Processor::new(rules, schemas, ports, NonZeroU32::MIN)
            .taking_links_from(LINKS_QUEUE_ARN)
            .storing_timers(timers.clone());
        Self { processor, store, actions, queue, timers, https, clock, receiver: None, failed: Vec::new() }
    }

    /// The same with a receiver in front, which listens as these sources with these secrets.
    pub(crate) async fn listening(mut self, sources: Vec<Source>, secrets: &str) -> Self {
        let ports = receiver::Ports {
            claims: self.store.clone(),
            queue: self.queue.clone(),
            secrets: Arc::new(MemorySecrets::new(Arc::default(), secrets)),
            captured: None,
            https: self.https.clone(),
            clock: self.clock.clone(),
        };
        let receiver = Receiver::new(sources, ports);
        receiver.warm_up().await;
        self.receiver = Some(receiver);
        self
    }

    /// Receives a delivery now, as its provider would send it, and processes the messages that it queues. Returns the
    /// status and body of the answer.
    pub(crate) async fn deliver(&mut self, request: &SignedRequest) -> (u16, Vec<u8>) {
        let Some(receiver) = &self.receiver else { return (StatusCode::NOT_FOUND.as_u16(), Vec::new()) };
        let mut sent = http::Request::builder().method(request.method).uri(&request.path);
        sent.headers_mut().into_iter().for_each(|headers| headers.clone_from(&request.headers));
        let Ok(sent) = sent.body(lambda_http::Body::Binary(request.body.clone())) else {
            return (StatusCode::BAD_REQUEST.as_u16(), Vec::new());
        };
        let (parts, body) = receiver.handle(sent).await.into_parts();
        self.wait(Duration::ZERO).await;
        (parts.status.as_u16(), body.to_vec())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sets the object that is fetched from this URL. Other URLs have no object.
    pub(crate) fn put(&self, url: &str, object: &Value) {
        self.https.put(url, object.to_string());
    }

    /// Processes an event that is received now, and everything that is due at once because of it.
    pub(crate) async fn receive(&mut self, mut event: Envelope) {
        event.receivedtime = self.clock.now();
        self.play([event]).await;
    }

    /// Replays events that were received before. Each is received at its recorded time, or after the one before.
    pub(crate) async fn play(&mut self, events: impl IntoIterator<Item = Envelope>) {
        for event in events {
            self.wait(event.receivedtime.since(self.now())).await;
            match ExternalLink::of_envelope(&event) {
                Some(link) => self.queue.put_on(LINKS_QUEUE_ARN, &link.encode()),
                None => self.queue.put(&event.encode(), Duration::ZERO),
            }
            self.wait(Duration::ZERO).await;
        }
    }

    /// Lets time pass: delayed messages become visible when they are due.
    pub(crate) async fn wait(&mut self, time: Duration) {
        let until = self.clock.now().plus(time);
        loop {
            self.sweep(until).await;
            let Some(received) = self.queue.next(until) else { break };
            self.process(received).await;
        }
        self.clock.set(until);
    }

    /// The sweeps of stored timers until this time, as far as they find one, and none after the next message.
    async fn sweep(&self, until: Timestamp) {
        while let Some(due) = self.timers.first_due() {
            let at = due.minus(MAX_TIMER_DELAY).max(self.clock.now());
            if at > self.queue.first_visible().map_or(until, |visible| visible.min(until)) {
                break;
            }
            self.clock.set(at);
            if self.processor.sweep(AMPLE).await.is_err() {
                break;
            }
        }
        self.timers.proven(self.clock.now());
    }

    async fn process(&mut self, received: SqsEvent) {
        let key = received.records.iter().find_map(|record| Envelope::claim_key_of(record.body.as_deref()?));
        let response = self.processor.handle(received.clone(), AMPLE).await;
        if !response.batch_item_failures.is_empty() {
            let reason = key.as_ref().and_then(|key| self.claim(key)?.reason);
            let reason = reason.unwrap_or_else(|| "its message was returned to the queue".to_owned());
            self.failed.push(Failed { key, reason });
        }
        // Failed or not, the message isn't received again.
        self.queue.settle(&received, &SqsBatchResponse::default());
    }

    /// Returns the messages that failed since the last call.
    pub(crate) fn take_failed(&mut self) -> Vec<Failed> {
        std::mem::take(&mut self.failed)
    }

    /// The claim of any event, including our own.
    pub(crate) fn claim(&self, key: &ClaimKey) -> Option<Claim> {
        self.store.claim(key)
    }

    /// The claims of providers' events.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        self.store.claims().into_iter().filter(|claim| !claim.key.is_ours()).collect()
    }

    /// The current context.
    pub(crate) fn context(&self, conversation: &str) -> Context {
        self.store.context_at(conversation, self.clock.now())
    }

    /// All conversations with stored data.
    pub(crate) fn conversations(&self) -> BTreeSet<String> {
        self.store
            .items()
            .into_keys()
            .map(|place| place.partition)
            .filter(|name| !["join#", "turn#", "reminder#"].iter().any(|partition| name.starts_with(partition)))
            .collect()
    }

    /// Each action once, in the order in which it was sent, with its conversation.
    pub(crate) fn actions(&self) -> Vec<(String, Action)> {
        let mut known = BTreeSet::new();
        let sent = self.actions.sent().into_iter();
        sent.filter(|(_, _, action)| known.insert(action.id.clone())).map(|(to, _, action)| (to, action)).collect()
    }
}

/// A context's node and facts as plain values.
pub(crate) fn values(context: &Context) -> (Option<String>, BTreeMap<String, BTreeMap<String, Value>>) {
    let node = context.node.as_ref().and_then(|node| node.value.as_str()).map(str::to_owned);
    let entities = context.entities.iter().map(|(entity, facts)| {
        let facts = facts.iter().map(|(name, fact)| (name.clone(), fact.value.clone())).collect();
        (entity.clone(), facts)
    });
    (node, entities.collect())
}
