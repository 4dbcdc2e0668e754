//! The committed files in `events/` agree with the code.

use aws_lambda_events::event::sqs::SqsEvent;
use processor::Processor;
use receiver::{Ports, Receiver};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimState;
use tidings_core::memory::{Faults, ManualClock, MemoryActions, MemoryHttps, MemoryQueue, MemorySecrets, MemoryStore};
use tidings_events::{Case, SECRETS, SignedRequest, api_gateway_event, corpus, secrets_of};
use tidings_tests::golden::{check, check_between};

/// When the committed requests were signed.
const SIGNED: Timestamp = Timestamp::from_unix_ms(1_795_190_400_000);

/// A case as committed: signed at [`SIGNED`]. The oversized case is left out, because it is a megabyte of spaces.
fn signed() -> Vec<(&'static Case, SignedRequest)> {
    let sources = tidings_events::project::sources();
    let sign = |case: &'static Case| {
        let source = sources.iter().find(|s| s.name == case.source).expect("its source");
        let secret = secrets_of(SECRETS, &case.source).expect("the secrets").remove(0);
        (case, case.request(source, &secret, SIGNED, case.tamper, None).expect("a request"))
    };
    corpus().cases.iter().filter(|case| case.pad_to_bytes.is_none()).map(sign).collect()
}

struct World {
    store: Arc<MemoryStore>,
    queue: Arc<MemoryQueue>,
    receiver: Receiver,
    processor: Processor,
}

fn world() -> World {
    let (store, queue, faults) =
        (Arc::new(MemoryStore::default()), Arc::new(MemoryQueue::default()), Arc::new(Faults::default()));
    let clock = Arc::new(ManualClock::at(SIGNED));
    let secrets = Arc::new(MemorySecrets::new(faults.clone(), SECRETS));
    let https = Arc::new(MemoryHttps::new(faults));
    let ports = Ports {
        claims: store.clone(),
        queue: queue.clone(),
        secrets,
        captured: None,
        https: https.clone(),
        clock: clock.clone(),
    };
    let outside = processor::Ports {
        https,
        api_secrets: None,
        store: store.clone(),
        actions: Arc::new(MemoryActions::default()),
        timers: Arc::new(MemoryQueue::default()),
        clock,
    };
    let receives = NonZeroU32::new(5).expect("5");
    World {
        receiver: Receiver::new(tidings_events::project::sources(), ports),
        processor: Processor::new(tidings_events::project::rules(), tidings_events::project::schemas(), outside, receives),
        store,
        queue,
    }
}

impl World {
    /// The status of the answer to an event of the HTTP API, and the messages that it queued. They are processed before
    /// the next event, as on an idle stack.
    async fn answer(&self, event: &str) -> (u16, Vec<String>) {
        let request = lambda_http::request::from_str(event).expect("an HTTP API event");
        let status = self.receiver.handle(request).await.status().as_u16();
        let messages = self.queue.drain();
        let event = serde_json::from_value(sqs_event(&messages)).expect("an SQS event");
        self.processor.handle(event, Duration::from_secs(30)).await;
        (status, messages)
    }
}

/// The queue's messages as Lambda's SQS event.
fn sqs_event(messages: &[String]) -> Value {
    let record = |(n, body): (usize, &String)| {
        json!({
            "messageId": format!("00000000-0000-4000-8000-{n:012}"),
            "receiptHandle": format!("receipt-{n}"),
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": SIGNED.unix_ms().to_string(),
                "SenderId": "AROATIDINGSRECEIVER",
                "ApproximateFirstReceiveTimestamp": SIGNED.unix_ms().to_string()
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:tidings-events",
            "awsRegion": "eu-central-1"
        })
    };
    json!({ "Records": messages.iter().enumerate().map(record).collect::<Vec<_>>() })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[tokio::test]
async fn the_committed_lambda_events_are_answered_as_the_corpus_says() {
    let world = world();
    for (case, request) in signed() {
        let event = pretty(&api_gateway_event(&request, SIGNED));
        check(&format!("events/apigw/{}.json", case.name), &event);
        // Read by lambda_http, base64 included.
        assert_eq!(world.answer(&event).await.0, case.expect.status, "{}", case.name);
    }
}

#[tokio::test]
async fn a_function_url_gives_the_same_results_as_an_http_api() {
    let world = world();
    for (case, request) in signed() {
        let mut event = api_gateway_event(&request, SIGNED);
        event["routeKey"] = "$default".into();
        event["requestContext"]["routeKey"] = "$default".into();
        event["requestContext"]["domainName"] = "abc123.lambda-url.eu-central-1.on.aws".into();
        event.as_object_mut().expect("an object").remove("pathParameters");
        assert_eq!(world.answer(&event.to_string()).await.0, case.expect.status, "{}", case.name);
    }
}

#[tokio::test]
async fn the_committed_batch_is_queued_by_the_receiver_and_accepted_by_the_processor() {
    let (queueing, world) = (self::world(), self::world());
    let mut messages = Vec::new();
    for (_, request) in signed() {
        messages.extend(queueing.answer(&api_gateway_event(&request, SIGNED).to_string()).await.1);
    }
    let event = sqs_event(&messages);
    check("events/sqs/batch.json", &pretty(&event));

    let event: SqsEvent = serde_json::from_value(event).expect("an SQS event");
    let poison: Vec<Option<String>> = event
        .records
        .iter()
        .filter(|r| r.body.as_ref().is_some_and(|b| b.contains("ord-evt-3666")))
        .map(|r| r.message_id.clone())
        .collect();
    let response = world.processor.handle(event, Duration::from_secs(30)).await;
    let failed: Vec<Option<String>> = response.batch_item_failures.into_iter().map(|f| Some(f.item_identifier)).collect();
    assert_eq!(failed, poison, "the poison event and no other");
    let processed = world.store.claims().iter().filter(|c| c.state == ClaimState::Processed).count();
    assert_eq!(processed, 22);
}

#[test]
fn the_readme_lists_the_corpus() {
    let mut table = String::from("| case | source | reply | its events | |\n|---|---|---|---|---|\n");
    for case in &corpus().cases {
        let end = |event: &tidings_events::ExpectedEvent| match (&event.dead, event.outcome) {
            (Some(_), _) => format!("`{}` dead", event.event_type),
            (None, outcome) => format!("`{}` {}", event.event_type, outcome.map_or("", |o| o.as_str())),
        };
        let events: Vec<String> = case.expect.events.iter().map(end).collect();
        let events = if events.is_empty() { "none".to_owned() } else { events.join("<br>") };
        let reply = format!("{} {}", case.expect.status, case.expect.reply);
        table.push_str(&format!("| `{}` | {} | {reply} | {events} | {} |\n", case.name, case.source, case.about));
    }
    check_between("events/README.md", "<!-- made by tests/events_folder.rs -->", "<!-- end -->", &table);
}
