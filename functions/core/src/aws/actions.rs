//! The actions queue: FIFO, with one message group for each conversation. A conversation's actions are delivered in
//! order, and never block another conversation's.

use super::cause;
use crate::action::Action;
use crate::claim::Sha256Hex;
use crate::ports::{ActionQueue, Unavailable};
use async_trait::async_trait;
use aws_sdk_sqs::Client;

/// [`ActionQueue`] on SQS.
#[derive(Clone, Debug)]
pub struct SqsActions {
    client: Client,
    url: String,
}

impl SqsActions {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }
}

#[async_trait]
impl ActionQueue for SqsActions {
    async fn send(&self, conversation: &str, sequence: u64, action: &Action) -> Result<(), Unavailable> {
        let sent = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(action.encode(conversation, sequence))
            // A group id has at most 128 characters of a limited set; a conversation's name may be longer and contain
            // any character.
            .message_group_id(Sha256Hex::of(conversation.as_bytes()).digits())
            .message_deduplication_id(action.id.as_str())
            .send()
            .await;
        sent.map(|_| ()).map_err(|error| Unavailable { call: "sqs:SendMessage", cause: cause(&error) })
    }
}
