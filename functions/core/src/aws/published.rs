//! The published queue. What the records of a batch publish in the same moment is one call, as far as it fits into one.

use super::cause;
use super::gather::{Asked, Gather};
use super::queue::{acknowledged, id, unavailable};
use crate::ports::{Publish, Unavailable};
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use std::sync::Arc;
use tidings_config::limits::{MAX_BATCH_BYTES, MAX_BATCH_MESSAGES};

/// [`Publish`] on SQS.
#[derive(Clone, Debug)]
pub struct SqsPublished {
    client: Client,
    url: String,
    sends: Arc<Gather<String, Result<(), Unavailable>>>,
}

type Sends = Vec<Asked<String, Result<(), Unavailable>>>;

impl SqsPublished {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url, sends: Arc::new(Gather::of_a_turn()) }
    }

    async fn send_all(&self, all: Sends) {
        let mut batch = Sends::new();
        let mut bytes = 0;
        for asked in all {
            if batch.len() == MAX_BATCH_MESSAGES || bytes + asked.question.len() > MAX_BATCH_BYTES {
                self.send_batch(std::mem::take(&mut batch)).await;
                bytes = 0;
            }
            bytes += asked.question.len();
            batch.push(asked);
        }
        self.send_batch(batch).await;
    }

    async fn send_batch(&self, all: Sends) {
        match <[_; 1]>::try_from(all) {
            // A batch of one costs the same, but its entry can fail in an answer that is a 200 to the SDK, which then doesn't
            // try again.
            Ok([asked]) => {
                let sent = self.client.send_message().queue_url(&self.url).message_body(asked.question.as_str()).send().await;
                asked.answer(sent.map(|_| ()).map_err(|error| unavailable(cause(&error))));
            }
            Err(none) if none.is_empty() => {}
            Err(many) => self.send_many(many).await,
        }
    }

    async fn send_many(&self, all: Sends) {
        let entry = |(n, asked): (usize, &Asked<String, _>)| {
            let entry = SendMessageBatchRequestEntry::builder().id(id(n)).message_body(asked.question.as_str());
            entry.build().expect("an entry needs its id and its body")
        };
        let entries = all.iter().enumerate().map(entry).collect();
        match self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await {
            Ok(answer) => {
                for (n, asked) in all.into_iter().enumerate() {
                    asked.answer(acknowledged(&answer, &id(n)));
                }
            }
            Err(error) => {
                let cause = cause(&error);
                for asked in all {
                    asked.answer(Err(unavailable(cause.clone())));
                }
            }
        }
    }
}

#[async_trait]
impl Publish for SqsPublished {
    async fn publish(&self, message: String) -> Result<(), Unavailable> {
        self.sends.ask(message, |all| self.send_all(all)).await
    }
}
