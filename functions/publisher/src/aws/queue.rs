//! The deliveries queue: a fair queue of SQS. Each message names its endpoint as its group, and SQS hands out the messages of
//! quiet endpoints first while one has many under way.

use crate::delivery::DeliveryMessage;
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use std::time::Duration;
use tidings_core::aws::cause;
use tidings_core::ports::{Delayed, TimerQueue, Unavailable};

/// The queue, as a [`TimerQueue`].
#[derive(Clone, Debug)]
pub struct SqsDeliveries {
    client: Client,
    url: String,
}

impl SqsDeliveries {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }
}

fn group(message: &str) -> Option<String> {
    DeliveryMessage::decode(message).map(|message| message.key().endpoint.to_string())
}

/// Whole seconds, rounded up: a message is never visible before it is due.
fn seconds(delay: Duration) -> i32 {
    i32::try_from(delay.as_millis().div_ceil(1_000)).unwrap_or(i32::MAX)
}

fn unavailable(cause: String) -> Unavailable {
    Unavailable { call: "sqs:SendMessage", cause }
}

#[async_trait]
impl TimerQueue for SqsDeliveries {
    async fn send(&self, message: &str, delay: Duration) -> Result<(), Unavailable> {
        let send = self.client.send_message().queue_url(&self.url).message_body(message).delay_seconds(seconds(delay));
        let sent = send.set_message_group_id(group(message)).send().await;
        sent.map(|_| ()).map_err(|error| unavailable(cause(&error)))
    }

    async fn send_batch(&self, messages: &[Delayed]) -> Vec<Result<(), Unavailable>> {
        if let [Delayed { message, delay }] = messages {
            return vec![self.send(message, *delay).await];
        }
        let entry = |(n, Delayed { message, delay }): (usize, &Delayed)| {
            let entry = SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(message);
            let entry = entry.delay_seconds(seconds(*delay)).set_message_group_id(group(message));
            entry.build().expect("an entry needs its id and its body")
        };
        let entries = messages.iter().enumerate().map(entry).collect();
        match self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await {
            Ok(answer) => {
                let is_sent = |n: usize| answer.successful().iter().any(|entry| entry.id() == n.to_string());
                let sent = |n| if is_sent(n) { Ok(()) } else { Err(unavailable("in a batch: it isn't acknowledged".to_owned())) };
                (0..messages.len()).map(sent).collect()
            }
            Err(error) => {
                let cause = cause(&error);
                messages.iter().map(|_| Err(unavailable(cause.clone()))).collect()
            }
        }
    }
}
