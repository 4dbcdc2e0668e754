//! The events queue, for messages that are due later.

use super::cause;
use super::queue::{acknowledged, id, unavailable};
use crate::ports::{Delayed, TimerQueue, Unavailable};
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use std::time::Duration;

/// [`TimerQueue`] on SQS.
#[derive(Clone, Debug)]
pub struct SqsTimers {
    client: Client,
    url: String,
}

impl SqsTimers {
    /// `url` is the events queue's.
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }
}

/// Whole seconds, rounded up: a message is never visible before it is due.
fn seconds(delay: Duration) -> i32 {
    i32::try_from(delay.as_millis().div_ceil(1_000)).unwrap_or(i32::MAX)
}

#[async_trait]
impl TimerQueue for SqsTimers {
    async fn send(&self, message: &str, delay: Duration) -> Result<(), Unavailable> {
        let send = self.client.send_message().queue_url(&self.url).message_body(message).delay_seconds(seconds(delay));
        send.send().await.map(|_| ()).map_err(|error| unavailable(cause(&error)))
    }

    async fn send_batch(&self, messages: &[Delayed]) -> Vec<Result<(), Unavailable>> {
        let entry = |(n, Delayed { message, delay }): (usize, &Delayed)| {
            let entry = SendMessageBatchRequestEntry::builder().id(id(n)).message_body(message).delay_seconds(seconds(*delay));
            entry.build().expect("an entry needs its id and its body")
        };
        let entries = messages.iter().enumerate().map(entry).collect();
        match self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await {
            Ok(answer) => (0..messages.len()).map(|n| acknowledged(&answer, &id(n))).collect(),
            Err(error) => {
                let cause = cause(&error);
                messages.iter().map(|_| Err(unavailable(cause.clone()))).collect()
            }
        }
    }
}
