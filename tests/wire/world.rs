//! The receiver and the processor as `main.rs` wires them, with the deployed clients, at the end of a wire.

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use lambda_http::{Body, Request};
use processor::Processor;
use receiver::{Ports, Receiver};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_cli::dev::cloud::{Cloud, Options};
use tidings_config::schemas::EventSchemas;
use tidings_config::time::{Clock, SystemClock};
use tidings_core::aws::{
    DynamoClaims, DynamoContexts, DynamoTimers, Http, Https, SecretsManager, SqsActions, SqsQueue, SqsTimers, SqsVisibility,
    config,
};
use tidings_core::settings::{ProcessorSettings, ReceiverSettings};
use tidings_events::{SECRETS, Sample, SignedRequest, secrets_of};
use tidings_project::read_rules;
use tidings_tests::received::record;
use tidings_tests::wire::Wire;

const SOURCE: &str = "orders";

/// What one event does: a fact that says how often it had an effect, an action, and a join with its timer.
const RULES: &str = "
version: 1
conversations: [{ on: 'order.*', conversation: \"'whatsapp:' + data.order.id\" }]
rules: [{ name: paid, on: order.paid, count: { payments: 1 }, notify: { text: 'paid' } }]
joins:
  - name: packed
    all: [{ on: order.paid, by: data.order.id }, { on: order.packed, by: data.order.id }]
    within: 45m
    then: { notify: { text: 'packed' } }
    else: { notify: { text: 'still not packed' } }
";

/// Of a message, as the template sets it.
const MAX_RECEIVES: u32 = 5;
const TIME_LEFT: Duration = Duration::from_secs(28);

/// The embedded cloud. Every scenario has a conversation of its own.
pub(crate) struct World {
    pub(crate) cloud: Cloud,
}

impl World {
    pub(crate) async fn new() -> Self {
        let options =
            Options { dynamodb_port: 0, data: None, secrets: SECRETS, api_secrets: "{}", visibility_timeout_seconds: 30 };
        Self { cloud: Cloud::start(options).await.expect("the embedded cloud") }
    }

    pub(crate) async fn wire(&self) -> Wire {
        Wire::to(&self.cloud.endpoint).await
    }

    fn variables(&self, wire: &Wire) -> BTreeMap<&'static str, String> {
        let mut variables = self.cloud.environment(&wire.endpoint);
        // Nothing is read from there.
        variables.insert("LAMBDA_TASK_ROOT", "/var/task".to_owned());
        variables
    }

    /// It has no secrets yet.
    pub(crate) fn receiver(&self, wire: &Wire) -> Receiver {
        let variables = self.variables(wire);
        let lookup = |name: &str| variables.get(name).cloned();
        let settings = ReceiverSettings::read(&lookup).expect("settings");
        let http = Http::of(&lookup).expect("a client");
        let aws = config(&http, &lookup);
        let secrets = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&aws), settings.secret_arn);
        let ports = Ports {
            claims: Arc::new(DynamoClaims::new(aws_sdk_dynamodb::Client::new(&aws), settings.claims_table)),
            queue: Arc::new(SqsQueue::new(aws_sdk_sqs::Client::new(&aws), settings.events_queue_url)),
            secrets: Arc::new(secrets),
            captured: None,
            https: Arc::new(Https::new(http)),
            clock: Arc::new(SystemClock),
        };
        Receiver::new(tidings_events::project::sources(), ports)
    }

    pub(crate) fn processor(&self, wire: &Wire) -> Processor {
        let variables = self.variables(wire);
        let lookup = |name: &str| variables.get(name).cloned();
        let settings = ProcessorSettings::read(&lookup).expect("settings");
        let http = Http::of(&lookup).expect("a client");
        let aws = config(&http, &lookup);
        let (dynamodb, sqs) = (aws_sdk_dynamodb::Client::new(&aws), aws_sdk_sqs::Client::new(&aws));
        let ports = processor::Ports {
            store: Arc::new(DynamoContexts::new(dynamodb.clone(), settings.claims_table, settings.context_table)),
            actions: Arc::new(SqsActions::new(sqs.clone(), settings.actions_queue_url)),
            timers: Arc::new(SqsTimers::new(sqs.clone(), settings.events_queue_url.clone())),
            https: Arc::new(Https::new(http)),
            api_secrets: None,
            clock: Arc::new(SystemClock),
        };
        let rules = read_rules("rules.yaml", RULES, &[SOURCE.to_owned()]).unwrap_or_else(|report| panic!("{report}"));
        Processor::new(rules, EventSchemas::default(), ports, settings.max_receive_count)
            .isolating(Arc::new(SqsVisibility::new(sqs, settings.events_queue_url)), tidings_config::limits::EVENTS_VISIBILITY)
            .storing_timers(Arc::new(DynamoTimers::new(dynamodb, settings.timers_table)))
    }

    /// A payment of this order.
    pub(crate) fn event(order: &str) -> SignedRequest {
        let now = SystemClock.now();
        let body = json!({"id": format!("paid-{order}"), "type": "order.paid", "occurred_at": now, "order": {"id": order}});
        let sources = tidings_events::project::sources();
        let source = sources.iter().find(|source| source.name == SOURCE).expect("a source");
        let secret = &secrets_of(SECRETS, SOURCE).expect("the document")[0];
        Sample::of_body(source, body.to_string().into_bytes()).sign(source, secret, now, None).expect("a request")
    }

    /// How often the payment of this order had an effect.
    pub(crate) async fn effects(&self, order: &str) -> String {
        let reader = self.cloud.reader();
        let context = reader.context(&format!("whatsapp:{order}"), SystemClock.now()).await.expect("an answer");
        let facts = context.entities.values().flat_map(|facts| facts.get("payments"));
        facts.map(|fact| fact.value.to_string()).collect::<Vec<_>>().join(" and ")
    }

    /// All that is in the events queue now, each message for the first time.
    pub(crate) async fn queued(&self) -> Vec<SqsMessage> {
        self.received(&self.cloud.events_queue_url).await.iter().map(record).collect()
    }

    /// The ids of the actions that are in the actions queue now, by conversation.
    pub(crate) async fn actions(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut actions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for message in self.received(&self.cloud.actions_queue_url).await {
            let action: serde_json::Value = serde_json::from_str(message.body().expect("a body")).expect("an action");
            let text = |name: &str| action[name].as_str().unwrap_or_else(|| panic!("{name} in {action}")).to_owned();
            actions.entry(text("conversation")).or_default().insert(text("id"));
        }
        actions
    }

    async fn received(&self, queue: &str) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            let receive = self.cloud.sqs.receive_message().queue_url(queue).wait_time_seconds(0).max_number_of_messages(10);
            let received = receive.message_system_attribute_names(MessageSystemAttributeName::All).send().await;
            let messages = received.expect("an answer").messages.unwrap_or_default();
            if messages.is_empty() {
                return all;
            }
            for message in &messages {
                let delete = self.cloud.sqs.delete_message().queue_url(queue);
                delete.set_receipt_handle(message.receipt_handle.clone()).send().await.expect("an answer");
            }
            all.extend(messages);
        }
    }
}

/// The status of the reply.
pub(crate) async fn deliver(receiver: &Receiver, request: SignedRequest) -> u16 {
    let mut http = Request::new(Body::Binary(request.body));
    *http.method_mut() = request.method.parse().expect("a method");
    *http.uri_mut() = request.path.parse().expect("a path");
    *http.headers_mut() = request.headers;
    receiver.handle(http).await.status().as_u16()
}

/// Whether the processor took the message.
pub(crate) async fn process(processor: &Processor, message: &SqsMessage) -> bool {
    let mut event = SqsEvent::default();
    event.records = vec![message.clone()];
    processor.handle(event, TIME_LEFT).await.batch_item_failures.is_empty()
}

/// Whether the processor took the message after as many receives as the redrive policy allows. On a busy machine a call can take
/// longer than an attempt waits, without any fault.
pub(crate) async fn finish(processor: &Processor, message: &SqsMessage) -> bool {
    for _ in 0..MAX_RECEIVES {
        if process(processor, message).await {
            return true;
        }
    }
    false
}
