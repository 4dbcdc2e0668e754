//! Two customers whose events touch every kind of stored data: facts, nodes, links, joins, unsent actions, deferred
//! notifications, dead letters. Each customer's data contains a mark, so that a scan shows whose row it is.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::{Body, Request};
use processor::Processor;
use publisher::Publisher;
use publisher::memory::MemoryDeliveries;
use receiver::{Ports, Receiver};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_cli::confirm::{Confirm, Confirmed};
use tidings_cli::dev::cloud::{CLAIMS_TABLE, CONTEXT_TABLE, Cloud, DELIVERIES_TABLE, Options, SENDS_TABLE, TIMERS_TABLE};
use tidings_cli::stack::{Eraser, Erasure, NotErased, Reader};
use tidings_config::limits::SWEEP_PROVEN;
use tidings_config::schemas::EventSchemas;
use tidings_config::status::StatusWord;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::action::ActionId;
use tidings_core::claim::{ClaimKey, Sha256Hex};
use tidings_core::external_link::ExternalLink;
use tidings_core::memory::{
    Call, Fault, Faults, ManualClock, MemoryActions, MemoryCalls, MemoryHttps, MemoryPublished, MemoryQueue, MemorySecrets,
    failed_ids, sqs_message,
};
use tidings_core::ports::{Raised, SendStore, StatusStore, TimerStore, Wrote};
use tidings_core::send::{MessageStatus, SendRecord, SendState};
use tidings_core::stored_timer::Sweeps;
use tidings_events::{SECRETS, corpus, secrets_of};
use tidings_project::read_rules;

/// As if an operator had given `--yes`.
pub(crate) fn confirmed() -> Confirmed {
    Confirm::given().ask().expect("it is given")
}

const LINKS_QUEUE_ARN: &str = "arn:aws:sqs:eu-central-1:123456789012:shop-links";

/// The mark in all of Ann's data. It isn't in the key of any event.
pub(crate) const ANN: &str = "ANNSMARK";
pub(crate) const BOB: &str = "BOBSMARK";

const RULES: &str = r#"
version: 1
policy:
  quiet_hours: { from: "22:00", to: "07:00", zone: UTC }
conversations:
  - { on: "order.*", conversation: "'web:' + data.who" }
  - { on: "*", identity: "'customer:' + data.who" }
rules:
  - { name: paid, on: payment.made, count: { payments: 1 }, set: { note: data.note }, goto: paid, notify: { text: "{data.note} paid" } }
  - { name: made, on: order.made, link: "'customer:' + data.who", set: { address: data.note }, goto: ordered, notify: { text: "{data.note} made" } }
  - { name: likes, on: order.likes, entity: "'preferences'", set: { zone: "'UTC'", nickname: data.note } }
  - { name: chat, on: order.chat, emit: { type: chat, data: { note: data.note }, debounce: { quiet: 15m, at_most: 15m } } }
  - { name: dated, on: order.dated, emit: { type: soon, data: { note: data.note }, at: "'2027-03-01T10:00:00Z'", before: 1d } }
  - { name: broken, on: order.broken, set: { total: double(data.note) } }
joins:
  - name: ready
    all: [order.made, stock.reserved]
    by: data.order.id
    within: 1h
    then: { entity: "'order/' + join.key", set: { ready: true }, notify: { text: "{join.key} is ready" } }
  - name: late
    all: [order.likes, order.never]
    by: data.order.id
    within: 1h
    then: { notify: { text: "{join.key} isn't late" } }
    else: { emit: { type: order.late, data: { order: join.key } } }
"#;

const MAX_RECEIVES: u32 = 5;
const TIME_LEFT: Duration = Duration::from_secs(60);

/// A table's rows by their keys.
pub(crate) type Rows = BTreeMap<(&'static str, String, String), BTreeMap<String, AttributeValue>>;

pub(crate) struct World {
    pub(crate) cloud: Cloud,
    receiver: Receiver,
    processor: Processor,
    queue: Arc<MemoryQueue>,
    pub(crate) actions: Arc<MemoryActions>,
    published: Arc<MemoryPublished>,
    publisher: Publisher,
    faults: Arc<Faults>,
    clock: Arc<ManualClock>,
    /// All messages that were ever received, each with its queue.
    received: Mutex<BTreeSet<(Option<String>, String)>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let options = Options { dynamodb_port: 0, data: None, secrets: "{}", api_secrets: "{}", visibility_timeout_seconds: 30 };
        let cloud = Cloud::start(options).await.expect("the embedded cloud");
        let faults = Arc::new(Faults::default());
        let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap()));
        let queue = MemoryQueue::on(Arc::clone(&clock), Arc::clone(&faults)).dead_lettering_after(MAX_RECEIVES);
        let queue = Arc::new(queue);
        let actions = Arc::new(MemoryActions::new(Arc::clone(&faults)));
        let ports = Ports {
            claims: Arc::new(cloud.claims()),
            queue: Arc::clone(&queue) as Arc<_>,
            secrets: Arc::new(MemorySecrets::new(Arc::clone(&faults), SECRETS)),
            captured: None,
            https: Arc::new(MemoryHttps::new(Arc::clone(&faults))),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let receiver = Receiver::new(tidings_events::project::sources(), ports);
        receiver.warm_up().await;
        let rules = read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"));
        let ports = processor::Ports {
            store: Arc::new(cloud.contexts()),
            actions: Arc::clone(&actions) as Arc<_>,
            timers: Arc::clone(&queue) as Arc<_>,
            https: Arc::new(MemoryHttps::new(Arc::clone(&faults))),
            api_secrets: None,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let processor = Processor::new(rules, EventSchemas::default(), ports, NonZeroU32::new(MAX_RECEIVES).unwrap());
        // This adds data to erase.
        let processor = processor.storing_events(true).feeding(true).taking_links_from(LINKS_QUEUE_ARN);
        let published = Arc::new(MemoryPublished::new(Arc::clone(&faults)));
        let processor = processor.storing_timers(Arc::new(cloud.stored_timers())).publishing(Arc::clone(&published) as _);
        let publisher = publisher(&cloud, &faults, &clock);
        Self { cloud, receiver, processor, queue, actions, faults, clock, received: Mutex::default(), published, publisher }
    }

    /// The same events for both customers.
    pub(crate) async fn lived(&self) {
        for (who, n) in [(ANN, "1"), (BOB, "2")] {
            for (id, event_type) in [("again", "payment.made"), ("broken", "order.broken")] {
                assert_eq!(self.event(&format!("{id}-{n}"), event_type, who).await, 202, "{id}");
            }
            self.lived_briefly(who, n).await;
        }
        assert_eq!(self.queue.dead_letters().len(), 4, "broken and unsent");
        // The deferred notifications have waited until the morning, and now wait until the next one.
        self.clock.advance(Duration::from_secs(86_400));
        self.process_due().await;
        for (who, n) in [(ANN, "1"), (BOB, "2")] {
            for (id, event_type) in [("likes", "order.likes"), ("never", "order.never"), ("night", "payment.made")] {
                assert_eq!(self.event(&format!("{id}-{n}"), event_type, who).await, 202, "{id}");
            }
        }
    }

    /// An item of every kind, in the evening.
    pub(crate) async fn lived_briefly(&self, who: &str, n: &str) {
        self.clock.set(Timestamp::parse_rfc3339("2026-11-22T21:00:00Z").unwrap());
        // An identity of the customer's is linked before the customer's own conversation is known.
        self.say(format!("phone:{who}"), format!("web:{who}")).await;
        for (id, event_type) in [("paid", "payment.made"), ("stock", "stock.reserved"), ("made", "order.made")] {
            assert_eq!(self.event(&format!("{id}-{n}"), event_type, who).await, 202, "{id}");
        }
        // An action that can't be sent.
        self.faults.fail(Call::Act, Fault::Refuse, MAX_RECEIVES);
        self.event(&format!("unsent-{n}"), "payment.made", who).await;
        // At night notifications are deferred.
        self.clock.set(Timestamp::parse_rfc3339("2026-11-22T23:00:00Z").unwrap());
        self.event(&format!("evening-{n}"), "stock.reserved", who).await;
        self.event(&format!("late-{n}"), "payment.made", who).await;
        self.said(who, n).await;
        // An item of a later version, and an unfinished move of items.
        self.put(&format!("web:{who}"), "mood#of/some/day", "as it was").await;
        self.put(&format!("customer:{who}"), "entity#order/left", "as it was").await;
    }

    /// What a sender has recorded: a message and its status, and one that wasn't sent.
    async fn said(&self, who: &str, n: &str) {
        let now = self.now();
        let record = |id: &str, state| SendRecord {
            cause: ClaimKey::new("orders", &format!("paid-{n}")),
            id: ActionId::stored(format!("{id}{n}")),
            version: 1,
            state,
            channel: "whatsapp".to_owned(),
            tries: 1,
            since: now,
            at: now,
            may_be_sent: false,
            message: None,
            reason: None,
            dead: 0,
            is_dead_lettered: false,
            writer: 1,
            key: 0,
            namespace: Some("whatsapp".to_owned()),
        };
        let sent = SendRecord { message: Some(format!("wamid.{who}")), ..record("a", SendState::Sent) };
        let refused = SendRecord { reason: Some(format!("{who} has blocked us")), ..record("b", SendState::Refused) };
        let sends = self.cloud.sends();
        for record in [&sent, &refused] {
            assert_eq!(sends.put(record, None).await, Ok(Wrote::Yes));
        }
        let status = MessageStatus { is: StatusWord::Failed, at: now, reason: Some(format!("{who} isn't there")) };
        assert_eq!(sends.raise(&sent.status_keys()[0], &status, now).await, Ok(Raised::Yes));
    }

    /// Delivers and processes the event. Returns the response's status.
    pub(crate) async fn event(&self, id: &str, event_type: &str, who: &str) -> u16 {
        let body = json!({
            "id": id, "type": event_type, "occurred_at": self.clock.now().to_string(),
            "order": {"id": format!("{who}-1")}, "who": who, "note": format!("{who} wrote {id}"),
        });
        let case = corpus().case("orders-shipped-late").unwrap();
        let source = tidings_events::project::sources().into_iter().find(|s| s.name == case.source).unwrap();
        let secret = &secrets_of(SECRETS, &case.source).unwrap()[0];
        let signed = case.request(&source, secret, self.clock.now(), None, Some(body.to_string().into_bytes())).unwrap();
        let mut http = Request::new(Body::Binary(signed.body));
        *http.method_mut() = signed.method.parse().unwrap();
        *http.uri_mut() = signed.path.parse().unwrap();
        *http.headers_mut() = signed.headers;
        let status = self.receiver.handle(http).await.status().as_u16();
        self.process_due().await;
        status
    }

    /// Sends a link like `tidings link`.
    async fn say(&self, identity: String, conversation: String) {
        let names = Sha256Hex::of(format!("{conversation}\n{identity}").as_bytes());
        let link = ExternalLink { id: names.digits().to_owned(), time: self.clock.now(), identity, conversation, moves: false };
        self.queue.put_on(LINKS_QUEUE_ARN, &link.encode());
        self.process_due().await;
    }

    /// Processes everything that is due until it is processed or dead-lettered.
    async fn process_due(&self) {
        let sweeps = Sweeps { since: self.clock.now().minus(SWEEP_PROVEN), last: self.clock.now() };
        self.cloud.stored_timers().swept(sweeps).await.expect("an answer");
        let _ = self.processor.sweep(TIME_LEFT).await.expect("swept");
        while let Some(received) = self.queue.next(self.clock.now()) {
            let bodies = received.records.iter().map(|record| (record.event_source_arn.clone(), record.body.clone().unwrap()));
            self.received.lock().unwrap().extend(bodies);
            let response = self.processor.handle(received.clone(), TIME_LEFT).await;
            self.queue.settle(&received, &response);
        }
        for (n, message) in self.published.take().iter().enumerate() {
            let message = sqs_message(&n.to_string(), message, 1);
            assert_eq!(failed_ids(&self.publisher.handle(vec![message], TIME_LEFT).await), [""; 0]);
        }
    }

    /// Two nights pass, and all deferred notifications become due.
    pub(crate) async fn days_pass(&self) {
        self.clock.advance(Duration::from_secs(36 * 3_600));
        self.process_due().await;
        assert_eq!(self.queue.messages(), [""; 0]);
    }

    /// SQS delivers every earlier message again, and the dead-letter queue is redriven.
    pub(crate) async fn everything_comes_again(&self) {
        for (queue_arn, body) in self.received.lock().unwrap().clone() {
            match queue_arn {
                Some(queue_arn) => self.queue.put_on(&queue_arn, &body),
                None => self.queue.put(&body, Duration::ZERO),
            }
        }
        self.queue.redrive();
        self.process_due().await;
    }

    pub(crate) async fn put(&self, partition: &str, sort_key: &str, value: &str) {
        let put = self.cloud.dynamodb.put_item().table_name(CONTEXT_TABLE);
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let put = put.item("pk", text(partition)).item("sk", text(sort_key)).item("version", AttributeValue::N("1".into()));
        let facts = json!({"left": {"value": value, "time": "2026-11-22T10:00:00.000Z", "key": "s#e"}});
        put.item("facts", text(&facts.to_string())).send().await.expect("an answer");
    }

    pub(crate) fn reader(&self) -> Reader {
        self.cloud.reader()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Erases with another client, which may interfere.
    pub(crate) async fn erase_by(&self, client: Client, who: &str) -> Result<Erasure, NotErased> {
        let reader = Reader::new(client, CLAIMS_TABLE.to_owned(), CONTEXT_TABLE.to_owned());
        let reader = reader.with_timers(Some(TIMERS_TABLE.to_owned()));
        let reader = reader.with_sends(Some(SENDS_TABLE.to_owned())).with_deliveries(Some(DELIVERIES_TABLE.to_owned()));
        Eraser::new(reader, Duration::ZERO).erase(&format!("web:{who}"), self.now(), confirmed()).await
    }

    /// The same, of a deployment without a sender and a publisher.
    pub(crate) async fn erase_without_ways_out_by(&self, client: Client, who: &str) -> Result<Erasure, NotErased> {
        let reader = Reader::new(client, CLAIMS_TABLE.to_owned(), CONTEXT_TABLE.to_owned());
        let reader = reader.with_timers(Some(TIMERS_TABLE.to_owned()));
        Eraser::new(reader, Duration::ZERO).erase(&format!("web:{who}"), self.now(), confirmed()).await
    }

    pub(crate) async fn erase(&self, who: &str) -> Erasure {
        self.erase_by(self.cloud.dynamodb.clone(), who).await.expect("erased")
    }

    /// All rows of all tables.
    pub(crate) async fn rows(&self) -> Rows {
        let mut rows = Rows::new();
        for table in [CLAIMS_TABLE, CONTEXT_TABLE, TIMERS_TABLE, SENDS_TABLE, DELIVERIES_TABLE] {
            let scan = self.cloud.dynamodb.scan().table_name(table).consistent_read(true).into_paginator().items().send();
            for row in scan.collect::<Result<Vec<_>, _>>().await.expect("an answer") {
                let key = |name: &str| row.get(name).map_or_else(String::new, |key| key.as_s().unwrap().clone());
                rows.insert((table, key("pk"), key("sk")), row.into_iter().collect());
            }
        }
        rows
    }

    /// Restores the tables to these rows.
    pub(crate) async fn restore(&self, rows: &Rows) {
        for (key, row) in self.rows().await.into_iter().filter(|(key, row)| rows.get(key) != Some(row)) {
            let keys = row.into_iter().filter(|(name, _)| name == "pk" || (name == "sk" && key.0 != CLAIMS_TABLE));
            let delete = self.cloud.dynamodb.delete_item().table_name(key.0).set_key(Some(keys.collect()));
            delete.send().await.expect("an answer");
        }
        let there = self.rows().await;
        for ((table, ..), row) in rows.iter().filter(|(key, _)| !there.contains_key(*key)) {
            let put = self.cloud.dynamodb.put_item().table_name(*table).set_item(Some(row.clone().into_iter().collect()));
            put.send().await.expect("an answer");
        }
    }
}

/// A publisher with one endpoint, which gets everything. Nothing takes the attempts out of their queue.
fn publisher(cloud: &Cloud, faults: &Arc<Faults>, clock: &Arc<ManualClock>) -> Publisher {
    let endpoint = json!({"id": "ep_crm", "url": "https://crm.example.com/", "events": ["*", "action:*"]});
    let ports = publisher::Ports {
        endpoints: Arc::new(MemoryDeliveries::default()),
        deliveries: Arc::new(cloud.deliveries()),
        queue: Arc::new(MemoryQueue::on(Arc::clone(clock), Arc::clone(faults))),
        published: Arc::new(MemoryPublished::new(Arc::clone(faults))),
        https: Arc::new(MemoryCalls::new(Arc::clone(faults), |_| unreachable!("nothing takes the attempts out of their queue"))),
        secrets: Arc::new(MemorySecrets::new(Arc::clone(faults), "{}")),
        clock: Arc::clone(clock) as _,
    };
    Publisher::new(vec![serde_json::from_value(endpoint).expect("an endpoint")], ports)
}

/// Whether the row contains this customer's mark.
pub(crate) fn tells_of(row: &impl std::fmt::Debug, who: &str) -> bool {
    format!("{row:?}").contains(who)
}

/// The keys of the rows with this customer's mark.
pub(crate) fn of<'a>(rows: &'a Rows, who: &str) -> BTreeSet<&'a (&'static str, String, String)> {
    rows.iter().filter(|(key, row)| tells_of(&(key, row), who)).map(|(key, _)| key).collect()
}
