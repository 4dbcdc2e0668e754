use super::outgoing::{DeadMessage, DlqOutgoing, OutgoingQueue, show};
use super::outgoing_walk::{Found, walk};
use crate::confirm::{Confirm, Confirmed};
use crate::dev::cloud::{Cloud, Options};
use crate::dev_client::aws::queue_url_at;
use crate::dev_client::{
    ACTIONS_DEAD_LETTER_QUEUE, ACTIONS_QUEUE, DELIVERIES_DEAD_LETTER_QUEUE, DELIVERIES_QUEUE, PUBLISHED_DEAD_LETTER_QUEUE,
};
use crate::stack::{OutgoingLetter, OutgoingLetters};
use crate::target::{Place, TargetOptions, outgoing_letters};
use publisher::aws::SqsDeliveries;
use publisher::delivery::{DeliveryKey, DeliveryMessage};
use serde_json::json;
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_core::ports::{ForwardQueue, Forwarded, TimerQueue};
use tidings_outgoing::KAFKA_SINK_ATTRIBUTE;

async fn cloud() -> Cloud {
    let options = Options { dynamodb_port: 0, data: None, secrets: "{}", api_secrets: "{}", visibility_timeout_seconds: 30 };
    Cloud::start(options).await.expect("the embedded cloud")
}

fn options(queue: OutgoingQueue) -> DlqOutgoing {
    DlqOutgoing {
        queue,
        id: None,
        event_type: None,
        to: None,
        payload: false,
        redrive: false,
        confirm: Confirm::given(),
        target: TargetOptions { at: Place::default(), json: false },
    }
}

async fn walked(letters: &OutgoingLetters, options: &DlqOutgoing, confirmed: Option<Confirmed>) -> Found {
    let mut found = Found::default();
    let wanted = |letter: &OutgoingLetter| Some(DeadMessage::of(options.queue, letter)).filter(|dead| dead.is_wanted(options));
    walk(letters, confirmed, &mut found, wanted, |dead| show(dead, options)).await.expect("walked");
    letters.show_again(&found.kept).await;
    found
}

fn published(id: &str, event_type: &str) -> String {
    let data = serde_json::value::RawValue::from_string("{\"secret\":\"hunter2\"}".to_owned()).expect("JSON");
    Envelope::new(NewEnvelope {
        id: id.to_owned(),
        source: "orders".to_owned(),
        event_type: event_type.to_owned(),
        subject: None,
        time: None,
        conversation: Some("web:ann".to_owned()),
        sequence: None,
        received: Timestamp::from_unix_ms(7),
        claim_key: ClaimKey::new("orders", id),
        traceparent: None,
        payload: Payload::Json(data),
    })
    .encode()
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_published_messages_are_listed_filtered_and_redriven_to_their_queue() {
    let cloud = cloud().await;
    let dead = queue_url_at(&cloud.endpoint, PUBLISHED_DEAD_LETTER_QUEUE);
    for body in [published("e1", "order.paid"), published("e2", "order.shipped"), "no message of ours".to_owned()] {
        cloud.sqs.send_message().queue_url(&dead).message_body(body).send().await.expect("sent");
    }
    let letters = OutgoingLetters::new(cloud.sqs.clone(), dead, cloud.published_queue_url.clone());
    let all = options(OutgoingQueue::Published);
    for (options, matched) in [
        (DlqOutgoing { ..options(OutgoingQueue::Published) }, 3),
        (DlqOutgoing { id: Some("orders#e1".to_owned()), ..options(OutgoingQueue::Published) }, 1),
        (DlqOutgoing { event_type: Some("order.*".parse().unwrap()), ..options(OutgoingQueue::Published) }, 2),
        (DlqOutgoing { to: Some("ep_crm".to_owned()), ..options(OutgoingQueue::Published) }, 0),
    ] {
        let found = walked(&letters, &options, None).await;
        assert_eq!((found.matched, found.moved, found.failed, found.stopped), (matched, 0, 0, false), "{options:?}");
    }
    let paid =
        DlqOutgoing { event_type: Some("order.paid".parse().unwrap()), redrive: true, ..options(OutgoingQueue::Published) };
    assert_eq!(walked(&letters, &paid, Confirm::given().ask()).await.moved, 1);
    assert_eq!(walked(&letters, &all, None).await.matched, 2, "the others stay");
    let back = OutgoingLetters::new(cloud.sqs.clone(), cloud.published_queue_url.clone(), String::new());
    let back = back.take().await.expect("received");
    assert_eq!(back.iter().map(|letter| letter.body.clone()).collect::<Vec<_>>(), [published("e1", "order.paid")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_delivery_is_redriven_as_a_message_of_its_endpoint() {
    let cloud = cloud().await;
    let dead = queue_url_at(&cloud.endpoint, DELIVERIES_DEAD_LETTER_QUEUE);
    let queue = SqsDeliveries::new(cloud.sqs.clone(), dead.clone());
    let message = |endpoint: &str| {
        let key = DeliveryKey { endpoint: endpoint.parse().unwrap(), delivery: "001764496800000-msg_1".to_owned() };
        DeliveryMessage::new(&key, 3).encode()
    };
    for endpoint in ["ep_crm", "ep_billing"] {
        queue.send(&message(endpoint), Duration::ZERO).await.expect("sent");
    }
    let letters = OutgoingLetters::new(cloud.sqs.clone(), dead, queue_url_at(&cloud.endpoint, DELIVERIES_QUEUE));
    let crm = DlqOutgoing { to: Some("ep_crm".to_owned()), redrive: true, ..options(OutgoingQueue::Deliveries) };
    assert_eq!(walked(&letters, &crm, None).await.matched, 1, "a dry run moves nothing");
    let found = walked(&letters, &crm, Confirm::given().ask()).await;
    assert_eq!((found.matched, found.moved, found.failed), (1, 1, 0));
    assert_eq!(walked(&letters, &options(OutgoingQueue::Deliveries), None).await.matched, 1);
    let back = OutgoingLetters::new(cloud.sqs.clone(), queue_url_at(&cloud.endpoint, DELIVERIES_QUEUE), String::new());
    assert_eq!(back.take().await.expect("received")[0].body, message("ep_crm"));
}

/// `dev` has no queue of Kafka. Two FIFO queues of its others show the walk.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_event_of_kafka_keeps_its_group_and_its_sink_and_one_that_is_refused_stays() {
    let cloud = cloud().await;
    let dead = queue_url_at(&cloud.endpoint, ACTIONS_DEAD_LETTER_QUEUE);
    let queue = cloud.forwards(&dead);
    for (id, sink) in [("msg_1", "log"), ("msg_2", "audit")] {
        let message = Forwarded {
            body: json!({"id": id, "type": "order.paid", "data": {"secret": "hunter2"}}).to_string(),
            group: format!("{sink}-web:ann"),
            deduplication: id.to_owned(),
            attributes: vec![(KAFKA_SINK_ATTRIBUTE, sink.to_owned())].into_iter().collect(),
        };
        queue.forward(&message).await.expect("sent");
    }
    let log = DlqOutgoing { to: Some("sink_log".to_owned()), redrive: true, ..options(OutgoingQueue::Kafka) };
    let nowhere = OutgoingLetters::new(cloud.sqs.clone(), dead.clone(), queue_url_at(&cloud.endpoint, "no-queue.fifo"));
    let found = walked(&nowhere, &log, Confirm::given().ask()).await;
    assert_eq!((found.matched, found.moved, found.failed, found.kept.len()), (1, 0, 1, 2), "nothing took it: it stays");
    let letters = OutgoingLetters::new(cloud.sqs.clone(), dead, queue_url_at(&cloud.endpoint, ACTIONS_QUEUE));
    assert_eq!(walked(&letters, &log, Confirm::given().ask()).await.moved, 1);
    let back = OutgoingLetters::new(cloud.sqs.clone(), queue_url_at(&cloud.endpoint, ACTIONS_QUEUE), String::new());
    let back = back.take().await.expect("received");
    assert_eq!(back[0].attributes.get(KAFKA_SINK_ATTRIBUTE).map(String::as_str), Some("log"));
}

#[test]
fn what_is_shown_of_a_message_has_its_content_only_if_that_was_asked_for() {
    let letter = OutgoingLetter::of_body(&published("e1", "order.paid"));
    let shown = |keep| serde_json::to_string(&DeadMessage::of(OutgoingQueue::Published, &letter).without_content(keep)).unwrap();
    assert!(!shown(false).contains("hunter2") && !shown(false).contains("web:ann"));
    assert!(shown(false).contains("orders#e1") && shown(true).contains("hunter2"));
}

#[tokio::test]
async fn a_dev_has_no_queue_of_kafka_and_says_so() {
    let failure = outgoing_letters(&Place::default(), OutgoingQueue::Kafka).await.unwrap_err();
    assert!(failure.message.contains("no queue of Kafka"), "{}", failure.message);
}
