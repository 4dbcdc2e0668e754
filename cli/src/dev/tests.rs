//! Tests the workbench in this process: an advanced clock, a replaced configuration, an API on this machine.

use super::actions::{ActionsTo, Chatbot};
use super::clock::Sweeping as _;
use super::cloud::{Cloud, Options, SENDS_TABLE, listen};
use super::receiver::VISIBILITY_TIMEOUT_SECONDS;
use super::secrets::Secrets;
use super::sending::ChannelsTo;
use super::workbench::{Configuration, Setup, Workbench};
use super::{PAGES, context, finish, start};
use crate::commands::events::show::send_line;
use crate::delivery::post;
use crate::inspector::{self, Inspector};
use crate::project::Location;
use publisher::delivery::DeliveryState;
use publisher::ports::DeliveryStore;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidings_config::schemas::EventSchemas;
use tidings_config::time::{Clock as _, SystemClock, Timestamp};
use tidings_core::ports::TimerStore;
use tidings_core::send::SendState;
use tidings_events::{Sample, secrets_of};
use tidings_project::{read_event_schema, read_rules};
use tokio::sync::watch as channel;
use tokio::task::JoinSet;

const HEAD: &str = "version: 1\nconversations: [{ on: 'order.*', conversation: \"'whatsapp:' + data.order.id\" }]\n";

/// A join for a payment that isn't packed within 45 minutes.
const JOIN: &str = "
rules: [{ name: paid, on: order.paid, set: { paid: true } }]
joins:
  - name: packed
    all: [{ on: order.paid, by: data.order.id }, { on: order.packed, by: data.order.id }]
    within: 45m
    then: { notify: { text: 'packed' } }
    else: { notify: { text: 'still not packed' } }
";

/// On a busy machine the queue looks delayed. Then a join postpones its `else` by a minute or two.
const PATIENCE: Duration = Duration::from_secs(180);

fn configuration(rules: &str) -> Configuration {
    let sources = tidings_events::project::sources();
    let names: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
    let rules = read_rules("rules.yaml", &format!("{HEAD}{rules}"), &names).unwrap_or_else(|report| panic!("{report:?}"));
    let paths = ["schemas/orders/order.paid/1.json", "schemas/orders/order.packed/1.json"];
    let schemas = paths.map(|path| read_event_schema(path, r#"{"type":"object"}"#, &["orders".to_owned()]).expect("a schema"));
    let schemas = EventSchemas::new(schemas.to_vec());
    Configuration { sources, rules, schemas, endpoints: Vec::new(), sinks: Vec::new(), channels: None, hash: "test".to_owned() }
}

struct Bench {
    cloud: Arc<Cloud>,
    workbench: Arc<Workbench>,
    chatbot: Arc<Chatbot>,
    url: String,
    secrets: String,
    stop: channel::Sender<bool>,
    running: JoinSet<()>,
}

impl Bench {
    async fn start(data: Option<&Path>, rules: &str, apis: &[&str]) -> Self {
        Self::configured(data, configuration(rules), apis).await
    }

    async fn configured(data: Option<&Path>, configuration: Configuration, apis: &[&str]) -> Self {
        let options = Options {
            dynamodb_port: 0,
            data,
            secrets: "{}",
            api_secrets: "{}",
            visibility_timeout_seconds: VISIBILITY_TIMEOUT_SECONDS,
        };
        let cloud = Arc::new(Cloud::start(options).await.expect("the embedded cloud"));
        let local_apis = apis.iter().map(|api| api.parse().expect("an API")).collect();
        let secrets = Secrets::default();
        let setup = Setup { keep_events: false, feed: false, secrets, local_apis, channels_to: ChannelsTo::Mock };
        let (workbench, documents) = Workbench::start(Arc::clone(&cloud), setup, configuration).await.expect("a configuration");
        let listener = listen(0).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = channel::channel(false);
        let (workbench, chatbot) = (Arc::new(workbench), Arc::new(Chatbot::default()));
        let address = listener.local_addr().expect("an address");
        let inspector = Inspector::of_dev(&url, address, &cloud.endpoint, &Location::Demo, &workbench, stopped.clone());
        let pages = inspector::router(PAGES, inspector.expect("random bytes"));
        let routes = context::router(&cloud).merge(pages);
        let running = start((listener, routes), &cloud, &workbench, &chatbot, &ActionsTo::Terminal, &stopped);
        Self { cloud, workbench, chatbot, url, secrets: documents.sources, stop, running }
    }

    /// Sends an event signed at this time, and returns the response's status.
    async fn send(&self, id: &str, event_type: &str, order: &str, at: Timestamp) -> u16 {
        let sources = tidings_events::project::sources();
        let source = sources.iter().find(|source| source.name == "orders").expect("a source");
        let body = json!({ "id": id, "type": event_type, "occurred_at": at, "sequence": 1, "order": { "id": order } });
        let secret = &secrets_of(&self.secrets, "orders").expect("a document")[0];
        let request = Sample::of_body(source, body.to_string().into_bytes()).sign(source, secret, at, None).expect("signed");
        let url = self.url.clone();
        tokio::task::spawn_blocking(move || post(&url, &request)).await.expect("no panic").expect("an answer").status
    }

    /// Sends a status of a message as WhatsApp does, and returns the response's status.
    async fn whatsapp(&self, message: &str, status: &str, second: u32) -> u16 {
        let sources = tidings_events::project::sources();
        let source = sources.iter().find(|source| source.name == "whatsapp").expect("a source");
        let now = self.cloud.clock.now();
        let timestamp = (now.unix_s() - 10 + i64::from(second)).to_string();
        let said = json!({"id": message, "status": status, "timestamp": timestamp, "recipient_id": "16505551234"});
        let value = json!({"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1"}, "statuses": [said]});
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"value": value, "field": "messages"}]}]});
        let secret = &secrets_of(&self.secrets, "whatsapp").expect("a document")[0];
        let request = Sample::of_body(source, body.to_string().into_bytes()).sign(source, secret, now, None).expect("signed");
        let url = self.url.clone();
        tokio::task::spawn_blocking(move || post(&url, &request)).await.expect("no panic").expect("an answer").status
    }

    async fn advance(&self, minutes: u64) {
        Arc::clone(&self.cloud.clock).advance(Duration::from_secs(60 * minutes)).await.expect("it moves");
    }

    fn said(&self) -> Vec<String> {
        self.chatbot.done().into_iter().filter_map(|done| done.text).collect()
    }

    /// Waits for as many actions, and compares their texts.
    async fn says(&self, texts: &[&str]) {
        let until = Instant::now() + PATIENCE;
        while self.said().len() < texts.len() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(self.said(), texts);
    }

    async fn facts(&self, order: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let context = self.cloud.reader().context(&format!("whatsapp:{order}"), self.cloud.clock.now()).await.expect("read");
            let facts = serde_json::to_value(&context.entities).expect("JSON");
            if !context.entities.is_empty() || Instant::now() > until {
                return facts;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a timer is stored. A processor stores it after the context, which another reader already sees.
    async fn timer_stored(&self) {
        let until = Instant::now() + PATIENCE;
        while self.workbench.first_due().await.is_none() {
            assert!(Instant::now() < until, "no timer was stored");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn end(self) {
        let _ = self.stop.send(true);
        finish(self.running).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_answered_as_their_vectors_say_and_the_rest_goes_on_to_the_bot() {
    const SAYING: &str = "
rules:
  - { name: paid, on: order.paid, notify: { text: 'paid' } }
  - { name: noted, on: order.paid, emit: { type: order.noted, data: { order: data.order.id } } }
";
    let yaml = "version: 1\nchannels: { whatsapp: { phone_number_id: \"106540352242922\" } }\n";
    let channels = Some(tidings_project::read_channels("channels.yaml", yaml).expect("channels"));
    let bench = Bench::configured(None, Configuration { channels, ..configuration(SAYING) }, &[]).await;
    assert_eq!(bench.send("e1", "order.paid", "16505551234", bench.cloud.clock.now()).await, 202);
    let until = Instant::now() + PATIENCE;
    let sent = loop {
        let rows = bench.cloud.dynamodb.scan().table_name(SENDS_TABLE).send().await.expect("an answer");
        let sent: Vec<_> = rows.items().iter().filter_map(tidings_core::aws::send_record).collect();
        if sent.iter().any(|record| record.state == SendState::Sent) || Instant::now() > until {
            break sent;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].message.as_ref().is_some_and(|id| id.starts_with("wamid.")), "{sent:?}");
    while bench.chatbot.done().is_empty() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let done: Vec<_> = bench.chatbot.done().into_iter().map(|done| done.action_type).collect();
    assert_eq!(done, ["order.noted"]);

    // Its provider says that it was read, and late that it was delivered.
    let message = sent[0].message.clone().expect("an id");
    for (status, second) in [("read", 5), ("delivered", 4)] {
        assert_eq!(bench.whatsapp(&message, status, second).await, 200);
    }
    let cause = sent[0].cause.clone();
    let shown = loop {
        let sends = bench.cloud.reader().sends(&cause).await.expect("read");
        if sends[0].status.is_some() || Instant::now() > until {
            break sends;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let line = send_line(&shown[0]);
    assert!(line.contains("sent") && line.contains(&message) && line.contains("; ") && line.contains("read"), "{line}");
    assert_eq!(serde_json::to_value(&shown[0]).expect("JSON")["status"]["is"], "read");
    bench.end().await;
}

const PAID: &str = "rules: [{ name: paid, on: order.paid, set: { paid: true } }]\n";

#[tokio::test(flavor = "multi_thread")]
async fn sinks_get_events_and_are_answered_as_their_vectors_say() {
    let yaml = "version: 1\nsinks:\n  \
        bus: { to: \"arn:aws:events:eu-west-1:123456789012:event-bus/orders\", events: [\"order.*\"] }\n  \
        log: { kafka: { brokers: [\"b-1.example.com:9096\"], topic: orders }, events: [\"order.*\"] }\n";
    let sinks = tidings_project::read_sinks("sinks.yaml", yaml).expect("sinks");
    let ids: Vec<_> = sinks.iter().map(|sink| sink.endpoint.id.clone()).collect();
    let bench = Bench::configured(None, Configuration { sinks, ..configuration(PAID) }, &[]).await;
    assert_eq!(bench.send("e1", "order.paid", "1042", bench.cloud.clock.now()).await, 202);
    let until = Instant::now() + PATIENCE;
    for id in ids {
        let delivered = loop {
            let page = bench.cloud.deliveries().list(&id, None, None, 10).await.expect("deliveries");
            let states: Vec<_> = page.deliveries.iter().map(|one| one.state).collect();
            if states == [DeliveryState::Delivered] || Instant::now() > until {
                break states;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(delivered, [DeliveryState::Delivered], "{id}");
    }
    bench.end().await;
}

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tidings-bench-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advanced_clock_ends_a_join_once_and_both_signatures_are_fresh() {
    let bench = Bench::start(None, JOIN, &[]).await;
    assert_eq!(bench.send("e-1", "order.paid", "7", SystemClock.now()).await, 202);
    bench.timer_stored().await;
    bench.advance(44).await;
    assert!(bench.said().is_empty(), "its time isn't over");
    bench.advance(3).await;
    bench.says(&["still not packed"]).await;
    bench.advance(60).await;
    assert_eq!(bench.said().len(), 1, "once");
    let sent = bench.cloud.stored_timers().progress().await.expect("read").sent;
    assert_eq!(sent.len(), 1, "its timer was stored, and a sweep sent it");
    assert_eq!(bench.send("e-2", "order.paid", "8", bench.cloud.clock.now()).await, 202, "signed by the clock of dev");
    assert_eq!(bench.send("e-3", "order.paid", "9", SystemClock.now()).await, 202, "signed by the clock of a provider");
    let stale = SystemClock.now().minus(Duration::from_secs(45 * 60));
    assert_eq!(bench.send("e-4", "order.paid", "9", stale).await, 401, "fresh by neither");
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_outlives_the_process_and_so_does_the_clock() {
    let data = folder("timer");
    let bench = Bench::start(Some(&data), JOIN, &[]).await;
    assert_eq!(bench.send("e-1", "order.paid", "7", SystemClock.now()).await, 202);
    bench.timer_stored().await;
    bench.advance(20).await;
    let before = bench.cloud.clock.now();
    bench.end().await;
    let bench = Bench::start(Some(&data), JOIN, &[]).await;
    assert!(bench.cloud.clock.now() >= before, "a clock never goes back");
    assert!(bench.said().is_empty());
    bench.advance(27).await;
    bench.says(&["still not packed"]).await;
    bench.end().await;
    let bench = Bench::start(Some(&data), JOIN, &[]).await;
    bench.advance(60).await;
    assert!(bench.said().is_empty(), "it fires once: {:?}", bench.said());
    bench.end().await;
    std::fs::remove_dir_all(data).expect("the folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_configuration_applies_to_the_next_event_and_keeps_timers_and_tables() {
    let bench = Bench::start(None, JOIN, &[]).await;
    assert_eq!(bench.send("e-1", "order.paid", "7", SystemClock.now()).await, 202);
    assert!(bench.facts("7").await.to_string().contains("paid"));
    let other = JOIN.replace("still not packed", "look after it").replace("set: { paid: true }", "set: { settled: true }");
    bench.workbench.replace(configuration(&other)).await.expect("it fits");
    assert_eq!(bench.send("e-2", "order.paid", "8", SystemClock.now()).await, 202);
    assert!(bench.facts("8").await.to_string().contains("settled"), "the new rules");
    assert!(bench.facts("7").await.to_string().contains("paid"), "the old tables");
    bench.advance(47).await;
    bench.says(&["look after it", "look after it"]).await;
    bench.end().await;
}

const ENRICH: &str = "
apis: { tickets: { url: 'https://api.tickets.example/v2/', secret: bearer } }
rules: [{ name: paid, on: order.paid, enrich: { from: tickets, path: 'tickets/{data.order.id}' }, set: { title: fetched.title } }]
";

#[tokio::test(flavor = "multi_thread")]
async fn an_api_is_read_from_a_file_or_this_machine_and_its_missing_secret_is_reported() {
    let files = folder("apis");
    std::fs::create_dir_all(files.join("tickets")).expect("a folder");
    std::fs::write(files.join("tickets/7.json"), r#"{"title":"of a file"}"#).expect("a file");
    let bench = Bench::start(None, ENRICH, &[&format!("tickets=file:{}", files.display())]).await;
    assert_eq!(bench.send("e-1", "order.paid", "7", SystemClock.now()).await, 202);
    assert!(bench.facts("7").await.to_string().contains("of a file"));
    bench.end().await;
    std::fs::remove_dir_all(files).expect("the folder");

    let served = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("tickets=http://{}/api/", served.local_addr().expect("an address"));
    let app = axum::Router::new().route("/api/tickets/7", axum::routing::get(|| async { r#"{"title":"of this machine"}"# }));
    tokio::spawn(async move { axum::serve(served, app).await });
    let bench = Bench::start(None, ENRICH, &[&address]).await;
    assert_eq!(bench.send("e-1", "order.paid", "7", SystemClock.now()).await, 202);
    assert!(bench.facts("7").await.to_string().contains("of this machine"));
    let missing = bench.workbench.replace(configuration(ENRICH)).await.expect("it fits");
    assert!(missing.apis.is_empty(), "it isn't checked here");
    bench.end().await;

    let Configuration { sources, rules, .. } = configuration(ENRICH);
    let documents = Secrets::default().documents(&sources, &rules, &[]).expect("documents");
    assert_eq!(documents.missing.apis, ["tickets"]);
    let refused = super::local_apis::LocalApis::of(&["other=file:x".parse().expect("an API")], &rules).unwrap_err().to_string();
    assert!(refused.contains("allowed: tickets"), "{refused}");
}

#[test]
fn rules_that_are_deployed_fetch_by_https_alone() {
    for url in ["http://127.0.0.1:9000/", "https://localhost:9000/", "file:///tmp/", "http://localhost/"] {
        let rules = format!("{HEAD}{}", ENRICH.replace("https://api.tickets.example/v2/", url));
        assert!(read_rules("rules.yaml", &rules, &["orders".to_owned()]).is_err(), "{url}");
    }
}
