//! The dead-letter queue, for operators. Inspected messages are hidden for a visibility timeout and then made visible
//! again, immediately if the call succeeds. Only [`DeadLetters::delete`] removes messages.

use crate::confirm::Confirmed;
use crate::limits::{DEAD_LETTER_HIDDEN, MAX_DEAD_LETTER_RECEIVES};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName,
};
use std::collections::BTreeSet;
use std::time::Duration;
use tidings_config::limits::MAX_BATCH_MESSAGES;
use tidings_config::time::Timestamp;
use tidings_core::aws::cause;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::Envelope;
use tidings_core::ports::Unavailable;

/// Needs `sqs:ReceiveMessage`, `sqs:ChangeMessageVisibility` and, to delete, `sqs:DeleteMessage` on the queue. These
/// are the operator's; no function has them.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    client: Client,
    url: String,
    hidden: Duration,
}

/// A received message, hidden from other consumers.
#[derive(Clone, Debug)]
pub struct Letter {
    /// SQS's message id. It identifies the message while it is in this queue.
    pub id: String,
    pub body: String,
    /// When it was first sent to the events queue. Moving to the dead-letter queue doesn't change it.
    pub sent: Option<Timestamp>,
    /// The receipt by which the message is made visible again or deleted.
    pub receipt: Receipt,
}

/// A received message, as SQS needs it for a change by its receiver.
#[derive(Clone, Debug)]
pub struct Receipt(String);

impl DeadLetters {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url, hidden: DEAD_LETTER_HIDDEN }
    }

    /// Choose a visibility timeout longer than the operation: once it expires, another consumer may receive or delete
    /// the message.
    #[must_use]
    pub fn hiding(self, hidden: Duration) -> Self {
        Self { hidden, ..self }
    }

    /// The message of this event. `None`: it isn't among the received messages, at most [`MAX_DEAD_LETTER_RECEIVES`]
    /// times ten.
    pub async fn find(&self, key: &ClaimKey) -> Result<Option<String>, Unavailable> {
        let mut found = None;
        let mut seen = Vec::new();
        let mut failed = None;
        for _ in 0..MAX_DEAD_LETTER_RECEIVES {
            let letters = match self.take().await {
                Ok(letters) if letters.is_empty() => break,
                Ok(letters) => letters,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            let is_its = |letter: &&Letter| Envelope::claim_key_of(&letter.body).is_some_and(|of| of == *key);
            found = letters.iter().find(is_its).map(|letter| letter.body.clone());
            seen.extend(letters.into_iter().map(|letter| letter.receipt));
            if found.is_some() {
                break;
            }
        }
        self.show_again(&seen).await;
        match (found, failed) {
            (None, Some(error)) => Err(error),
            (found, _) => Ok(found),
        }
    }

    /// The next visible messages, up to [`MAX_BATCH_MESSAGES`].
    pub async fn take(&self) -> Result<Vec<Letter>, Unavailable> {
        let receive = self.client.receive_message().queue_url(&self.url);
        let hidden = i32::try_from(self.hidden.as_secs()).unwrap_or(i32::MAX);
        let most = i32::try_from(MAX_BATCH_MESSAGES).unwrap_or(i32::MAX);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let received = receive.max_number_of_messages(most).visibility_timeout(hidden).send().await;
        let received = received.map_err(|error| Unavailable { call: "sqs:ReceiveMessage", cause: cause(&error) })?;
        Ok(received.messages.unwrap_or_default().into_iter().filter_map(letter).collect())
    }

    /// Makes messages visible again. If a call fails, they become visible when their timeout expires.
    pub async fn show_again(&self, receipts: &[Receipt]) {
        for batch in receipts.chunks(MAX_BATCH_MESSAGES) {
            let entry = |(n, Receipt(handle)): (usize, &Receipt)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(n.to_string()).receipt_handle(handle);
                entry.visibility_timeout(0).build().expect("an entry needs its id and its handle")
            };
            let entries = batch.iter().enumerate().map(entry).collect();
            let change = self.client.change_message_visibility_batch().queue_url(&self.url).set_entries(Some(entries));
            if let Err(error) = change.send().await {
                tracing::warn!(cause = %cause(&error), "dead letters stay hidden until their visibility timeout expires");
            }
        }
    }

    /// Deletes messages permanently, up to [`MAX_BATCH_MESSAGES`]. Returns the indices of those that SQS confirmed;
    /// the others may still exist.
    pub async fn delete(&self, receipts: &[Receipt], _: Confirmed) -> Result<BTreeSet<usize>, Unavailable> {
        let entry = |(n, Receipt(handle)): (usize, &Receipt)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string()).receipt_handle(handle);
            entry.build().expect("an entry needs its id and its handle")
        };
        let entries = receipts.iter().enumerate().map(entry).collect();
        let deleted = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        let deleted = deleted.map_err(|error| Unavailable { call: "sqs:DeleteMessage", cause: cause(&error) })?;
        Ok(deleted.successful().iter().filter_map(|entry| entry.id().parse().ok()).collect())
    }
}

fn letter(message: Message) -> Option<Letter> {
    let sent = message.attributes.as_ref().and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp)?.parse().ok());
    Some(Letter {
        id: message.message_id?,
        body: message.body.unwrap_or_default(),
        sent: sent.map(Timestamp::from_unix_ms),
        receipt: Receipt(message.receipt_handle?),
    })
}
