//! The processor over memory adapters, with rules of its own or those of `events/project/rules.yaml`.

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsMessage};
use processor::{Ports, Processor};
use receiver::delivery::Delivery;
use receiver::verify::{Key, verify};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::MAX_TIMER_DELAY;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::action::{Action, ActionId};
use tidings_core::claim::{Claim, ClaimKey, ClaimState};
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
pub(crate) use tidings_core::memory::sqs_message as message;
use tidings_core::memory::{
    Call, Faults, ManualClock, MemoryActions, MemoryHttps, MemoryQueue, MemorySecrets, MemoryStore, MemoryTimers, failed_ids,
    sqs_event,
};
use tidings_core::ports::ContextStore;
use tidings_events::project;
use tidings_events::{SECRETS, corpus, secrets_of};
use tidings_project::read_rules;

/// The redrive policy's limit.
pub(crate) const MAX_RECEIVES: u32 = 5;

/// Enough time for any batch.
pub(crate) const AMPLE: Duration = Duration::from_secs(30);

/// The document of the APIs' secrets.
pub(crate) const API_SECRETS: &str = r#"{"tickets": ["t0ken-new", "t0ken-old"], "crm": "bot:pass"}"#;

const RULES: &str = r#"
version: 1
conversations:
  - on: "*"
    conversation: data.who
rules:
  - name: moved
    on: order.moved
    set:
      status: data.status
  - name: paid
    on: order.paid
    set:
      cents: data.cents + 0
  - name: asked
    on: asked
    goto: answer
"#;

pub(crate) fn rules() -> Rules {
    rules_of(RULES)
}

/// The rules of a document, for events of [`Sent`].
pub(crate) fn rules_of(yaml: &str) -> Rules {
    read_rules("rules.yaml", yaml, &["orders".to_owned()]).unwrap_or_else(|report| panic!("{report}"))
}

pub(crate) fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap()
}

/// The processor with its dependencies.
#[derive(Debug)]
pub(crate) struct Harness {
    pub(crate) processor: Processor,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) outside: Outside,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) faults: Arc<Faults>,
}

/// The messages that the processors sent.
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    pub(crate) actions: Arc<MemoryActions>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) timers: Arc<MemoryTimers>,
    pub(crate) https: Arc<MemoryHttps>,
    pub(crate) secrets: Arc<MemorySecrets>,
}

impl Outside {
    /// How many aren't done yet.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.messages().len() + self.timers.unsent().len()
    }
}

/// What a turn or a reminder may call.
const CALLS: [Call; 7] = [Call::Load, Call::Commit, Call::Effect, Call::Rewrite, Call::Act, Call::SetTimer, Call::StoreTimer];

impl Harness {
    /// Handles a message until it is done.
    pub(crate) async fn until_done(&self, sent: &Sent) {
        let mut receives = 1;
        while !self.handle(vec![sent.message(receives)]).await.is_empty() {
            receives += 1;
            assert!(receives <= MAX_RECEIVES, "{sent:?}");
        }
    }

    /// The calls so far, for [`Self::since`].
    pub(crate) fn counts(&self) -> [u32; CALLS.len()] {
        CALLS.map(|call| self.faults.count(call))
    }

    /// The calls since then, without those that there were none of.
    pub(crate) fn since(&self, before: [u32; CALLS.len()]) -> Vec<(Call, u32)> {
        let after = self.counts().into_iter().zip(before).map(|(after, before)| after - before);
        CALLS.into_iter().zip(after).filter(|(_, n)| *n > 0).collect()
    }

    pub(crate) fn new() -> Self {
        Self::with(rules(), |store| store)
    }

    /// With the rules that are deployed.
    pub(crate) fn configured() -> Self {
        Self::with(project::rules(), |store| store)
    }

    /// With schemas for the events of [`RULES`].
    pub(crate) fn holding(schemas: EventSchemas) -> Self {
        let mut harness = Self::new();
        harness.processor = with_schemas(rules(), schemas, Arc::clone(&harness.store), &harness.clock, &harness.outside);
        harness
    }

    /// With another store around the memory's own.
    pub(crate) fn with<S: ContextStore + 'static>(rules: Rules, wrap: impl FnOnce(Arc<MemoryStore>) -> Arc<S>) -> Self {
        let faults = Arc::new(Faults::default());
        let store = Arc::new(MemoryStore::new(Arc::clone(&faults)));
        let clock = Arc::new(ManualClock::at(now()));
        let outside = Outside {
            actions: Arc::new(MemoryActions::new(Arc::clone(&faults))),
            queue: Arc::new(MemoryQueue::on(Arc::clone(&clock), Arc::clone(&faults)).dead_lettering_after(MAX_RECEIVES)),
            timers: Arc::new(MemoryTimers::new(Arc::clone(&faults))),
            https: Arc::new(MemoryHttps::new(Arc::clone(&faults))),
            secrets: Arc::new(MemorySecrets::new(Arc::clone(&faults), API_SECRETS)),
        };
        outside.timers.proven(now());
        let processor = another(rules, wrap(Arc::clone(&store)), &clock, &outside);
        Self { processor, store, outside, clock, faults }
    }

    /// The ids of messages returned to the queue, sorted.
    pub(crate) async fn handle(&self, messages: Vec<SqsMessage>) -> Vec<String> {
        self.handle_within(messages, AMPLE).await
    }

    pub(crate) async fn handle_within(&self, messages: Vec<SqsMessage>, time_left: Duration) -> Vec<String> {
        handle(&self.processor, messages, time_left).await
    }

    /// The sweeps that the schedule makes until this time, as far as they find a timer, and none after the first message that is
    /// visible. Each is repeated until it is complete.
    async fn sweep(&self, until: Timestamp) {
        let first = |queue: &MemoryQueue| queue.first_visible().map_or(until, |visible| visible.min(until));
        while let Some(due) = self.outside.timers.first_due() {
            let at = due.minus(MAX_TIMER_DELAY).max(self.clock.now());
            if at > first(&self.outside.queue) {
                break;
            }
            self.clock.set(at);
            while self.processor.sweep(AMPLE).await.is_err() {}
        }
        if self.outside.timers.are_swept() {
            self.outside.timers.proven(self.clock.now());
        }
    }

    /// The next message that is visible by this time is received and handled. The message, and the ids that are returned to the
    /// queue.
    async fn step(&self, until: Timestamp) -> Option<(SqsMessage, Vec<String>)> {
        self.sweep(until).await;
        let received = self.outside.queue.next(until)?;
        let response = self.processor.handle(received.clone(), AMPLE).await;
        let failed = self.outside.queue.settle(&received, &response);
        Some((received.records[0].clone(), failed))
    }

    /// What the processors have put off becomes visible at its time, and is processed, until this time: the clock moves on.
    pub(crate) async fn pass(&self, time: Duration) {
        let until = self.clock.now().plus(time);
        while let Some((message, failed)) = self.step(until).await {
            assert_eq!(failed, [""; 0], "{message:?}");
        }
        self.clock.set(until);
    }

    /// The same where calls may fail: what is given back is visible again at once.
    pub(crate) async fn pass_through(&self, time: Duration) {
        let until = self.clock.now().plus(time);
        while self.step(until).await.is_some() {}
        assert_eq!(self.outside.queue.dead_letters(), [""; 0]);
        self.clock.set(until);
    }

    /// The same where messages may be dead-lettered.
    pub(crate) async fn pass_until_dead(&self, time: Duration) {
        let until = self.clock.now().plus(time);
        while self.step(until).await.is_some() {}
        self.clock.set(until);
    }

    /// Time without a processor: what becomes visible stays in the queue until somebody settles it.
    pub(crate) fn outage(&self, time: Duration) {
        self.clock.set(self.clock.now().plus(time));
    }

    /// The body of the first message of those that were put off until this time that is returned to the queue. It is taken out.
    pub(crate) async fn first_that_fails(&self, time: Duration) -> String {
        let until = self.clock.now().plus(time);
        loop {
            let (message, failed) = self.step(until).await.expect("something that fails");
            if !failed.is_empty() {
                self.outside.queue.settle(&sqs_event(vec![message.clone()]), &SqsBatchResponse::default());
                return message.body.unwrap();
            }
        }
    }

    /// The messages that are due immediately.
    pub(crate) async fn settle(&self) {
        self.pass(Duration::ZERO).await;
    }

    /// The actions that were sent, each once: the conversation, and what.
    pub(crate) fn actions(&self) -> BTreeMap<ActionId, (String, Action)> {
        let sent = self.outside.actions.sent();
        sent.into_iter().map(|(conversation, _, action)| (action.id.clone(), (conversation, action))).collect()
    }

    /// The texts that a conversation was sent, in order.
    pub(crate) fn said(&self, conversation: &str) -> Vec<String> {
        let mut known = BTreeSet::new();
        let sent = self.outside.actions.sent();
        let mine = sent.iter().filter(|(to, _, action)| to == conversation && known.insert(action.id.clone()));
        mine.filter_map(|(_, _, action)| action.data["text"].as_str().map(str::to_owned)).collect()
    }

    pub(crate) fn claim(&self, key: &str) -> Option<Claim> {
        self.store.claim(&ClaimKey::from(key.to_owned()))
    }

    pub(crate) fn state(&self, key: &str) -> Option<ClaimState> {
        self.claim(key).map(|claim| claim.state)
    }

    /// A fact's value, or null.
    pub(crate) fn fact(&self, conversation: &str, entity: &str, name: &str) -> Value {
        let context = self.store.context(conversation);
        let fact = context.entities.get(entity).and_then(|facts| facts.get(name));
        fact.map_or(Value::Null, |fact| fact.value.clone())
    }

    pub(crate) fn node(&self, conversation: &str) -> Option<Value> {
        self.store.context(conversation).node.map(|node| node.value)
    }
}

/// One more processor, as Lambda runs many.
pub(crate) fn another<S: ContextStore + 'static>(
    rules: Rules,
    store: Arc<S>,
    clock: &Arc<ManualClock>,
    outside: &Outside,
) -> Processor {
    with_schemas(rules, EventSchemas::default(), store, clock, outside)
}

fn with_schemas<S: ContextStore + 'static>(
    rules: Rules,
    schemas: EventSchemas,
    store: Arc<S>,
    clock: &Arc<ManualClock>,
    outside: &Outside,
) -> Processor {
    let ports = Ports {
        store,
        actions: Arc::clone(&outside.actions) as _,
        timers: Arc::clone(&outside.queue) as _,
        https: Arc::clone(&outside.https) as _,
        api_secrets: Some(Arc::clone(&outside.secrets) as _),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
    };
    Processor::new(rules, schemas, ports, NonZeroU32::new(MAX_RECEIVES).unwrap())
        .taking_links_from(LINKS_QUEUE_ARN)
        .storing_timers(Arc::clone(&outside.timers) as _)
}

pub(crate) async fn handle(processor: &Processor, messages: Vec<SqsMessage>, time_left: Duration) -> Vec<String> {
    failed_ids(&processor.handle(sqs_event(messages), time_left).await)
}

/// An event as the receiver would queue it, for [`RULES`].
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) id: &'static str,
    pub(crate) event_type: &'static str,
    pub(crate) order: &'static str,
    /// Seconds before [`now`].
    pub(crate) age_seconds: i64,
    pub(crate) data: Value,
}

impl Sent {
    pub(crate) fn envelope(&self) -> Envelope {
        let time = Timestamp::from_unix_ms(now().unix_ms() - self.age_seconds * 1_000);
        Envelope::new(NewEnvelope {
            id: self.id.to_owned(),
            source: "orders".to_owned(),
            event_type: self.event_type.to_owned(),
            subject: Some(format!("order/{}", self.order)),
            time: Some(time),
            conversation: None,
            sequence: None,
            received: now(),
            claim_key: ClaimKey::new("orders", self.id),
            traceparent: None,
            payload: Payload::Json(RawValue::from_string(self.data.to_string()).unwrap()),
        })
    }

    pub(crate) fn message(&self, receive_count: u32) -> SqsMessage {
        message(&format!("m-{}", self.id), &self.envelope().encode(), receive_count)
    }
}

/// `order/1` of this conversation has this status, as of so many seconds ago.
pub(crate) fn moved(id: &'static str, who: &str, status: &str, age_seconds: i64) -> Sent {
    Sent { id, event_type: "order.moved", order: "1", age_seconds, data: json!({"who": who, "status": status}) }
}

pub(crate) fn paid(id: &'static str, who: &str, cents: i64) -> Sent {
    Sent { id, event_type: "order.paid", order: "1", age_seconds: 0, data: json!({"who": who, "cents": cents}) }
}

/// Its rule never has a value for it.
pub(crate) fn poison(id: &'static str, who: &str) -> Sent {
    Sent { id, event_type: "order.paid", order: "1", age_seconds: 0, data: json!({"who": who, "cents": "hunter2"}) }
}

/// The queue of the stories' links.
pub(crate) const LINKS_QUEUE_ARN: &str = "arn:aws:sqs:eu-central-1:123456789012:shop-links";

/// A message of the links queue, as [`message`] is one of the events queue.
pub(crate) fn on_the_links_queue(id: &str, body: &str, receive_count: u32) -> SqsMessage {
    let mut message = message(id, body, receive_count);
    message.event_source_arn = Some(LINKS_QUEUE_ARN.to_owned());
    message
}

/// The corpus as the receiver queues it: every event of every authentic case, in their order.
pub(crate) fn corpus_events() -> Vec<Envelope> {
    let sources = tidings_events::project::sources();
    let mut events = Vec::new();
    for case in corpus().cases.iter().filter(|case| !case.repeats && case.expect.is_accepted()) {
        let source = sources.iter().find(|s| s.name == case.source).unwrap();
        let secret = &secrets_of(SECRETS, &case.source).unwrap()[0];
        let request = case.request(source, secret, now(), None, None).unwrap();
        let delivery =
            Delivery { method: "POST".to_owned(), query: String::new(), headers: request.headers, body: request.body.into() };
        let keys = [Key::prepare(&source.scheme, secret).unwrap()];
        let verified = verify(source, &keys, &delivery, now()).unwrap();
        events.extend(receiver::extract::events(&verified, now()).unwrap().iter().map(|e| e.envelope().clone()));
    }
    events
}
