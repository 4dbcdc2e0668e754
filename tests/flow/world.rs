//! A provider, the two functions, and the queue between them.

use crate::faulty::{Faulty, Schedule};
use lambda_http::{Body, Request};
use processor::Processor;
use receiver::{Ports, Receiver};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::{OUTBOX_AGE, OUTBOX_PARTITIONS, SWEEP_PAGE};
use tidings_config::rules::Rules;
use tidings_config::source::Source;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::action::{Action, NOTIFY_TYPE};
use tidings_core::claim::{Claim, ClaimKey};
use tidings_core::context::{Context, FactKind};
use tidings_core::envelope::Envelope;
use tidings_core::memory::{Faults, ManualClock, MemoryActions, MemoryHttps, MemoryQueue, MemorySecrets, MemoryStore};
use tidings_core::ports::OutboxStore;
use tidings_events::{Case, ExpectedAction, SECRETS, SignedRequest, secrets_of};
use tidings_tests::messages;
use tokio::time::timeout;

/// The redrive policy's receive count.
pub(crate) const MAX_RECEIVES: u32 = 5;

/// Longer than any call, shorter than a batch's deadline. On Tokio's paused clock.
const DEAD_AFTER: Duration = Duration::from_secs(10);
const TIME_LEFT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) receiver: Arc<Receiver>,
    pub(crate) processor: Processor,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) queue: Arc<MemoryQueue>,
    actions: Arc<MemoryActions>,
    clock: Arc<ManualClock>,
    sources: Vec<Source>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(tidings_events::project::rules()).await
    }

    /// With other rules than those of the project.
    pub(crate) async fn with(rules: Rules) -> Self {
        let faults = Arc::new(Faults::default());
        let schedule = Arc::new(Schedule::default());
        let store = Arc::new(MemoryStore::new(Arc::clone(&faults)));
        let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap()));
        let queue = MemoryQueue::on(Arc::clone(&clock), Arc::clone(&faults)).dead_lettering_after(MAX_RECEIVES);
        let queue = Arc::new(queue);
        let actions = Arc::new(MemoryActions::new(Arc::clone(&faults)));
        let faulty_store = Faulty::around(&store, &faults, &schedule);
        let faulty_queue = Faulty::around(&queue, &faults, &schedule);
        let ports = Ports {
            claims: Arc::clone(&faulty_store) as Arc<_>,
            queue: Arc::clone(&faulty_queue) as Arc<_>,
            secrets: Arc::new(MemorySecrets::new(Arc::clone(&faults), SECRETS)),
            captured: None,
            https: Arc::new(MemoryHttps::new(Arc::clone(&faults))),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let sources = tidings_events::project::sources();
        let receiver = Arc::new(Receiver::new(sources.clone(), ports));
        receiver.warm_up().await;
        let processor = Processor::new(
            rules,
            tidings_events::project::schemas(),
            processor::Ports {
                store: faulty_store,
                actions: Faulty::around(&actions, &faults, &schedule),
                timers: faulty_queue,
                https: Arc::new(MemoryHttps::new(Arc::clone(&faults))),
                api_secrets: None,
                clock: Arc::clone(&clock) as Arc<dyn Clock>,
            },
            NonZeroU32::new(MAX_RECEIVES).unwrap(),
        )
        .sweeping_outbox(Arc::clone(&store) as Arc<_>);
        Self { receiver, processor, store, schedule, queue, actions, clock, sources }
    }

    /// The case as its provider sends it now.
    pub(crate) fn request(&self, case: &Case) -> SignedRequest {
        let source = self.sources.iter().find(|s| s.name == case.source).unwrap();
        let secret = &secrets_of(SECRETS, &case.source).unwrap()[0];
        case.request(source, secret, self.clock.now(), case.tamper, None).unwrap()
    }

    /// Status and word of the reply. `None`: the receiver crashed.
    pub(crate) async fn deliver(&mut self, case: &Case) -> Option<(u16, String)> {
        self.clock.advance(Duration::from_secs(1));
        timeout(DEAD_AFTER, answer(&self.receiver, self.request(case))).await.ok()
    }

    /// Delivers like a provider: again until a 2xx response. Returns the number of deliveries.
    pub(crate) async fn deliver_until_accepted(&mut self, case: &Case) -> u32 {
        for attempt in 1..1_000 {
            if self.deliver(case).await.is_some_and(|(status, _)| (200..300).contains(&status)) {
                return attempt;
            }
        }
        panic!("{} is never accepted", case.name)
    }

    /// Processes one batch of up to `size` messages, starting at `from`. If the processor crashes, all become visible
    /// again.
    pub(crate) async fn process(&mut self, from: usize, size: usize) {
        self.clock.advance(Duration::from_secs(1));
        let batch = self.queue.receive_arranged(size, |places| drop(places.drain(..from.min(places.len()))));
        batch.records.iter().for_each(|record| messages::check("event", record.body.as_ref().unwrap()));
        if let Ok(response) = timeout(DEAD_AFTER, self.processor.handle(batch.clone(), TIME_LEFT)).await {
            self.queue.settle(&batch, &response);
        }
    }

    /// Processes until SQS has no messages left, visible or hidden, and no claim keeps an event that wasn't queued.
    pub(crate) async fn process_all(&mut self) {
        self.process_queued().await;
        while !self.kept().await.is_empty() {
            self.clock.advance(OUTBOX_AGE + Duration::from_secs(1));
            // A sweep that fails or dies is followed by another one.
            let _ = timeout(DEAD_AFTER, self.processor.sweep(TIME_LEFT)).await;
            self.process_queued().await;
        }
    }

    /// The events that claims keep because the queue may not have them.
    pub(crate) async fn kept(&self) -> BTreeSet<ClaimKey> {
        let mut kept = BTreeSet::new();
        for partition in 0..OUTBOX_PARTITIONS {
            let page = self.store.waiting(partition, Timestamp::from_unix_ms(0), self.clock.now(), SWEEP_PAGE).await;
            kept.extend(page.expect("no fault of this table").into_iter().map(|entry| entry.key));
        }
        kept
    }

    async fn process_queued(&mut self) {
        self.process_each(10).await;
    }

    /// Processes until SQS has no messages left, so many at a time.
    pub(crate) async fn process_each(&mut self, at_once: usize) {
        while let Some(visible) = self.queue.first_visible() {
            self.clock.set(visible.max(self.clock.now()));
            self.process(0, at_once).await;
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Everything that was sent, copies included: the conversation, the sequence, and the action.
    pub(crate) fn sent(&self) -> Vec<(String, u64, Action)> {
        self.actions.sent()
    }

    /// Gives every event in the dead-letter queue its receives again.
    pub(crate) async fn redrive(&mut self) {
        self.queue.redrive();
        self.process_all().await;
    }

    pub(crate) fn claim(&self, key: &ClaimKey) -> Option<Claim> {
        self.store.claim(key)
    }

    /// The events in the dead-letter queue.
    pub(crate) fn dead_letter_keys(&self) -> BTreeSet<ClaimKey> {
        self.queue.dead_letters().iter().map(|body| Envelope::decode(body).unwrap().claimkey).collect()
    }

    /// The contexts of all conversations. The time of their events' first receipt is left out: faults at the claim
    /// delay it, and it decides only between events with equal times.
    pub(crate) fn contexts(&self) -> BTreeMap<String, Context> {
        let partitions: BTreeSet<String> = self.store.items().into_keys().map(|place| place.partition).collect();
        partitions.into_iter().map(|name| (name.clone(), without_receipts(self.store.context(&name)))).collect()
    }

    /// The sent actions, each once: conversation, rule, text or type. In each conversation, their first copies are in
    /// the order of their transactions.
    pub(crate) fn actions(&self) -> BTreeSet<ExpectedAction> {
        let mut known = BTreeSet::new();
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        let mut actions = BTreeSet::new();
        for (conversation, sequence, action) in self.actions.sent() {
            messages::check("action", &action.encode(&conversation, sequence));
            if known.insert(action.id.clone()) {
                let before = last.insert(conversation.clone(), sequence);
                assert!(before < Some(sequence), "{conversation}: {sequence} after {before:?}");
                let said = action.action_type == NOTIFY_TYPE;
                let text = action.data["text"].as_str().filter(|_| said).map(str::to_owned);
                let action_type = Some(action.action_type).filter(|_| !said);
                actions.insert(ExpectedAction { conversation, rule: action.rule, text, action_type });
            }
        }
        assert_eq!(actions.len(), known.len(), "no two ids for one action");
        actions
    }
}

/// After every test: no event had a second effect, and none had one without its claim.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.schedule.violations(), [""; 0]);
        }
    }
}

/// Status and word of the reply.
pub(crate) async fn answer(receiver: &Receiver, request: SignedRequest) -> (u16, String) {
    let mut http = Request::new(Body::Binary(request.body));
    *http.method_mut() = request.method.parse().unwrap();
    *http.uri_mut() = request.path.parse().unwrap();
    *http.headers_mut() = request.headers;
    let response = receiver.handle(http).await;
    let reply: Value = serde_json::from_slice(response.body()).unwrap();
    let word = reply.get("status").or_else(|| reply.get("error")).and_then(Value::as_str).unwrap();
    (response.status().as_u16(), word.to_owned())
}

fn without_receipts(mut context: Context) -> Context {
    for fact in context.node.iter_mut().chain(context.entities.values_mut().flat_map(|facts| facts.values_mut())) {
        fact.order.received_after_ms = 0;
        if let FactKind::Set(members) = &mut fact.kind {
            members.values_mut().for_each(|member| member.order.received_after_ms = 0);
        }
    }
    context
}
