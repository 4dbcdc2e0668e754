//! A provider, the two functions with their deployed adapters, and the embedded cloud between them.

use crate::counting::{Counter, Done};
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::{Body, Request};
use processor::Processor;
use receiver::{Ports, Receiver};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_cli::cost::Taken;
use tidings_cli::dev::cloud::{CLAIMS_TABLE, CONTEXT_TABLE, Cloud, Options};
use tidings_config::schemas::EventSchemas;
use tidings_config::source::Source;
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_core::aws::{DynamoClaims, DynamoContexts, Https, SqsActions, SqsQueue, SqsTimers};
use tidings_core::telemetry::{self, Metric, Sampling, Written};
use tidings_events::{SECRETS, Sample, SignedRequest, Tamper, secrets_of};
use tidings_project::read_rules;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tracing::Instrument;
use tracing::subscriber::DefaultGuard;

/// The source of all events.
const SOURCE: &str = "orders";

const RULES: &str = r#"
version: 1
conversations:
  - { on: "*", conversation: "'whatsapp:' + data.order.customer_phone" }
rules:
  - { name: order-priced, on: order.priced, set: { total: data.order.total, currency: data.order.currency } }
  - name: order-shipped
    on: order.shipped
    set: { status: data.order.status, tracking: data.order.tracking }
    notify: { text: "Your order {data.order.id} is on its way." }
"#;

/// How often a batch is given to the processor.
const TRIES: u32 = 5;

const TIME_LEFT: Duration = Duration::from_secs(60);

/// A request id, as Lambda makes them: every line has it.
const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

/// The share of events with lines is the process's: a test that changes it runs alone.
static SHARE: RwLock<()> = RwLock::const_new(());

/// How a test holds [`SHARE`]: with others, or alone.
struct Held {
    _shared: Option<RwLockReadGuard<'static, ()>>,
    alone: Option<RwLockWriteGuard<'static, ()>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.alone.is_some() {
            Sampling::FULL.set();
        }
    }
}

/// Lines that were written, instead of standard output.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the lines").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) cloud: Cloud,
    receiver: Receiver,
    processor: Processor,
    done: Arc<Mutex<Done>>,
    lines: Lines,
    source: Source,
    next: u64,
    _subscriber: DefaultGuard,
    _share: Held,
}

impl World {
    /// With metrics of each source, or without.
    pub(crate) async fn new(source_metrics: bool, stores_events: bool) -> Self {
        let share = Held { _shared: Some(SHARE.read().await), alone: None };
        Self::holding(share, source_metrics, stores_events).await
    }

    /// In which this share of the events has lines.
    pub(crate) async fn sampling(share: Sampling) -> Self {
        let alone = Held { _shared: None, alone: Some(SHARE.write().await) };
        share.set();
        Self::holding(alone, false, false).await
    }

    async fn holding(share: Held, source_metrics: bool, stores_events: bool) -> Self {
        let options =
            Options { dynamodb_port: 0, data: None, secrets: SECRETS, api_secrets: "{}", visibility_timeout_seconds: 30 };
        let cloud = Cloud::start(options).await.expect("the embedded cloud");
        let done = Arc::new(Mutex::new(Done::default()));
        let counted = cloud.dynamodb.config().to_builder().interceptor(Counter::of("dynamodb", &done)).build();
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(counted);
        let sqs = |service| {
            let counted = cloud.sqs.config().to_builder().interceptor(Counter::of(service, &done)).build();
            aws_sdk_sqs::Client::from_conf(counted)
        };
        let lines = Lines::default();
        let to = lines.clone();
        let written =
            Written { namespace: "Tidings/tidings".to_owned(), source_metrics, sampling: Sampling::FULL, xray_daemon: None };
        let subscriber = tracing::subscriber::set_default(telemetry::subscriber(written, move || to.clone()));
        let sources = tidings_events::project::sources();
        let source = sources.iter().find(|source| source.name == SOURCE).expect("the source").clone();
        let receiver = Receiver::new(
            sources,
            Ports {
                claims: Arc::new(DynamoClaims::new(dynamodb.clone(), CLAIMS_TABLE.to_owned())),
                queue: Arc::new(SqsQueue::new(sqs("sqs"), cloud.events_queue_url.clone())),
                secrets: Arc::new(cloud.secret_store()),
                captured: None,
                https: Arc::new(Https::default()),
                clock: Arc::new(SystemClock),
            },
        );
        receiver.warm_up().await;
        let processor = Processor::new(
            read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}")),
            EventSchemas::default(),
            processor::Ports {
                store: Arc::new(DynamoContexts::new(dynamodb, CLAIMS_TABLE.to_owned(), CONTEXT_TABLE.to_owned())),
                actions: Arc::new(SqsActions::new(sqs("sqs-fifo"), cloud.actions_queue_url.clone())),
                timers: Arc::new(SqsTimers::new(sqs("sqs"), cloud.events_queue_url.clone())),
                https: Arc::new(Https::default()),
                api_secrets: None,
                clock: Arc::new(SystemClock),
            },
            cloud.max_receive_count,
        )
        .storing_events(stores_events);
        let world = Self { cloud, receiver, processor, done, lines, source, next: 0, _subscriber: subscriber, _share: share };
        world.taken();
        world
    }

    /// A new event of this type, of a customer of this number.
    pub(crate) fn event(&mut self, event_type: &str, customer: u64) -> SignedRequest {
        self.next += 1;
        let now = SystemClock.now();
        let body = json!({
            "id": format!("ord-evt-{:08}", self.next), "type": event_type, "occurred_at": now.to_string(), "schema_version": "1.0",
            "order": {
                "id": format!("{:08}", self.next / 10), "status": "shipped", "tracking": "JD014600003828374650",
                "total": "42.50", "currency": "EUR", "customer_phone": format!("49171{customer:08}"), "items": [
                    {"sku": "espresso-blend-1kg", "quantity": 2, "price": "17.50"},
                    {"sku": "filter-papers-100", "quantity": 1, "price": "7.50"},
                ],
            },
        });
        self.sign(body.to_string().into_bytes(), now, None)
    }

    fn sign(&self, body: Vec<u8>, now: Timestamp, tamper: Option<Tamper>) -> SignedRequest {
        let secret = &secrets_of(SECRETS, SOURCE).expect("the document")[0];
        Sample::of_body(&self.source, body).sign(&self.source, secret, now, tamper).expect("a request")
    }

    /// The same event with a signature of a stranger.
    pub(crate) fn forged(&mut self) -> SignedRequest {
        let event = self.event("order.priced", 0);
        self.sign(event.body, SystemClock.now(), Some(Tamper::Signature))
    }

    pub(crate) async fn deliver(&self, request: &SignedRequest) -> u16 {
        let mut http = Request::new(Body::Binary(request.body.clone()));
        *http.method_mut() = request.method.parse().expect("a method");
        *http.uri_mut() = request.path.parse().expect("a path");
        http.headers_mut().clone_from(&request.headers);
        self.receiver.handle(http).instrument(telemetry::invocation(REQUEST_ID)).await.status().as_u16()
    }

    /// Processes one batch of so many events.
    pub(crate) async fn process(&self, events: i32) {
        self.process_received(events, 1).await;
    }

    /// The same of messages that were received so many times.
    pub(crate) async fn process_received(&self, events: i32, times: u32) {
        let received = self.cloud.sqs.receive_message().queue_url(&self.cloud.events_queue_url).max_number_of_messages(events);
        let messages = received.send().await.expect("an answer").messages.unwrap_or_default();
        assert_eq!(messages.len(), events as usize);
        let mut batch = SqsEvent::default();
        batch.records = messages
            .iter()
            .map(|message| {
                let mut record = SqsMessage::default();
                record.message_id = message.message_id.clone();
                record.body = message.body.clone();
                record.attributes = HashMap::from([("ApproximateReceiveCount".to_owned(), times.to_string())]);
                record
            })
            .collect();
        // A call takes longer than the adapters allow when the machine is busy: the message comes again, as SQS would give it.
        for tries in 1.. {
            let answer = self.processor.handle(batch.clone(), TIME_LEFT).instrument(telemetry::invocation(REQUEST_ID)).await;
            if answer.batch_item_failures.is_empty() {
                break;
            }
            assert!(tries < TRIES, "{:#?}", self.take_lines());
        }
        for message in messages {
            let delete = self.cloud.sqs.delete_message().queue_url(&self.cloud.events_queue_url);
            delete.set_receipt_handle(message.receipt_handle).send().await.expect("an answer");
        }
    }

    /// What was taken since the last call.
    pub(crate) fn taken(&self) -> Taken {
        self.taken_with_requests().0
    }

    /// The same, with the bytes of requests to AWS.
    pub(crate) fn taken_with_requests(&self) -> (Taken, u64) {
        telemetry::flush(SystemClock.now());
        let Done { calls, write_units, read_units, request_bytes } = std::mem::take(&mut *self.done.lock().expect("the counts"));
        let (mut line_bytes, mut metric_bytes) = (0, 0);
        for line in self.take_lines() {
            let bytes = line.len() as u64;
            if line.contains(r#""_aws""#) { metric_bytes += bytes } else { line_bytes += bytes }
        }
        (Taken { calls, write_units, read_units, line_bytes, metric_bytes }, request_bytes)
    }

    fn take_lines(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.lines.0.lock().expect("the lines"));
        String::from_utf8(bytes).expect("UTF-8").lines().map(ToOwned::to_owned).collect()
    }

    /// The custom metrics that CloudWatch makes of the lines since the last call: name and dimensions of each.
    pub(crate) fn series(&self) -> BTreeSet<(String, Vec<String>)> {
        telemetry::flush(SystemClock.now());
        let mut series = BTreeSet::new();
        for line in self.take_lines().iter().filter(|line| line.contains(r#""_aws""#)) {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            for directive in line["_aws"]["CloudWatchMetrics"].as_array().expect("directives") {
                for metric in directive["Metrics"].as_array().expect("metrics") {
                    let name = metric["Name"].as_str().expect("a name");
                    assert!(Metric::parse(name).is_some(), "{name}");
                    for set in directive["Dimensions"].as_array().expect("dimensions") {
                        let dimensions =
                            set.as_array().expect("a set").iter().map(|one| one.as_str().expect("a name").to_owned());
                        series.insert((name.to_owned(), dimensions.collect()));
                    }
                }
            }
        }
        series
    }

    /// The average size of the items of a table, as DynamoDB bills it: 100 bytes more than their names and values.
    pub(crate) async fn item_bytes(&self, table: &str, has: &str) -> u64 {
        let scanned = self.cloud.dynamodb.scan().table_name(table).send().await.expect("an answer");
        let items: Vec<u64> = scanned
            .items()
            .iter()
            .filter(|item| item.contains_key(has))
            .map(|item| 100 + item.iter().map(|(name, value)| name.len() as u64 + bytes(value)).sum::<u64>())
            .collect();
        items.iter().sum::<u64>() / items.len() as u64
    }
}

fn bytes(value: &AttributeValue) -> u64 {
    if let Ok(text) = value.as_s() {
        return text.len() as u64;
    }
    if let Ok(digits) = value.as_n() {
        // A number takes a byte for each two digits, and one more.
        return (digits.len() as u64).div_ceil(2) + 1;
    }
    if let Ok(map) = value.as_m() {
        return 3 + map.iter().map(|(name, value)| 1 + name.len() as u64 + bytes(value)).sum::<u64>();
    }
    let list = value.as_l().unwrap_or_else(|_| panic!("{value:?}: count its bytes here"));
    3 + list.iter().map(|value| 1 + bytes(value)).sum::<u64>()
}
