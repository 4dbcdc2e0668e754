//! Looking for one event in the dead-letter queue. Takes nothing out: what is looked at is hidden from others for seconds and
//! then shown again, at once where the call gets through.

use super::cause;
use crate::claim::ClaimKey;
use crate::envelope::Envelope;
use crate::limits::{DEAD_LETTER_HIDDEN, MAX_BATCH_MESSAGES, MAX_DEAD_LETTER_RECEIVES};
use crate::ports::Unavailable;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, Message};

/// `sqs:ReceiveMessage` and `sqs:ChangeMessageVisibility` on the queue. For operators: no function has them.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    client: Client,
    url: String,
}

impl DeadLetters {
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// The message of this event. `None`: it isn't among those that were shown, at most [`MAX_DEAD_LETTER_RECEIVES`] times ten.
    pub async fn find(&self, key: &ClaimKey) -> Result<Option<String>, Unavailable> {
        let mut found = None;
        let mut seen = Vec::new();
        let mut failed = None;
        for _ in 0..MAX_DEAD_LETTER_RECEIVES {
            let messages = match self.receive().await {
                Ok(messages) if messages.is_empty() => break,
                Ok(messages) => messages,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            let of_event = |body: &&str| Envelope::claim_key_of(body).is_some_and(|of| of == *key);
            found = messages.iter().filter_map(Message::body).find(of_event).map(str::to_owned);
            seen.extend(messages.into_iter().filter_map(|message| message.receipt_handle));
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

    async fn receive(&self) -> Result<Vec<Message>, Unavailable> {
        let receive = self.client.receive_message().queue_url(&self.url);
        let hidden = i32::try_from(DEAD_LETTER_HIDDEN.as_secs()).unwrap_or(i32::MAX);
        let most = i32::try_from(MAX_BATCH_MESSAGES).unwrap_or(i32::MAX);
        let received = receive.max_number_of_messages(most).visibility_timeout(hidden).send().await;
        let received = received.map_err(|error| Unavailable { call: "sqs:ReceiveMessage", cause: cause(&error) })?;
        Ok(received.messages.unwrap_or_default())
    }

    /// What isn't shown again now, because a call fails, is when its time is over.
    async fn show_again(&self, handles: &[String]) {
        for batch in handles.chunks(MAX_BATCH_MESSAGES) {
            let entry = |(n, handle): (usize, &String)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(n.to_string()).receipt_handle(handle);
                entry.visibility_timeout(0).build().expect("an entry needs its id and its handle")
            };
            let entries = batch.iter().enumerate().map(entry).collect();
            let change = self.client.change_message_visibility_batch().queue_url(&self.url).set_entries(Some(entries));
            if let Err(error) = change.send().await {
                tracing::warn!(cause = %cause(&error), "dead letters stay hidden for seconds");
            }
        }
    }
}
