//! A publisher, its queues, and the servers of its endpoints.

use async_trait::async_trait;
use futures::FutureExt;
use publisher::delivery::{Delivery, DeliveryState};
use publisher::endpoint::{EndpointRecord, Status};
use publisher::memory::MemoryDeliveries;
use publisher::ports::EndpointStore;
use publisher::{Ports, Publisher};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_config::endpoint::{BodyForm, Endpoint, EndpointId};
use tidings_config::limits::MAX_TIMER_DELAY;
use tidings_config::rules::Priority;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_core::memory::{Faults, ManualClock, MemoryPublished, MemoryQueue, MemorySecrets, sqs_event, sqs_message};
use tidings_core::ports::{Answered, Call, CallError, HttpsCall};

/// The redrive policy's limit.
pub(crate) const MAX_RECEIVES: u32 = 5;
pub(crate) const VISIBILITY: Duration = Duration::from_secs(180);
pub(crate) const AMPLE: Duration = Duration::from_secs(60);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) const SECRETS: &str = r#"{"@master": "0123456789abcdef0123456789abcdef", "crm": ["whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3", "whsec_b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk"]}"#;

pub(crate) fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-30T10:00:00Z").unwrap()
}

type Answers = dyn Fn(&Call, Timestamp) -> Result<Answered, CallError> + Send + Sync;

/// The servers of all endpoints.
pub(crate) struct Servers {
    clock: Arc<ManualClock>,
    answers: Mutex<Arc<Answers>>,
    calls: Mutex<Vec<(Timestamp, Call)>>,
    /// On Tokio's clock.
    pub(crate) slow: Mutex<Option<(&'static str, Duration)>>,
    pub(crate) dies: Mutex<Option<(usize, bool)>>,
}

impl std::fmt::Debug for Servers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Servers")
    }
}

pub(crate) fn status(status: u16) -> Result<Answered, CallError> {
    Ok(Answered { status, headers: Vec::new(), body: b"said hunter2".to_vec() })
}

impl Servers {
    pub(crate) fn answer(&self, answers: impl Fn(&Call, Timestamp) -> Result<Answered, CallError> + Send + Sync + 'static) {
        *self.answers.lock().unwrap() = Arc::new(answers);
    }

    /// When which server was called.
    pub(crate) fn calls(&self) -> Vec<(Timestamp, Call)> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn calls_to(&self, host: &str) -> Vec<(Timestamp, Call)> {
        self.calls().into_iter().filter(|(_, call)| call.url.contains(host)).collect()
    }

    fn dies(&self) -> Option<bool> {
        let mut dies = self.dies.lock().unwrap();
        match dies.as_mut() {
            Some((0, after)) => {
                let after = *after;
                *dies = None;
                Some(after)
            }
            Some((calls, _)) => {
                *calls -= 1;
                None
            }
            None => None,
        }
    }
}

#[async_trait]
impl HttpsCall for Servers {
    async fn call(&self, call: &Call) -> Result<Answered, CallError> {
        let dies = self.dies();
        assert_ne!(dies, Some(false), "the function is stopped before the call");
        self.calls.lock().unwrap().push((self.clock.now(), call.clone()));
        let slow = *self.slow.lock().unwrap();
        if let Some((host, time)) = slow.filter(|(host, _)| call.url.contains(host)) {
            tokio::time::sleep(time.min(call.within)).await;
            return Err(CallError::NoAnswer(format!("no answer of {host}")));
        }
        assert_ne!(dies, Some(true), "the function is stopped after the call");
        let answers = Arc::clone(&*self.answers.lock().unwrap());
        answers(call, self.clock.now())
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) stores: Arc<MemoryDeliveries>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) published: Arc<MemoryPublished>,
    pub(crate) servers: Arc<Servers>,
    pub(crate) secrets: Arc<MemorySecrets>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) faults: Arc<Faults>,
}

impl World {
    pub(crate) fn new(endpoints: Vec<Endpoint>) -> Self {
        let faults = Arc::new(Faults::default());
        let clock = Arc::new(ManualClock::at(now()));
        let servers = Arc::new(Servers {
            clock: Arc::clone(&clock),
            answers: Mutex::new(Arc::new(|_: &Call, _| status(200))),
            calls: Mutex::default(),
            slow: Mutex::default(),
            dies: Mutex::default(),
        });
        let queue =
            MemoryQueue::on(Arc::clone(&clock), Arc::clone(&faults)).hiding(VISIBILITY).dead_lettering_after(MAX_RECEIVES);
        let mut world = Self {
            publisher: Arc::new(Publisher::new(Vec::new(), unwired(&clock, &servers, &faults))),
            stores: Arc::new(MemoryDeliveries::default()),
            queue: Arc::new(queue),
            published: Arc::new(MemoryPublished::new(Arc::clone(&faults))),
            servers,
            secrets: Arc::new(MemorySecrets::new(Arc::clone(&faults), SECRETS)),
            clock,
            faults,
        };
        world.publisher = Arc::new(world.another(endpoints));
        world
    }

    /// One more publisher, as Lambda runs many.
    pub(crate) fn another(&self, endpoints: Vec<Endpoint>) -> Publisher {
        let ports = Ports {
            endpoints: Arc::clone(&self.stores) as _,
            deliveries: Arc::clone(&self.stores) as _,
            queue: Arc::clone(&self.queue) as _,
            published: Arc::clone(&self.published) as _,
            https: Arc::clone(&self.servers) as _,
            secrets: Arc::clone(&self.secrets) as _,
            clock: Arc::clone(&self.clock) as _,
        };
        Publisher::new(endpoints, ports)
    }

    /// An event is published. Its message is received until it is done.
    pub(crate) async fn publish(&self, message: &str) {
        for receive in 1..=MAX_RECEIVES {
            let response = self.publisher.handle(vec![sqs_message("p", message, receive)], AMPLE).await;
            if response.batch_item_failures.is_empty() {
                return;
            }
        }
        panic!("it is never fanned out");
    }

    /// What is due by then is attempted, swept and published: the clock moves on.
    pub(crate) async fn pass(&self, time: Duration) {
        let until = self.clock.now().plus(time);
        loop {
            for notice in self.published.take() {
                self.publish(&notice).await;
            }
            let visible = self.queue.first_visible();
            let swept = self.stores.first_due().map(|due| due.minus(MAX_TIMER_DELAY).max(self.clock.now()));
            match (visible, swept) {
                (_, Some(at)) if at <= until && visible.is_none_or(|visible| at <= visible) => {
                    self.clock.set(at);
                    // Lambda repeats a sweep that failed or was stopped.
                    while !matches!(AssertUnwindSafe(self.publisher.sweep(AMPLE)).catch_unwind().await, Ok(Ok(_))) {}
                }
                (Some(at), _) if at <= until => {
                    if let Some(received) = self.queue.next(until) {
                        let response = self.publisher.handle(received.records.clone(), AMPLE).await;
                        self.queue.settle(&received, &response);
                    }
                }
                (Some(_) | None, _) => break,
            }
        }
        self.clock.set(until);
    }

    pub(crate) async fn register(&self, endpoint: Endpoint) {
        let record =
            EndpointRecord { id: endpoint.id.clone(), endpoint: Some(endpoint), status: Status::default(), version: None };
        let _ = self.stores.put(&record).await.unwrap();
    }

    pub(crate) async fn status_of(&self, id: &str) -> Status {
        let id: EndpointId = id.parse().unwrap();
        EndpointStore::get(&*self.stores, &id).await.unwrap().map(|record| record.status).unwrap_or_default()
    }

    /// The only delivery.
    pub(crate) fn delivery(&self) -> Delivery {
        let mut all = self.stores.deliveries();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub(crate) fn states(&self) -> BTreeMap<Word, usize> {
        let mut states = BTreeMap::new();
        for delivery in self.stores.deliveries() {
            *states.entry(delivery.state.as_str()).or_default() += 1;
        }
        states
    }
}

/// A state's word.
pub(crate) type Word = &'static str;

fn unwired(clock: &Arc<ManualClock>, servers: &Arc<Servers>, faults: &Arc<Faults>) -> Ports {
    let stores = Arc::new(MemoryDeliveries::default());
    Ports {
        endpoints: Arc::clone(&stores) as _,
        deliveries: stores,
        queue: Arc::new(MemoryQueue::new(Arc::clone(faults))),
        published: Arc::new(MemoryPublished::new(Arc::clone(faults))),
        https: Arc::clone(servers) as _,
        secrets: Arc::new(MemorySecrets::new(Arc::clone(faults), SECRETS)),
        clock: Arc::clone(clock) as _,
    }
}

/// `https://{name}.example.com/hooks`, for all events.
pub(crate) fn endpoint(name: &str) -> Endpoint {
    Endpoint {
        id: EndpointId::of_name(name).unwrap(),
        url: format!("https://{name}.example.com/hooks"),
        events: vec!["*".parse().unwrap()],
        when: None,
        priority: Priority::Normal,
        description: None,
        secret: None,
        format: BodyForm::Cloudevents,
        ed25519: false,
        headers: BTreeMap::new(),
    }
}

pub(crate) fn envelope(id: &str, event_type: &str, data: &Value) -> Envelope {
    Envelope::new(NewEnvelope {
        id: id.to_owned(),
        source: "shop".to_owned(),
        event_type: event_type.to_owned(),
        subject: Some("order/1042".to_owned()),
        time: Some(now()),
        conversation: Some("web:ann".to_owned()),
        sequence: None,
        received: now(),
        claim_key: ClaimKey::new("shop", id),
        traceparent: None,
        payload: Payload::Json(RawValue::from_string(data.to_string()).unwrap()),
    })
}

/// A published event.
pub(crate) fn event(id: &str) -> String {
    envelope(id, "order.paid", &json!({"total": 250, "note": "hunter2"})).encode()
}

pub(crate) fn header(call: &Call, name: &str) -> String {
    let found = call.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.0.to_string()).unwrap_or_default()
}

/// A batch of all messages that are visible now, in batches of ten, side by side, as Lambda runs them.
pub(crate) async fn all_at_once(world: &World) {
    let mut batches = Vec::new();
    loop {
        let received = world.queue.receive(10);
        if received.records.is_empty() {
            break;
        }
        batches.push(received);
    }
    let handled = batches.into_iter().map(|received| async move {
        let response = world.publisher.handle(received.records.clone(), AMPLE).await;
        world.queue.settle(&sqs_event(received.records), &response);
    });
    futures::future::join_all(handled).await;
}

pub(crate) const PENDING: DeliveryState = DeliveryState::Pending;
