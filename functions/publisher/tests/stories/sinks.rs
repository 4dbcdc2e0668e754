//! Sinks: each gets each event that it subscribes to as a CloudEvent, under one id, whatever the others do.

use crate::support::{HOUR, MINUTE, World, endpoint, envelope, event, header, status};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use publisher::delivery::{AttemptResult, DeliveryState};
use publisher::endpoint::EndpointState;
use publisher::limits::DISABLED_AFTER;
use serde_json::{Value, json};
use std::sync::Arc;
use tidings_core::ports::{Answered, Call, CallError};
use tidings_outgoing::{AwsIdentity, ConfiguredSink};
use tidings_project::read_sinks;
use zeroize::Zeroizing;

const QUEUE: &str = "arn:aws:sqs:eu-central-1:123456789012:tidings-kafka.fifo";

const ALL: &str = r#"version: 1
sinks:
  bus: { to: "arn:aws:events:eu-central-1:123456789012:event-bus/orders", events: ["*"] }
  lake: { to: "arn:aws:firehose:eu-central-1:123456789012:deliverystream/lake", events: ["*"] }
  log: { kafka: { brokers: ["b-1.example.com:9096"], topic: orders }, events: ["*"] }
  queue: { to: "arn:aws:sqs:eu-west-1:123456789012:orders.fifo", events: ["*"] }
  stream: { to: "arn:aws:kinesis:eu-central-1:123456789012:stream/orders", events: ["*"] }
  topic: { to: "arn:aws:sns:eu-central-1:123456789012:orders.fifo", events: ["*"] }
"#;

fn sinks(yaml: &str) -> Vec<ConfiguredSink> {
    read_sinks("sinks.yaml", yaml).unwrap()
}

/// The sinks of a file whose only entry is this one.
fn one(entry: &str) -> Vec<ConfiguredSink> {
    sinks(&format!("version: 1\nsinks:\n  {entry}\n"))
}

const BUS: &str = r#"bus: { to: "arn:aws:events:eu-central-1:123456789012:event-bus/orders", events: ["*"] }"#;
const TOPIC: &str = r#"topic: { to: "arn:aws:sns:eu-central-1:123456789012:orders.fifo", events: ["*"] }"#;

fn role() -> AwsIdentity {
    AwsIdentity {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Zeroizing::new("hunter2".to_owned()),
        session_token: Some(Zeroizing::new("session".to_owned())),
        region: "eu-central-1".to_owned(),
    }
}

/// A publisher with an endpoint and these sinks. Each answers as AWS does.
fn world(sinks: Vec<ConfiguredSink>) -> World {
    let mut world = World::new(vec![endpoint("crm")]);
    let publisher = world.another(vec![endpoint("crm")]).with_sinks(sinks, Some(role()), Some(QUEUE));
    world.publisher = Arc::new(publisher);
    world.servers.answer(|call, _| taken(call));
    world
}

fn answer(status: u16, body: &str) -> Result<Answered, CallError> {
    Ok(Answered { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
}

fn taken(call: &Call) -> Result<Answered, CallError> {
    let is_bus = call.url.contains("//events.");
    if is_bus { answer(200, r#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}"#) } else { answer(200, "{}") }
}

/// The JSON or the form of a request, as an object of texts.
fn fields(call: &Call) -> Value {
    if header(call, "content-type").contains("x-www-form-urlencoded") {
        return form_urlencoded::parse(&call.body).map(|(name, value)| (name.into_owned(), json!(value))).collect();
    }
    serde_json::from_slice(&call.body).unwrap()
}

/// The CloudEvent in a request.
fn event_of(call: &Call) -> Value {
    let fields = fields(call);
    let texts = [&fields["Message"], &fields["MessageBody"], &fields["Entries"][0]["Detail"]];
    if let Some(text) = texts.iter().find_map(|text| text.as_str()) {
        return serde_json::from_str(text).unwrap();
    }
    let data = [&fields["Data"], &fields["Record"]["Data"]].iter().find_map(|data| data.as_str()).unwrap().to_owned();
    serde_json::from_slice(&STANDARD.decode(data).unwrap()).unwrap()
}

#[tokio::test]
async fn each_kind_of_sink_gets_the_event_as_a_cloud_event_at_its_own_host_and_signed() {
    let world = world(sinks(ALL));
    world.publish(&event("e1")).await;
    world.pass(MINUTE).await;
    let calls = world.servers.calls();
    let mut hosts: Vec<_> = calls.iter().map(|(_, call)| call.url.as_str()).collect();
    hosts.sort_unstable();
    assert_eq!(
        hosts,
        [
            "https://crm.example.com/hooks",
            "https://events.eu-central-1.amazonaws.com/",
            "https://firehose.eu-central-1.amazonaws.com/",
            "https://kinesis.eu-central-1.amazonaws.com/",
            "https://sns.eu-central-1.amazonaws.com/",
            "https://sqs.eu-central-1.amazonaws.com/",
            "https://sqs.eu-west-1.amazonaws.com/",
        ]
    );
    let webhook: Value = serde_json::from_slice(&world.servers.calls_to("crm")[0].1.body).unwrap();
    for (_, call) in calls.iter().filter(|(_, call)| !call.url.contains("crm")) {
        assert_eq!(event_of(call), webhook, "{}: the CloudEvent that an endpoint gets, with the same id", call.url);
        let signature = header(call, "authorization");
        assert!(
            signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") && !signature.contains("hunter2"),
            "{signature}"
        );
        assert_eq!(header(call, "webhook-signature"), "");
    }
    assert_eq!(world.states()["delivered"], 7);
}

#[tokio::test]
async fn the_group_of_a_fifo_topic_and_the_key_of_a_stream_are_the_conversation() {
    let world = world(sinks(ALL));
    world.publish(&event("e1")).await;
    world.pass(MINUTE).await;
    let field = |host: &str, name: &str| fields(&world.servers.calls_to(host)[0].1)[name].as_str().unwrap().to_owned();
    assert_eq!(field("//sns.", "MessageGroupId"), "web:ann");
    assert_eq!(field("//sqs.eu-west-1.", "MessageGroupId"), "web:ann");
    assert_eq!(field("//kinesis.", "PartitionKey"), "web:ann");
    assert_eq!(field("//sqs.eu-central-1.", "MessageGroupId").len(), 64, "of the sink and the conversation");
}

#[tokio::test]
async fn a_lost_answer_is_repeated_under_the_same_ids() {
    let world = world(one(TOPIC));
    world.servers.answer(
        |call, _| {
            if call.url.contains("//sns.") { Err(CallError::NoAnswer("a reset".to_owned())) } else { status(200) }
        },
    );
    world.publish(&event("e1")).await;
    world.publish(&event("e1")).await;
    world.pass(MINUTE).await;
    world.servers.answer(|call, _| taken(call));
    world.pass(MINUTE * 10).await;
    let calls = world.servers.calls_to("//sns.");
    assert!(calls.len() >= 2, "{calls:?}");
    let ids: std::collections::BTreeSet<_> = calls
        .iter()
        .map(|(_, call)| (fields(call)["MessageDeduplicationId"].to_string(), event_of(call)["id"].to_string()))
        .collect();
    assert_eq!(ids.len(), 1, "FIFO removes the repeat, and a reader of a standard topic knows it: {ids:?}");
    assert_eq!(world.states()["delivered"], 2, "the endpoint's and the sink's, once each although it was published twice");
}

#[tokio::test]
async fn an_entry_that_fails_in_an_answer_of_200_is_tried_again() {
    let world = world(one(BUS));
    world.servers.answer(|call, _| {
        if call.url.contains("//events.") {
            answer(
                200,
                r#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"Rate exceeded"}]}"#,
            )
        } else {
            status(200)
        }
    });
    world.publish(&event("e1")).await;
    world.pass(MINUTE / 2).await;
    let delivery = world.stores.deliveries().into_iter().find(|one| one.key.endpoint.sink().is_some()).unwrap();
    assert_eq!((delivery.state, delivery.log[0].result), (DeliveryState::Pending, AttemptResult::Refused));
    assert_eq!(delivery.log[0].reason.as_deref(), Some("ThrottlingException"));
    world.servers.answer(|call, _| taken(call));
    world.pass(MINUTE * 2).await;
    assert_eq!((world.servers.calls_to("//events.").len(), world.states()["delivered"]), (2, 2));
}

#[tokio::test]
async fn a_throttled_stream_waits_as_long_as_it_asks() {
    let stream = r#"stream: { to: "arn:aws:kinesis:eu-central-1:123456789012:stream/orders", events: ["*"] }"#;
    let world = world(one(stream));
    world.servers.answer(|call, _| {
        let mut said = answer(400, r#"{"__type":"ProvisionedThroughputExceededException","message":"Rate exceeded"}"#)?;
        said.headers.push(("retry-after".to_owned(), "900".to_owned()));
        if call.url.contains("//kinesis.") { Ok(said) } else { status(200) }
    });
    world.publish(&event("e1")).await;
    world.pass(MINUTE * 14).await;
    assert_eq!(world.servers.calls_to("//kinesis.").len(), 1, "it asked for a quarter of an hour");
    world.pass(MINUTE * 3).await;
    assert_eq!(world.servers.calls_to("//kinesis.").len(), 2);
}

#[tokio::test]
async fn an_event_that_a_sink_refuses_is_given_up_and_says_nothing_about_the_sink() {
    let world = world(one(BUS));
    world.servers.answer(|call, _| {
        if call.url.contains("//events.") {
            answer(
                200,
                r#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}]}"#,
            )
        } else {
            status(200)
        }
    });
    world.publish(&event("e1")).await;
    world.pass(HOUR).await;
    assert_eq!((world.states()["failed"], world.servers.calls_to("//events.").len()), (1, 1));
    assert_eq!(world.status_of("sink_bus").await.failing_since, None);
}

#[tokio::test]
async fn an_event_that_is_too_large_for_a_sink_fails_there_alone_and_without_a_request() {
    let world = world(one(TOPIC));
    let large = envelope("large", "order.paid", &json!({"text": "x".repeat(300_000)})).encode();
    world.publish(&large).await;
    world.pass(HOUR).await;
    assert_eq!((world.states()["failed"], world.states()["delivered"]), (1, 1));
    assert_eq!(world.servers.calls_to("//sns.").len(), 0);
    let failed = world.stores.deliveries().into_iter().find(|one| one.state == DeliveryState::Failed).unwrap();
    let reason = failed.log[0].reason.clone().unwrap();
    assert!(reason.starts_with("the event has 300") && reason.ends_with("this sink takes 261120"), "{reason}");
}

#[tokio::test]
async fn patterns_and_a_condition_choose_what_a_sink_gets() {
    let bus = r#"bus: { to: "arn:aws:events:eu-central-1:123456789012:event-bus/orders", events: ["order.*"], when: "data.total > 100" }"#;
    let world = world(one(bus));
    for (id, event_type, total) in [("a", "order.paid", 250), ("b", "order.paid", 50), ("c", "refund.made", 250)] {
        world.publish(&envelope(id, event_type, &json!({"total": total})).encode()).await;
    }
    world.pass(MINUTE).await;
    let calls = world.servers.calls_to("//events.");
    assert_eq!(calls.iter().map(|(_, call)| event_of(call)["eventid"].clone()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(world.servers.calls_to("crm").len(), 3, "the endpoint takes all");
}

#[tokio::test]
async fn a_sink_that_is_down_for_days_is_disabled_and_gets_what_it_missed_when_it_is_enabled() {
    let world = world(sinks(ALL));
    let is_down = |call: &Call| call.url.contains("//sns.");
    world.servers.answer(move |call, _| {
        let denied =
            r#"<ErrorResponse><Error><Code>AuthorizationError</Code><Message>not authorized</Message></Error></ErrorResponse>"#;
        if is_down(call) { answer(403, denied) } else { taken(call) }
    });
    let events = 8;
    for n in 0..events {
        world.publish(&event(&format!("e{n}"))).await;
        world.pass(HOUR * 12).await;
    }
    let status = world.status_of("sink_topic").await;
    assert!(matches!(status.state, EndpointState::Disabled { .. }), "after {DISABLED_AFTER:?}: {status:?}");
    for host in ["//events.", "//firehose.", "//kinesis.", "//sqs.eu-west-1.", "//sqs.eu-central-1."] {
        let calls = world.servers.calls_to(host);
        assert!(calls.len() >= events, "{host} has had each event, and the notice: {}", calls.len());
    }
    let held = world.stores.deliveries().into_iter().filter(|one| one.state == DeliveryState::Held).count();
    assert!(held > 0, "what it misses is stored");
}

#[tokio::test]
async fn without_a_role_or_a_queue_of_kafka_events_wait_and_nothing_is_sent() {
    let mut world = World::new(Vec::new());
    let log = r#"log: { kafka: { brokers: ["b-1.example.com:9096"], topic: orders }, events: ["*"] }"#;
    let both = sinks(&format!("version: 1\nsinks:\n  {BUS}\n  {log}\n"));
    world.publisher = Arc::new(world.another(Vec::new()).with_sinks(both.clone(), None, None));
    world.servers.answer(|call, _| taken(call));
    world.publish(&event("e1")).await;
    world.pass(MINUTE / 2).await;
    assert_eq!((world.servers.calls().len(), world.states()["pending"]), (0, 2));
    world.publisher = Arc::new(world.another(Vec::new()).with_sinks(both, Some(role()), Some(QUEUE)));
    world.pass(HOUR).await;
    assert_eq!((world.servers.calls().len(), world.states()["delivered"]), (2, 2), "after the next deployment");
}
