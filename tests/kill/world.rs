//! Providers, functions, SQS and Lambda's event source mapping, and what there is in the end.

use crate::function::{Function, Kills, Program};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tidings_cli::dev::cloud::{CLAIMS_TABLE, Cloud, Options};
use tidings_config::artefact::ARTEFACT;
use tidings_config::limits::EVENTS_VISIBILITY;
use tidings_config::time::{Clock, SystemClock};
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_events::{SECRETS, Sample, SignedRequest, api_gateway_event, secrets_of};
use tidings_project::{ProjectFile, ProjectFiles};
use tidings_tests::received::record;

/// Repeats its deliveries.
const SHOP: &str = "orders";
/// Doesn't: its claims keep its events.
const FORGE: &str = "github";
const CONVERSATIONS: u64 = 5;

/// Each event counts once, is told once, and one that opens a join has a timer.
const RULES: &str = "
version: 1
conversations:
  - { on: 'order.*', source: orders, conversation: \"'whatsapp:' + data.order.id\" }
  - { on: '*', source: github, conversation: \"'whatsapp:' + data.repository.name\" }
rules:
  - { name: paid, on: order.paid, source: orders, entity: \"'seen'\", count: { events: 1 }, notify: { text: 'paid' } }
  - { name: starred, on: '*', source: github, entity: \"'seen'\", count: { events: 1 }, notify: { text: 'starred' } }
joins:
  - name: packed
    all: [{ on: order.paid, by: data.order.id }, { on: order.packed, by: data.order.id }]
    within: 45m
    then: { notify: { text: 'packed' } }
    else: { notify: { text: 'still not packed' } }
";

/// How often the shop sends an event that isn't accepted.
const TRIES: u32 = 50;
/// Of an empty queue's poller.
const PAUSE: Duration = Duration::from_millis(10);
/// Batches until a queue is empty.
const PATIENCE: u32 = 10_000;

/// What a provider knows of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// It got a 2xx.
    Accepted,
    /// It never did, and has given up.
    Nothing,
}

/// The counts of a run.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Counts {
    pub(crate) kills: u64,
    pub(crate) kills_by_point: BTreeMap<String, u64>,
    pub(crate) events: u64,
    pub(crate) requests: u64,
    pub(crate) acknowledged: u64,
    pub(crate) processed: u64,
    pub(crate) redriven: u64,
    pub(crate) effects: u64,
    pub(crate) actions: u64,
    pub(crate) lost: Vec<String>,
    pub(crate) doubled: Vec<String>,
}

pub(crate) struct World {
    cloud: Cloud,
    folder: PathBuf,
    kills: Kills,
    /// So many kills are enough.
    enough: u64,
    requests: AtomicU64,
    told: Mutex<BTreeMap<(ClaimKey, String), Told>>,
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(std::fs::remove_dir_all(&self.folder));
        }
    }
}

impl World {
    pub(crate) async fn new(enough: u64) -> Self {
        let options = Options {
            dynamodb_port: 0,
            data: None,
            secrets: SECRETS,
            api_secrets: "{}",
            visibility_timeout_seconds: u32::try_from(EVENTS_VISIBILITY.as_secs()).expect("minutes"),
        };
        let cloud = Cloud::start(options).await.expect("the embedded cloud");
        let folder = std::env::temp_dir().join(format!("tidings-kill-{enough}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let rules = ProjectFile { path: "rules.yaml".to_owned(), shown: "rules.yaml".to_owned(), text: RULES.to_owned() };
        let files = ProjectFiles { rules, schemas: Vec::new(), ..tidings_events::project::files() };
        let configuration = files.read().unwrap_or_else(|report| panic!("{report}"));
        std::fs::write(folder.join(ARTEFACT), tidings_project::artefact::write(&configuration, "test")).expect("a file");
        let (kills, requests) = (Kills::default(), AtomicU64::new(0));
        Self { cloud, folder, kills, enough, requests, told: Mutex::default() }
    }

    /// The folder of the logs, for who looks into a failure.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn program(&self, role: &'static str) -> Program<'_> {
        Program { role, cloud: &self.cloud, task_root: &self.folder, kills: &self.kills }
    }

    fn goes_on(&self) -> bool {
        self.kills.all() < self.enough
    }

    /// A provider and a receiver of its own, until there were enough kills.
    pub(crate) async fn deliver(&self, provider: u64) {
        let mut receiver = Function::start(self.program("receiver")).await;
        let mut number = 0;
        while self.goes_on() {
            number += 1;
            self.event(&mut receiver, &format!("{provider}-{number}")).await;
        }
    }

    /// An event, and what its provider does until it is accepted or given up.
    async fn event(&self, receiver: &mut Function<'_>, id: &str) {
        let conversation = format!("c{}", fastrand::u64(..CONVERSATIONS));
        let (source, request) =
            if fastrand::bool() { (SHOP, order(id, &conversation)) } else { (FORGE, star(id, &conversation)) };
        let mut told = Told::Nothing;
        for _ in 0..if source == SHOP { TRIES } else { 1 } {
            if self.request(receiver, &request).await {
                told = Told::Accepted;
                break;
            }
        }
        // An answer can get lost on the way to the provider, too: it sends again what was accepted.
        if source == SHOP && told == Told::Accepted && fastrand::u8(..8) == 0 {
            self.request(receiver, &request).await;
        }
        self.told.lock().unwrap().insert((request.key, conversation), told);
    }

    async fn request(&self, receiver: &mut Function<'_>, Event { request, .. }: &Event) -> bool {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let event = api_gateway_event(request, SystemClock.now());
        let Some(answer) = receiver.invoke(Bytes::from(event.to_string()), self.goes_on()).await else { return false };
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        let status = answer["statusCode"].as_u64().expect("a status");
        assert!((200..300).contains(&status) || status == 503, "{answer}");
        status < 300
    }

    /// An event source mapping and a processor of its own, until there were enough kills.
    pub(crate) async fn process(&self) {
        let mut processor = Function::start(self.program("processor")).await;
        while self.goes_on() {
            self.batch(&mut processor).await;
        }
    }

    /// Processes until the queue is empty, without kills.
    async fn drain(&self) {
        let mut processor = Function::start(self.program("processor")).await;
        for _ in 0..PATIENCE {
            self.batch(&mut processor).await;
            if self.is_empty().await {
                return;
            }
        }
        panic!("the queue is never empty");
    }

    async fn batch(&self, processor: &mut Function<'_>) {
        let queue = &self.cloud.events_queue_url;
        let messages = self.received(queue, fastrand::i32(1..=10)).await;
        if messages.is_empty() {
            // Nothing, or only what a killed processor held.
            if self.is_empty().await {
                tokio::time::sleep(PAUSE).await;
            } else {
                self.cloud.skip(EVENTS_VISIBILITY).await.expect("a clock");
            }
            return;
        }
        let mut event = SqsEvent::default();
        event.records = messages.iter().map(record).collect();
        let event = serde_json::to_vec(&event).expect("JSON");
        // What a killed processor held stays hidden until its time is over.
        let Some(answer) = processor.invoke(Bytes::from(event), self.goes_on()).await else { return };
        let answer: SqsBatchResponse = serde_json::from_slice(&answer).expect("a response");
        let failed: BTreeSet<&str> = answer.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
        for message in messages.iter().filter(|message| !failed.contains(message.message_id().unwrap_or_default())) {
            self.delete(queue, message).await;
        }
    }

    /// Accepts one event and loses its message; accepts another one, processes it, forgets that, and processes it again.
    pub(crate) async fn break_promises(&self) {
        let mut receiver = Function::start(self.program("receiver")).await;
        let queue = &self.cloud.events_queue_url;
        self.event(&mut receiver, "lost").await;
        for message in self.received(queue, 10).await {
            self.delete(queue, &message).await;
        }
        self.event(&mut receiver, "doubled").await;
        let message = self.received(queue, 1).await.pop().expect("a message");
        self.cloud.skip(EVENTS_VISIBILITY).await.expect("a clock");
        self.drain().await;
        let body: Value = serde_json::from_str(message.body().expect("a body")).expect("an event");
        let claim = AttributeValue::S(body["claimkey"].as_str().expect("a key").to_owned());
        self.cloud.dynamodb.delete_item().table_name(CLAIMS_TABLE).key("pk", claim).send().await.expect("an answer");
        let send = self.cloud.sqs.send_message().queue_url(queue).set_message_body(message.body);
        send.send().await.expect("an answer");
    }

    /// No kills any more: everything is processed, what was dead-lettered is redriven, and all is counted.
    pub(crate) async fn audit(&self) -> Counts {
        self.drain().await;
        let mut redriven = 0;
        loop {
            let dead = self.received(&self.cloud.dead_letter_queue_url, 10).await;
            if dead.is_empty() {
                break;
            }
            for message in &dead {
                let send = self.cloud.sqs.send_message().queue_url(&self.cloud.events_queue_url);
                send.set_message_body(message.body.clone()).send().await.expect("an answer");
                self.delete(&self.cloud.dead_letter_queue_url, message).await;
                redriven += 1;
            }
            self.drain().await;
        }
        self.count(redriven).await
    }

    async fn count(&self, redriven: u64) -> Counts {
        let reader = self.cloud.reader();
        let told = self.told.lock().unwrap().clone();
        let (mut processed, mut lost, mut doubled) = (BTreeMap::new(), Vec::new(), Vec::new());
        for ((key, conversation), told) in &told {
            let claim = reader.claim(key).await.expect("an answer");
            if claim.as_ref().is_some_and(|claim| claim.state == ClaimState::Processed) {
                *processed.entry(conversation.clone()).or_insert(0) += 1;
            } else if *told == Told::Accepted {
                lost.push(format!("{key} was acknowledged, and its claim is {claim:?}"));
            }
        }
        let actions = self.actions().await;
        let mut effects = 0;
        for (conversation, expected) in &processed {
            let name = format!("whatsapp:{conversation}");
            let context = reader.context(&name, SystemClock.now()).await.expect("an answer");
            let counted = context.entities["seen"]["events"].value.as_u64().expect("a counter");
            effects += counted;
            let said = actions.get(&name).copied().unwrap_or_default();
            for (what, found) in [("effects", counted), ("actions", said)] {
                let problem = format!("{name}: {expected} events are processed, and there are {found} {what}");
                match found.cmp(expected) {
                    std::cmp::Ordering::Less => lost.push(problem),
                    std::cmp::Ordering::Equal => {}
                    std::cmp::Ordering::Greater => doubled.push(problem),
                }
            }
        }
        Counts {
            kills: self.kills.all(),
            kills_by_point: self.kills.by_point(),
            events: told.len() as u64,
            requests: self.requests.load(Ordering::Relaxed),
            acknowledged: told.values().filter(|told| **told == Told::Accepted).count() as u64,
            processed: processed.values().sum(),
            redriven,
            effects,
            actions: actions.values().sum(),
            lost,
            doubled,
        }
    }

    /// The number of actions by conversation: each has an id of its own, and their first copies are in order.
    async fn actions(&self) -> BTreeMap<String, u64> {
        let queue = &self.cloud.actions_queue_url;
        let (mut ids, mut last, mut number) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        loop {
            let messages = self.received(queue, 10).await;
            if messages.is_empty() {
                return number;
            }
            for message in &messages {
                let action: Value = serde_json::from_str(message.body().expect("a body")).expect("an action");
                let conversation = action["conversation"].as_str().expect("a conversation").to_owned();
                if ids.insert(action["id"].as_str().expect("an id").to_owned()) {
                    let sequence = action["sequence"].as_str().expect("a sequence").to_owned();
                    let before = last.insert(conversation.clone(), sequence.clone());
                    assert!(before.as_ref() < Some(&sequence), "{conversation}: {sequence} after {before:?}");
                    *number.entry(conversation).or_insert(0) += 1;
                }
                self.delete(queue, message).await;
            }
        }
    }

    async fn received(&self, queue: &str, at_most: i32) -> Vec<Message> {
        let receive = self.cloud.sqs.receive_message().queue_url(queue).wait_time_seconds(0).max_number_of_messages(at_most);
        let received = receive.message_system_attribute_names(MessageSystemAttributeName::All).send().await;
        received.expect("an answer").messages.unwrap_or_default()
    }

    async fn delete(&self, queue: &str, message: &Message) {
        let delete = self.cloud.sqs.delete_message().queue_url(queue).set_receipt_handle(message.receipt_handle.clone());
        delete.send().await.expect("an answer");
    }

    async fn is_empty(&self) -> bool {
        let names = [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesNotVisible];
        let attributes = self.cloud.sqs.get_queue_attributes().queue_url(&self.cloud.events_queue_url);
        let attributes = attributes.set_attribute_names(Some(names.to_vec())).send().await.expect("an answer");
        let attributes = attributes.attributes.unwrap_or_default();
        names.iter().all(|name| attributes.get(name).is_some_and(|number| number == "0"))
    }
}

/// An event as its provider sends it.
struct Event {
    key: ClaimKey,
    request: SignedRequest,
}

fn order(id: &str, conversation: &str) -> Event {
    let now = SystemClock.now();
    signed(SHOP, &json!({"id": id, "type": "order.paid", "occurred_at": now, "order": {"id": conversation}}), &[])
}

fn star(id: &str, conversation: &str) -> Event {
    let body = json!({"action": "created", "starred_at": id, "repository": {"name": conversation, "full_name": format!("shop/{conversation}")}});
    signed(FORGE, &body, &[("x-github-event", "star"), ("x-github-delivery", id)])
}

fn signed(source: &str, body: &Value, headers: &[(&str, &str)]) -> Event {
    let sources = tidings_events::project::sources();
    let source = sources.iter().find(|known| known.name == source).expect("a source");
    let secret = &secrets_of(SECRETS, &source.name).expect("the document")[0];
    let mut sample = Sample::of_body(source, body.to_string().into_bytes());
    headers.iter().for_each(|(name, value)| sample.set_header(name, value).expect("a header"));
    let now = SystemClock.now();
    let request = sample.sign(source, secret, now, None).expect("a request");
    let key = request.claim_keys(source, secret, now).pop().expect("one event");
    Event { key, request }
}
