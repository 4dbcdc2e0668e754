//! The events queue, for messages that are due later.

use super::cause;
use crate::ports::{TimerQueue, Unavailable};
use async_trait::async_trait;
use aws_sdk_sqs::Client;
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

#[async_trait]
impl TimerQueue for SqsTimers {
    async fn send(&self, message: &str, delay: Duration) -> Result<(), Unavailable> {
        // Whole seconds, rounded up.
        let seconds = delay.as_millis().div_ceil(1_000);
        let sent = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(message)
            .delay_seconds(i32::try_from(seconds).unwrap_or(i32::MAX))
            .send()
            .await;
        sent.map(|_| ()).map_err(|error| Unavailable { call: "sqs:SendMessage", cause: cause(&error) })
    }
}
