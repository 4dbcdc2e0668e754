//! The actions queue: FIFO, with one message group for each conversation. A conversation's actions are delivered in
//! order, and never block another conversation's.
//!
//! One call is under way at a time; the next takes along what others want to send meanwhile. A conversation sends an action
//! when the one before is acknowledged. So a batch has at most one action of each conversation, and no action overtakes one
//! that failed.

use super::cause;
use super::gather::{Asked, Gather};
use crate::action::Action;
use crate::claim::Sha256Hex;
use crate::ports::{ActionQueue, Unavailable};
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use std::sync::Arc;
use tidings_config::limits::MAX_BATCH_MESSAGES;

/// [`ActionQueue`] on SQS.
#[derive(Clone, Debug)]
pub struct SqsActions {
    client: Client,
    url: String,
    sends: Arc<Gather<Message, Result<(), Unavailable>>>,
}

/// An action as it is sent.
struct Message {
    body: String,
    group: String,
    deduplication: String,
}

type Sends = Vec<Asked<Message, Result<(), Unavailable>>>;

impl SqsActions {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url, sends: Arc::new(Gather::of_a_turn()) }
    }

    async fn send_all(&self, mut all: Sends) {
        while !all.is_empty() {
            let rest = all.split_off(all.len().min(MAX_BATCH_MESSAGES));
            match <[_; 1]>::try_from(all) {
                // A batch of one costs the same, but its entry can fail in an answer that is a 200 to the SDK, which then doesn't
                // try again.
                Ok([asked]) => self.send_one(asked).await,
                Err(many) => self.send_batch(many).await,
            }
            all = rest;
        }
    }

    async fn send_one(&self, asked: Asked<Message, Result<(), Unavailable>>) {
        let Message { body, group, deduplication } = &*asked.question;
        let send = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = send.message_group_id(group).message_deduplication_id(deduplication).send().await;
        asked.answer(sent.map(|_| ()).map_err(|error| unavailable(cause(&error))));
    }

    async fn send_batch(&self, all: Sends) {
        let entry = |(n, asked): (usize, &Asked<Message, _>)| {
            let Message { body, group, deduplication } = &*asked.question;
            let entry = SendMessageBatchRequestEntry::builder().id(super::queue::id(n)).message_body(body);
            let entry = entry.message_group_id(group).message_deduplication_id(deduplication);
            entry.build().expect("an entry needs its id and its body")
        };
        let entries = all.iter().enumerate().map(entry).collect();
        match self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await {
            Ok(answer) => {
                for (n, asked) in all.into_iter().enumerate() {
                    asked.answer(super::queue::acknowledged(&answer, &super::queue::id(n)));
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
impl ActionQueue for SqsActions {
    async fn send(&self, conversation: &str, sequence: u64, action: &Action) -> Result<(), Unavailable> {
        let message = Message {
            body: action.encode(conversation, sequence),
            // A group id has at most 128 characters of a limited set; a conversation's name may be longer and contain any
            // character.
            group: Sha256Hex::of(conversation.as_bytes()).digits().to_owned(),
            deduplication: action.id.as_str().to_owned(),
        };
        self.sends.ask(message, |all| self.send_all(all)).await
    }
}

fn unavailable(cause: String) -> Unavailable {
    Unavailable { call: "sqs:SendMessage", cause }
}
