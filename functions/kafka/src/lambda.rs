//! A batch of the queue: each message has one end, deleted or returned to the queue.
//!
//! The queue is FIFO, and its groups are a sink's conversations. After a message that isn't written, later ones of its
//! conversation are returned too, so that the order stays.

use crate::limits::{BATCH_RESERVE, PAUSE, WRITE_TIMEOUT};
use crate::ports::{Target, Topics, Unwritten};
use crate::record::{Record, of_message};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsMessage};
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::telemetry;
use tokio::time::timeout;

/// The function with its dependencies.
#[derive(Debug)]
pub struct Writer {
    targets: BTreeMap<String, Target>,
    topics: Arc<dyn Topics>,
    clock: Arc<dyn Clock>,
    /// Sinks that failed, until then.
    paused: Mutex<BTreeMap<String, Timestamp>>,
}

/// A message of a sink.
struct Waiting {
    message_id: String,
    record: Record,
}

impl Writer {
    pub fn new(targets: Vec<Target>, topics: Arc<dyn Topics>, clock: Arc<dyn Clock>) -> Self {
        let targets = targets.into_iter().map(|target| (target.name.clone(), target)).collect();
        Self { targets, topics, clock, paused: Mutex::default() }
    }

    /// Writes the messages of a batch, those of each sink side by side with the others'. SQS deletes those that the response
    /// doesn't list. `time_left` is the time until the function is stopped.
    pub async fn handle(&self, messages: Vec<SqsMessage>, time_left: Duration) -> SqsBatchResponse {
        let (mut kept, mut of_sinks) = (Vec::new(), BTreeMap::<String, Vec<Waiting>>::new());
        for message in messages {
            let message_id = message.message_id.clone().unwrap_or_default();
            match of_message(&message) {
                Ok((sink, record)) => of_sinks.entry(sink).or_default().push(Waiting { message_id, record }),
                Err(cause) => {
                    tracing::error!(message_id, %cause, "a message can't become a record");
                    kept.push(message_id);
                }
            }
        }
        let within = time_left.saturating_sub(BATCH_RESERVE).min(WRITE_TIMEOUT);
        let written = of_sinks.into_iter().map(|(sink, waiting)| self.write(sink, waiting, within));
        kept.extend(join_all(written).await.into_iter().flatten());
        let mut response = SqsBatchResponse::default();
        response.set_failures(kept);
        telemetry::flush(self.clock.now());
        response
    }

    /// Writes a sink's messages. Returns the ids of those that stay in the queue.
    async fn write(&self, sink: String, waiting: Vec<Waiting>, within: Duration) -> Vec<String> {
        let all = |waiting: &[Waiting]| waiting.iter().map(|one| one.message_id.clone()).collect::<Vec<_>>();
        let Some(target) = self.targets.get(&sink) else {
            tracing::error!(sink, messages = waiting.len(), "the project has no such sink on Kafka");
            return all(&waiting);
        };
        if self.is_paused(&sink) {
            tracing::debug!(sink, messages = waiting.len(), "the sink failed a moment ago: its messages wait");
            return all(&waiting);
        }
        let records: Vec<Record> = waiting.iter().map(|one| one.record.clone()).collect();
        let written = match timeout(within, self.topics.write(target, &records)).await {
            Ok(written) => written,
            Err(_) => vec![Err(Unwritten(format!("no answer within {within:?}"))); records.len()],
        };
        let mut blocked = BTreeSet::new();
        let mut kept = Vec::new();
        for (n, one) in waiting.iter().enumerate() {
            let key = one.record.partition_key();
            let failed = match written.get(n) {
                Some(Ok(())) => None,
                Some(Err(cause)) => Some(cause.to_string()),
                None => Some("no result".to_owned()),
            };
            if let Some(cause) = failed {
                tracing::error!(sink, id = one.record.id, cause, "a record isn't written: its message is received again");
                self.pause(&sink);
                blocked.insert(key);
            }
            if blocked.contains(key) {
                kept.push(one.message_id.clone());
            }
        }
        if kept.len() < waiting.len() {
            tracing::info!(sink, records = waiting.len() - kept.len(), "written");
        }
        kept
    }

    fn is_paused(&self, sink: &str) -> bool {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.get(sink).is_some_and(|until| self.clock.now() < *until)
    }

    fn pause(&self, sink: &str) {
        let until = self.clock.now().plus(PAUSE);
        self.paused.lock().unwrap_or_else(PoisonError::into_inner).insert(sink.to_owned(), until);
    }
}
