//! The function over topics in memory: what is written, in which order, and what stays in the queue.

use aws_lambda_events::event::sqs::{SqsMessage, SqsMessageAttribute};
use kafka::Writer;
use kafka::limits::{PAUSE, WRITE_TIMEOUT};
use kafka::memory::{MemoryTopics, Trouble};
use kafka::ports::Target;
use kafka::record::Record;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::kafka::Kafka;
use tidings_config::time::Timestamp;
use tidings_core::memory::ManualClock;
use tidings_outgoing::KAFKA_SINK_ATTRIBUTE;
use tokio::time::Instant;

const AMPLE: Duration = Duration::from_secs(60);

struct World {
    writer: Writer,
    topics: Arc<MemoryTopics>,
    clock: Arc<ManualClock>,
}

fn target(name: &str) -> Target {
    let kafka = Kafka {
        brokers: vec!["b-1.example.com:9096".to_owned()],
        topic: format!("topic-{name}"),
        tls: true,
        ca: None,
        sasl: None,
        secret: None,
    };
    Target { name: name.to_owned(), kafka }
}

fn world() -> World {
    let topics = Arc::new(MemoryTopics::with_partitions(6));
    let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-30T10:00:00Z").unwrap()));
    let writer = Writer::new(vec![target("log"), target("other")], Arc::clone(&topics) as _, Arc::clone(&clock) as _);
    World { writer, topics, clock }
}

fn message(sink: &str, id: &str, conversation: &str) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(format!("m-{id}"));
    message.body = Some(format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/webhooks/shop","type":"order.paid","conversation":"{conversation}","data":{{}}}}"#
    ));
    let mut attribute = SqsMessageAttribute::default();
    attribute.string_value = Some(sink.to_owned());
    message.message_attributes.insert(KAFKA_SINK_ATTRIBUTE.to_owned(), attribute);
    message
}

impl World {
    /// The ids of the messages that stay.
    async fn handle(&self, messages: Vec<SqsMessage>) -> Vec<String> {
        let response = self.writer.handle(messages, AMPLE).await;
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    fn ids(&self, sink: &str) -> Vec<String> {
        self.topics.written(&format!("topic-{sink}")).into_values().flatten().map(|record: Record| record.id).collect()
    }
}

#[tokio::test]
async fn a_conversation_is_in_one_partition_and_in_its_order() {
    let world = world();
    let messages = (0..10).map(|n| message("log", &format!("e{n}"), ["web:ann", "web:bob", "web:eve"][n % 3])).collect();
    assert_eq!(world.handle(messages).await, [""; 0]);
    for (name, ids) in [("web:ann", ["e0", "e3", "e6", "e9"].as_slice()), ("web:bob", &["e1", "e4", "e7"])] {
        let of_key = |records: &Vec<Record>| {
            let own = records.iter().filter(|record| record.key.as_deref() == Some(name));
            own.map(|record| record.id.clone()).collect::<Vec<_>>()
        };
        let partitions: Vec<_> = world.topics.written("topic-log").values().map(of_key).filter(|ids| !ids.is_empty()).collect();
        assert_eq!(partitions, [ids], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_whose_brokers_never_answer_holds_up_no_other_and_loses_nothing() {
    let world = world();
    world.topics.trouble("log", Some(Trouble::Hang));
    let started = Instant::now();
    let kept = world.handle(vec![message("log", "a", "web:ann"), message("other", "b", "web:ann")]).await;
    assert!(started.elapsed() <= WRITE_TIMEOUT, "{:?}", started.elapsed());
    assert_eq!((kept.as_slice(), world.ids("other")), (["m-a".to_owned()].as_slice(), vec!["b".to_owned()]));
    let started = Instant::now();
    let kept = world.handle(vec![message("log", "a", "web:ann"), message("other", "c", "web:ann")]).await;
    assert_eq!(
        (kept.as_slice(), started.elapsed()),
        (["m-a".to_owned()].as_slice(), Duration::ZERO),
        "it isn't waited for again"
    );
    assert_eq!(world.topics.calls("log"), 1);
    world.topics.trouble("log", None);
    world.clock.advance(PAUSE);
    assert_eq!(world.handle(vec![message("log", "a", "web:ann")]).await, [""; 0]);
    assert_eq!((world.ids("log"), world.ids("other")), (vec!["a".to_owned()], vec!["b".to_owned(), "c".to_owned()]));
}

#[tokio::test]
async fn a_record_whose_answer_is_lost_is_written_again_under_its_id() {
    let world = world();
    world.topics.trouble("log", Some(Trouble::LoseAnswer));
    assert_eq!(world.handle(vec![message("log", "a", "web:ann")]).await, ["m-a"]);
    world.topics.trouble("log", None);
    world.clock.advance(PAUSE);
    assert_eq!(world.handle(vec![message("log", "a", "web:ann")]).await, [""; 0]);
    assert_eq!(world.ids("log"), ["a", "a"], "at least once, and a consumer knows the repeat by ce_id");
}

#[tokio::test]
async fn after_a_record_that_fails_the_rest_of_its_conversation_waits() {
    let world = world();
    world.topics.refuse("b");
    let of = |id: &str, conversation: &str| message("log", id, conversation);
    let kept = world.handle(vec![of("a", "web:ann"), of("b", "web:ann"), of("c", "web:bob"), of("d", "web:ann")]).await;
    assert_eq!(kept, ["m-b", "m-d"]);
}

#[tokio::test]
async fn a_message_of_no_sink_of_the_project_stays_for_the_dead_letter_queue() {
    let world = world();
    let mut without = message("log", "b", "web:ann");
    without.message_attributes.clear();
    let mut garbage = message("log", "c", "web:ann");
    garbage.body = Some("not JSON".to_owned());
    let messages = vec![message("removed", "a", "web:ann"), without, garbage, message("log", "d", "web:bob")];
    let mut kept = world.handle(messages).await;
    kept.sort_unstable();
    assert_eq!((kept.join(" "), world.ids("log")), ("m-a m-b m-c".to_owned(), vec!["d".to_owned()]));
}
