//! The brokers' side, with a broker that runs: `tests/kafka/run` starts it and says where it is.
//!
//! `KAFKA_BROKER` is `host:port`. `KAFKA_SECURE` is another one's that wants TLS of the authority in the file `KAFKA_CA`, and, if
//! `KAFKA_SASL` names a mechanism, the user `ann` with the password `hunter2`.

use kafka::cluster::Cluster;
use kafka::ports::{Target, Topics};
use kafka::record::Record;
use rskafka::client::ClientBuilder;
use rskafka::client::partition::UnknownTopicHandling;
use rskafka::record::RecordAndOffset;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidings_config::kafka::{Kafka, Sasl};
use tidings_config::time::SystemClock;
use tidings_core::memory::{Faults, MemorySecrets};

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is missing: tests/kafka/run sets it"))
}

fn target(broker: String) -> Target {
    let topic = format!("orders-{}", std::process::id());
    let kafka = Kafka { brokers: vec![broker], topic, tls: false, ca: None, sasl: None, secret: None };
    Target { name: "log".to_owned(), kafka }
}

fn cluster(password: &str) -> Cluster {
    let document = format!(r#"{{"log": {{"username": "ann", "password": "{password}"}}}}"#);
    Cluster::new(Arc::new(MemorySecrets::new(Arc::new(Faults::default()), &document)), Arc::new(SystemClock))
}

fn event(n: usize, conversation: &str) -> Record {
    let event = format!(
        r#"{{"specversion":"1.0","id":"msg_{n}","source":"/webhooks/shop","type":"order.paid","conversation":"{conversation}","data":{{"n":{n}}}}}"#
    );
    Record::of(event).expect("a CloudEvent")
}

/// A topic of so many partitions.
async fn make(broker: &str, topic: &str, partitions: i32) -> rskafka::client::Client {
    let client = ClientBuilder::new(vec![broker.to_owned()]).build().await.expect("the broker");
    let made = client.controller_client().expect("a controller").create_topic(topic, partitions, 1, 5_000).await;
    made.expect("a new topic");
    client
}

/// What a topic holds, by its partitions.
async fn read(client: &rskafka::client::Client, topic: &str, partitions: i32) -> BTreeMap<i32, Vec<RecordAndOffset>> {
    let mut all = BTreeMap::new();
    for n in 0..partitions {
        let partition = client.partition_client(topic, n, UnknownTopicHandling::Error).await.expect("a partition");
        let mut records = Vec::new();
        loop {
            let (more, high) =
                partition.fetch_records(records.len().try_into().unwrap(), 0..1_000_000, 500).await.expect("records");
            records.extend(more);
            if i64::try_from(records.len()).unwrap() >= high {
                break;
            }
        }
        all.insert(n, records);
    }
    all
}

#[tokio::test]
#[ignore = "needs a broker: tests/kafka/run"]
async fn records_arrive_by_conversation_in_order_with_their_headers() {
    let broker = variable("KAFKA_BROKER");
    let to = target(broker.clone());
    let client = make(&broker, &to.kafka.topic, 3).await;
    let cluster = cluster("hunter2");
    let records: Vec<Record> = (0..30).map(|n| event(n, ["web:ann", "web:bob", "web:Zoë"][n % 3])).collect();
    for batch in records.chunks(10) {
        assert!(cluster.write(&to, batch).await.iter().all(Result::is_ok), "acknowledged");
    }
    let held = read(&client, &to.kafka.topic, 3).await;
    assert_eq!(held.values().map(Vec::len).sum::<usize>(), 30);
    for conversation in ["web:ann", "web:bob", "web:Zoë"] {
        let of_key = |found: &&RecordAndOffset| found.record.key.as_deref() == Some(conversation.as_bytes());
        let in_partitions: Vec<Vec<&RecordAndOffset>> =
            held.values().map(|all| all.iter().filter(of_key).collect()).filter(|own: &Vec<_>| !own.is_empty()).collect();
        assert_eq!(in_partitions.len(), 1, "{conversation} is in one partition");
        let sent = records.iter().filter(|record| record.key.as_deref() == Some(conversation));
        for (found, sent) in in_partitions[0].iter().zip(sent) {
            assert_eq!(found.record.value.as_deref(), Some(sent.value.as_bytes()));
            assert_eq!(found.record.headers["ce_id"], sent.id.as_bytes());
            assert_eq!(found.record.headers["content-type"], sent.headers["content-type"].as_bytes());
        }
        assert_eq!(in_partitions[0].len(), 10);
    }
}

#[tokio::test]
#[ignore = "needs a broker: tests/kafka/run"]
async fn a_topic_that_does_not_exist_is_not_made_and_is_written_once_it_exists() {
    let broker = variable("KAFKA_BROKER");
    let mut to = target(broker.clone());
    to.kafka.topic.push_str("-later");
    let cluster = cluster("hunter2");
    let written = cluster.write(&to, &[event(1, "web:ann")]).await;
    let cause = written[0].as_ref().unwrap_err().to_string();
    assert!(cause.contains("there is no topic"), "{cause}");
    let client = make(&broker, &to.kafka.topic, 1).await;
    assert!(cluster.write(&to, &[event(1, "web:ann")]).await[0].is_ok());
    assert_eq!(read(&client, &to.kafka.topic, 1).await[&0].len(), 1);
}

#[tokio::test]
#[ignore = "needs a broker: tests/kafka/run"]
async fn a_broker_that_is_not_there_is_an_error_in_time() {
    let cluster = cluster("hunter2");
    let started = std::time::Instant::now();
    let written = cluster.write(&target("127.0.0.1:1".to_owned()), &[event(1, "web:ann")]).await;
    assert!(written[0].is_err() && started.elapsed() < kafka::limits::WRITE_TIMEOUT, "{written:?}");
}

/// The broker that wants TLS, and perhaps a password.
fn secure() -> Target {
    let mut to = target(variable("KAFKA_SECURE"));
    to.kafka.tls = true;
    to.kafka.ca = Some(std::fs::read_to_string(variable("KAFKA_CA")).expect("the authority"));
    to.kafka.sasl = std::env::var("KAFKA_SASL").ok().map(|word| Sasl::parse(&word).expect("a mechanism"));
    to.kafka.topic = variable("KAFKA_SECURE_TOPIC");
    to
}

#[tokio::test]
#[ignore = "needs a broker: tests/kafka/run"]
async fn a_broker_with_tls_is_trusted_by_its_authority_alone() {
    let to = secure();
    assert!(cluster("hunter2").write(&to, &[event(1, "web:ann")]).await[0].is_ok());
    let public = Target { kafka: Kafka { ca: None, ..to.kafka.clone() }, ..to };
    let cause = cluster("hunter2").write(&public, &[event(1, "web:ann")]).await[0].clone().unwrap_err().to_string();
    assert!(!cause.contains("hunter2"), "{cause}");
}

#[tokio::test]
#[ignore = "needs a broker with passwords: tests/kafka/run"]
async fn a_wrong_password_is_refused_and_not_told() {
    let to = secure();
    let cause = cluster("hunter3").write(&to, &[event(1, "web:ann")]).await[0].clone().unwrap_err().to_string();
    assert!(!cause.contains("hunter3"), "{cause}");
}
