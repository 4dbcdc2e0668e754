//! The events queue.

use super::cause;
use crate::ports::{EventQueue, Unavailable};
use async_trait::async_trait;
use aws_sdk_sqs::Client;

/// [`EventQueue`] on SQS.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }
}

#[async_trait]
impl EventQueue for SqsQueue {
    async fn send(&self, message: &str) -> Result<(), Unavailable> {
        let sent = self.client.send_message().queue_url(&self.url).message_body(message).send().await;
        sent.map(|_| ()).map_err(|error| Unavailable { call: "sqs:SendMessage", cause: cause(&error) })
    }
}
