//! A processor, a publisher, a sender, Kafka's function and the feed, over ports in memory and one clock.

use crate::internet::{Failure, Internet, text};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use kafka::Writer;
use kafka::memory::{MemoryTopics, Trouble};
use kafka::ports::Target;
use processor::Processor;
use publisher::Publisher;
use publisher::memory::MemoryDeliveries;
use reader::Request;
use reader::feed::FeedApi;
use reader::feed::origin::Origins;
use sender::Sender;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_config::limits::SENDER_TIMEOUT;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::action::Action;
use tidings_core::claim::{ClaimKey, Sha256Hex};
use tidings_core::context::FeedRead;
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_core::memory::{
    Faults, ManualClock, MemoryForwards, MemoryHttps, MemoryPublished, MemoryQueue, MemorySecrets, MemorySends, MemoryStore, log,
    sqs_event, sqs_message,
};
use tidings_core::ports::{ActionQueue, FeedReader, Forwarded, Unavailable};
use tidings_outgoing::{AwsIdentity, KAFKA_SINK_ATTRIBUTE};
use tidings_project::{read_channels, read_endpoints, read_rules, read_sinks};
use zeroize::Zeroizing;

pub(crate) const NINE: [&str; 9] = ["crm", "erp", "bi", "topic", "kafka", "telegram", "line", "ann's screen", "bob's screen"];

const SCREENS: [&str; 2] = ["ann's screen", "bob's screen"];

const CONVERSATION: &str = "telegram:7";

/// The published queue's and the deliveries queue's visibility timeout, and Kafka's.
const HIDDEN: Duration = Duration::from_secs(180);

const AMPLE: Duration = Duration::from_secs(60);

/// How often everything that is due is done.
const STEP: Duration = Duration::from_secs(10);

const VIEWERS_KEY: &str = "a-key-that-signs-viewers-tokens-1";

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
rules:
  - { name: paid, on: order.paid, count: { paid: 1 } }
  - { name: said, on: order.paid, when: "data.who == 'telegram:7'", emit: { type: tidings.send, data: { channel: "'telegram'", to: "'telegram:7'", text: "'telegram ' + data.id" } } }
  - { name: told, on: order.paid, emit: { type: tidings.send, data: { channel: "'line'", to: "'line:U1'", text: "'line ' + data.id" } } }
"#;

const ENDPOINTS: &str = r#"
version: 1
endpoints:
  crm: { url: "https://crm.example.com/", events: ["order.*"] }
  erp: { url: "https://erp.example.com/", events: ["order.*"] }
  bi: { url: "https://bi.example.com/", events: ["order.*"] }
"#;

const SINKS: &str = r#"
version: 1
sinks:
  topic: { to: "arn:aws:sns:eu-central-1:123456789012:orders.fifo", events: ["order.*"] }
  kafka: { kafka: { brokers: ["b-1.example.com:9096"], topic: orders }, events: ["order.*"] }
"#;

pub(crate) struct World {
    clock: Arc<ManualClock>,
    internet: Arc<Internet>,
    processor: Processor,
    published: Arc<MemoryPublished>,
    all_published: Mutex<Vec<String>>,
    publisher: Publisher,
    deliveries: Arc<MemoryQueue>,
    sender: Sender,
    actions: Arc<MemoryQueue>,
    dead_letters: Arc<MemoryForwards>,
    writer: Writer,
    topics: Arc<MemoryTopics>,
    kafka_queue: Arc<MemoryQueue>,
    screens: Vec<Screen>,
}

/// The actions queue, as the sender reads it.
#[derive(Debug)]
struct ToSender(Arc<MemoryQueue>);

#[async_trait]
impl ActionQueue for ToSender {
    async fn send(&self, conversation: &str, sequence: u64, action: &Action) -> Result<(), Unavailable> {
        self.0.put_fifo(&Forwarded {
            body: action.encode(conversation, sequence),
            group: Sha256Hex::of(conversation.as_bytes()).digits().to_owned(),
            deduplication: action.id.as_str().to_owned(),
            attributes: Vec::new(),
        });
        Ok(())
    }
}

/// A viewer's way to the feed, which fails as the viewer does.
#[derive(Debug)]
struct Way {
    who: &'static str,
    store: Arc<MemoryStore>,
    internet: Arc<Internet>,
}

#[async_trait]
impl FeedReader for Way {
    async fn feed(&self, name: &str, after: u64) -> Result<FeedRead, Unavailable> {
        match self.internet.failure_of(self.who) {
            Some(Failure::Status500) => Err(Unavailable { call: "dynamodb:Query", cause: "it fails".to_owned() }),
            Some(Failure::Down | Failure::Slow) | None => FeedReader::feed(&*self.store, name, after).await,
        }
    }
}

/// A browser that follows the feed. It resumes at the last number that it saw.
struct Screen {
    who: &'static str,
    api: FeedApi,
    seen: Mutex<(Option<String>, Vec<String>)>,
}

impl Screen {
    async fn look(&self, now: Timestamp) {
        let last = self.seen.lock().unwrap().0.clone();
        let request = Request {
            method: "GET".to_owned(),
            path: format!("/feed/{CONVERSATION}"),
            authorization: Some(format!("Bearer {}", token(now))),
            last_event_id: last,
            ..Request::default()
        };
        let answer = self.api.answer(&request).await;
        if answer.status != 200 {
            return;
        }
        let mut seen = self.seen.lock().unwrap();
        for block in answer.body.split("\n\n") {
            let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            let Some(id) = line("id: ") else { continue };
            if let Some(kind) = line("event: ").filter(|_| line("data: ").is_some()) {
                seen.1.push(format!("{id} {kind}"));
            }
            seen.0 = Some(id);
        }
    }
}

fn token(now: Timestamp) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "sub": CONVERSATION, "exp": now.unix_s() + 600 });
    let signed = format!("{}.{}", part(json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(VIEWERS_KEY.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

impl World {
    pub(crate) fn new() -> Self {
        log::capture();
        let faults = Arc::new(Faults::default());
        let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-30T10:00:00Z").unwrap()));
        let internet = Arc::new(Internet::default());
        let queue =
            || Arc::new(MemoryQueue::on(Arc::clone(&clock), Arc::clone(&faults)).hiding(HIDDEN).dead_lettering_after(960));
        let secrets = |document: Value| Arc::new(MemorySecrets::new(Arc::clone(&faults), document.to_string()));
        let store = Arc::new(MemoryStore::new(Arc::clone(&faults)));
        let published = Arc::new(MemoryPublished::new(Arc::clone(&faults)));
        let (deliveries, actions, kafka_queue) = (queue(), queue(), queue());

        let processor = Processor::new(
            read_rules("rules.yaml", RULES, &[]).unwrap(),
            tidings_config::schemas::EventSchemas::default(),
            processor::Ports {
                store: Arc::clone(&store) as _,
                actions: Arc::new(ToSender(Arc::clone(&actions))),
                timers: queue(),
                https: Arc::new(MemoryHttps::new(Arc::clone(&faults))),
                api_secrets: None,
                clock: Arc::clone(&clock) as _,
            },
            NonZeroU32::new(5).unwrap(),
        );
        let processor = processor.publishing(Arc::clone(&published) as _).feeding(true);

        let stores = Arc::new(MemoryDeliveries::default());
        let ports = publisher::Ports {
            endpoints: Arc::clone(&stores) as _,
            deliveries: Arc::clone(&stores) as _,
            queue: Arc::clone(&deliveries) as _,
            published: Arc::clone(&published) as _,
            https: Arc::clone(&internet) as _,
            secrets: secrets(json!({ "@master": "0123456789abcdef0123456789abcdef" })),
            clock: Arc::clone(&clock) as _,
        };
        let sinks = read_sinks("sinks.yaml", SINKS).unwrap();
        let target = |sink: &tidings_outgoing::ConfiguredSink| {
            Some(Target { name: sink.endpoint.id.sink()?.to_owned(), kafka: sink.kafka.clone()? })
        };
        let targets = sinks.iter().filter_map(target).collect();
        let role = AwsIdentity {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Zeroizing::new("made-up".to_owned()),
            session_token: None,
            region: "eu-central-1".to_owned(),
        };
        let publisher = Publisher::new(read_endpoints("endpoints.yaml", ENDPOINTS).unwrap(), ports);
        let publisher = publisher.with_sinks(sinks, Some(role), Some("arn:aws:sqs:eu-central-1:123456789012:tidings-kafka.fifo"));

        let dead_letters = Arc::new(MemoryForwards::new(Arc::clone(&faults)));
        let ports = sender::Ports {
            sends: Arc::new(MemorySends::new(Arc::clone(&faults))),
            bot: Arc::new(MemoryForwards::new(Arc::clone(&faults))),
            dead_letters: Arc::clone(&dead_letters) as _,
            visibility: Arc::clone(&actions) as _,
            secrets: secrets(json!({ "telegram": "123456:made-up", "line": "made-up" })),
            https: Arc::clone(&internet) as _,
            clock: Arc::clone(&clock) as _,
        };
        let channels = read_channels("channels.yaml", "version: 1\nchannels: { telegram: , line: }\n").unwrap();
        let sender = Sender::new(channels, ports, NonZeroU32::MIN, None);

        let topics = Arc::new(MemoryTopics::with_partitions(6));
        let writer = Writer::new(targets, Arc::clone(&topics) as _, Arc::clone(&clock) as _);
        let screen = |who: &'static str| {
            let way = Arc::new(Way { who, store: Arc::clone(&store), internet: Arc::clone(&internet) });
            let api = FeedApi::new(way, secrets(json!({ "bot": [VIEWERS_KEY] })), Origins::read("*"), Arc::clone(&clock) as _);
            Screen { who, api, seen: Mutex::default() }
        };
        let screens = SCREENS.into_iter().map(screen).collect();
        Self {
            clock,
            internet,
            processor,
            published,
            all_published: Mutex::default(),
            publisher,
            deliveries,
            sender,
            actions,
            dead_letters,
            writer,
            topics,
            kafka_queue,
            screens,
        }
    }

    pub(crate) fn fail(&self, who: &'static str, failure: Failure) {
        self.internet.fail(who, failure);
        let trouble = match failure {
            Failure::Slow => Trouble::Hang,
            Failure::Down | Failure::Status500 => Trouble::Refuse,
        };
        if who == "kafka" {
            self.topics.trouble("kafka", Some(trouble));
        }
    }

    /// Everybody works again. An operator redrives what a channel may have said, as `tidings dlq redrive` does.
    pub(crate) async fn recover(&self) {
        self.internet.recover();
        self.topics.trouble("kafka", None);
        for message in self.dead_letters.drain() {
            let deduplication = format!("{}-redriven", message.deduplication);
            self.actions.put_fifo(&Forwarded { deduplication, ..message });
        }
    }

    /// What each of the nine has, in the order in which it came.
    pub(crate) fn had(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut had = self.internet.had();
        let records: Vec<String> = self.topics.written("orders").into_values().flatten().map(|record| record.id).collect();
        had.extend((!records.is_empty()).then_some(("kafka", records)));
        let seen = self.screens.iter().map(|screen| (screen.who, screen.seen.lock().unwrap().1.clone()));
        had.extend(seen.filter(|(_, seen)| !seen.is_empty()));
        had
    }

    pub(crate) async fn event(&self, id: &str) {
        self.event_of(id, CONVERSATION).await;
    }

    /// An event is processed.
    pub(crate) async fn event_of(&self, id: &str, conversation: &str) {
        // A copy has the time of the first.
        let happened = Timestamp::parse_rfc3339("2026-11-30T10:00:00Z").unwrap();
        let envelope = Envelope::new(NewEnvelope {
            id: id.to_owned(),
            source: "shop".to_owned(),
            event_type: "order.paid".to_owned(),
            subject: Some("order/1042".to_owned()),
            time: Some(happened),
            conversation: None,
            sequence: None,
            received: happened,
            claim_key: ClaimKey::new("shop", id),
            traceparent: None,
            payload: Payload::Json(RawValue::from_string(json!({ "who": conversation, "id": id }).to_string()).unwrap()),
        });
        let batch = sqs_event(vec![sqs_message("m", &envelope.encode(), 1)]);
        let response = self.processor.handle(batch, AMPLE).await;
        assert!(response.batch_item_failures.is_empty(), "{response:?}: {}", log::lines().join("\n"));
    }

    /// The published queue delivers all that it had once more.
    pub(crate) async fn publish_again(&self) {
        self.fan_out().await;
        let all = self.all_published.lock().unwrap().clone();
        for message in all {
            let response = self.publisher.handle(vec![sqs_message("p", &message, 2)], AMPLE).await;
            assert!(response.batch_item_failures.is_empty(), "{response:?}");
        }
    }

    async fn fan_out(&self) {
        for message in self.published.take() {
            self.all_published.lock().unwrap().push(message.clone());
            let response = self.publisher.handle(vec![sqs_message("p", &message, 1)], AMPLE).await;
            assert!(response.batch_item_failures.is_empty(), "{response:?}");
        }
    }

    /// Everything that is due is done until this time: the clock moves on.
    pub(crate) async fn pass(&self, time: Duration) {
        let until = self.clock.now().plus(time);
        let mut round = 0_u32;
        while self.clock.now() < until {
            self.fan_out().await;
            // Each minute, as the schedule does.
            if round.is_multiple_of(6) {
                self.publisher.sweep(AMPLE).await.unwrap();
            }
            self.drain(&self.deliveries, |batch| self.publisher.handle(batch, AMPLE)).await;
            self.drain(&self.actions, |batch| self.sender.handle(sqs_event(batch), SENDER_TIMEOUT)).await;
            for message in self.internet.take_kafka() {
                let sink = message["MessageAttributes"]["sink"]["StringValue"].as_str().unwrap().to_owned();
                self.kafka_queue.put_fifo(&Forwarded {
                    body: text(&message["MessageBody"]),
                    group: text(&message["MessageGroupId"]),
                    deduplication: text(&message["MessageDeduplicationId"]),
                    attributes: vec![(KAFKA_SINK_ATTRIBUTE, sink)],
                });
            }
            self.drain(&self.kafka_queue, |batch| self.writer.handle(batch, AMPLE)).await;
            for screen in &self.screens {
                // One that is slow asks long after the outage is over.
                if !matches!(self.internet.failure_of(screen.who), Some(Failure::Down | Failure::Slow)) {
                    screen.look(self.clock.now()).await;
                }
            }
            self.clock.set(self.clock.now().plus(STEP));
            round += 1;
        }
    }

    async fn drain<F>(&self, queue: &MemoryQueue, handle: impl Fn(Vec<aws_lambda_events::event::sqs::SqsMessage>) -> F)
    where
        F: Future<Output = aws_lambda_events::event::sqs::SqsBatchResponse>,
    {
        loop {
            let received = queue.receive(10);
            if received.records.is_empty() {
                return;
            }
            let response = handle(received.records.clone()).await;
            let _ = queue.settle(&received, &response);
        }
    }
}
