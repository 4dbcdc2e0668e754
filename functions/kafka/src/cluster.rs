//! The brokers, by rskafka.
//!
//! A record is acknowledged by all in-sync replicas. The records of a partition are one request: all of them are written, or
//! none is known to be. A connection that failed or was idle is made again.

use crate::credentials::CredentialBook;
use crate::limits::{CLIENT_DEADLINE, IDLE, MAX_ANSWER_BYTES};
use crate::partition::partition_of;
use crate::ports::{Target, Topics, Unwritten};
use crate::record::Record;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::future::join_all;
use rskafka::BackoffConfig;
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder, Credentials, SaslConfig};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::kafka::Sasl;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::aws::tls_trusting;
use tidings_core::ports::SecretStore;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// [`Topics`] on brokers.
pub struct Cluster {
    credentials: CredentialBook,
    clock: Arc<dyn Clock>,
    connected: Mutex<BTreeMap<String, Arc<Connected>>>,
}

/// A sink's topic.
struct Connected {
    client: Client,
    topic: String,
    partitions: u32,
    known: Mutex<BTreeMap<u32, Arc<PartitionClient>>>,
    used: Mutex<Timestamp>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

fn unwritten(what: &str, error: &dyn fmt::Display) -> Unwritten {
    Unwritten(format!("{what}: {error}"))
}

impl Cluster {
    pub fn new(secrets: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self { credentials: CredentialBook::new(secrets, Arc::clone(&clock)), clock, connected: Mutex::default() }
    }

    /// The connection of a sink, which is made if there is none, or none that was used a moment ago.
    async fn connected(&self, to: &Target) -> Result<Arc<Connected>, Unwritten> {
        let now = self.clock.now();
        let known = self.connected.lock().await.get(&to.name).cloned();
        if let Some(known) = known {
            let mut used = known.used.lock().await;
            if now.since(*used) < IDLE {
                *used = now;
                drop(used);
                return Ok(known);
            }
        }
        // Other sinks don't wait for this one's brokers.
        let connected = Arc::new(self.connect(to, now).await?);
        self.connected.lock().await.insert(to.name.clone(), Arc::clone(&connected));
        Ok(connected)
    }

    async fn connect(&self, to: &Target, now: Timestamp) -> Result<Connected, Unwritten> {
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 3.0,
            deadline: Some(CLIENT_DEADLINE),
        };
        let mut builder = ClientBuilder::new(to.kafka.brokers.clone())
            .client_id("tidings")
            .max_message_size(MAX_ANSWER_BYTES)
            .backoff_config(backoff);
        if to.kafka.tls {
            let tls = tls_trusting(to.kafka.ca.as_deref()).map_err(|error| unwritten("the authority of the brokers", &error))?;
            builder = builder.tls_config(Arc::new(tls));
        }
        if let Some(mechanism) = to.kafka.sasl {
            builder = builder.sasl_config(self.sasl(to, mechanism).await?);
        }
        let client = builder.build().await.map_err(|error| unwritten("no connection to the brokers", &error))?;
        let topics = client.list_topics().await.map_err(|error| unwritten("the brokers don't list their topics", &error))?;
        let topic = to.kafka.topic.clone();
        let found = topics.into_iter().find(|found| found.name == topic);
        let partitions = found.map_or(0, |found| found.partitions.len());
        let partitions = u32::try_from(partitions).ok().filter(|partitions| *partitions > 0);
        let partitions = partitions.ok_or_else(|| Unwritten(format!("there is no topic {topic:?}, or we may not see it")))?;
        Ok(Connected { client, topic, partitions, known: Mutex::default(), used: Mutex::new(now) })
    }

    async fn sasl(&self, to: &Target, mechanism: Sasl) -> Result<SaslConfig, Unwritten> {
        let name = to.kafka.secret.as_ref().unwrap_or(&to.name);
        let credentials = self.credentials.get(name).await;
        let credentials =
            credentials.ok_or_else(|| Unwritten(format!("no usable {name:?} in the document of Kafka's secrets")))?;
        let credentials = Credentials::new(credentials.username, credentials.password.to_string());
        Ok(match mechanism {
            Sasl::Plain => SaslConfig::Plain(credentials),
            Sasl::ScramSha256 => SaslConfig::ScramSha256(credentials),
            Sasl::ScramSha512 => SaslConfig::ScramSha512(credentials),
        })
    }

    /// The next write connects again, with credentials that may be newer.
    async fn forget(&self, to: &Target) {
        self.connected.lock().await.remove(&to.name);
        if to.kafka.sasl.is_some() {
            self.credentials.refused().await;
        }
    }
}

impl Connected {
    async fn partition(&self, n: u32) -> Result<Arc<PartitionClient>, Unwritten> {
        if let Some(known) = self.known.lock().await.get(&n) {
            return Ok(Arc::clone(known));
        }
        let id = i32::try_from(n).map_err(|error| unwritten("the partition", &error))?;
        let client = self.client.partition_client(self.topic.clone(), id, UnknownTopicHandling::Error).await;
        let client = Arc::new(client.map_err(|error| unwritten("no leader of the partition", &error))?);
        self.known.lock().await.insert(n, Arc::clone(&client));
        Ok(client)
    }

    async fn produce(&self, n: u32, records: Vec<rskafka::record::Record>) -> Result<(), Unwritten> {
        let partition = self.partition(n).await?;
        let produced = partition.produce(records, Compression::NoCompression).await;
        produced.map(|_| ()).map_err(|error| unwritten("the brokers didn't take it", &error))
    }
}

fn as_sent(record: &Record, at: DateTime<Utc>) -> rskafka::record::Record {
    rskafka::record::Record {
        key: record.key.as_ref().map(|key| key.clone().into_bytes()),
        value: Some(record.value.clone().into_bytes()),
        headers: record.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect(),
        timestamp: at,
    }
}

#[async_trait]
impl Topics for Cluster {
    async fn write(&self, to: &Target, records: &[Record]) -> Vec<Result<(), Unwritten>> {
        // A broker that never answers is a failure too: the next write connects again.
        let written = match timeout(CLIENT_DEADLINE, self.write_all(to, records)).await {
            Ok(Ok(written)) => written,
            Ok(Err(error)) => vec![Err(error); records.len()],
            Err(_) => vec![Err(Unwritten(format!("no answer within {CLIENT_DEADLINE:?}"))); records.len()],
        };
        if written.iter().any(Result::is_err) {
            self.forget(to).await;
        }
        written
    }
}

impl Cluster {
    /// An error is every record's.
    async fn write_all(&self, to: &Target, records: &[Record]) -> Result<Vec<Result<(), Unwritten>>, Unwritten> {
        let connected = self.connected(to).await?;
        let at = DateTime::from_timestamp_millis(self.clock.now().unix_ms()).unwrap_or_default();
        let mut of_partitions = BTreeMap::<u32, Vec<usize>>::new();
        for (n, record) in records.iter().enumerate() {
            of_partitions.entry(partition_of(record.partition_key(), connected.partitions)).or_default().push(n);
        }
        let produced = of_partitions.iter().map(|(partition, places)| {
            let records = places.iter().map(|n| as_sent(&records[*n], at)).collect();
            connected.produce(*partition, records)
        });
        let produced = join_all(produced).await;
        let mut written = vec![Ok(()); records.len()];
        for (places, result) in of_partitions.into_values().zip(produced) {
            for n in places {
                written[n].clone_from(&result);
            }
        }
        Ok(written)
    }
}
