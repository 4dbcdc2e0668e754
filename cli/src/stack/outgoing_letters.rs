//! The dead-letter queues of the ways out, for operators: of actions, published messages, deliveries and events for Kafka.
//! Inspected messages are hidden for a visibility timeout and then made visible again. A message is deleted only after the
//! queue that it is sent to again has acknowledged it.

use crate::confirm::Confirmed;
use crate::limits::DEAD_LETTER_HIDDEN;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName};
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::limits::MAX_BATCH_MESSAGES;
use tidings_config::time::Timestamp;
use tidings_core::aws::cause;
use tidings_core::ports::Unavailable;

/// Needs `sqs:ReceiveMessage`, `sqs:ChangeMessageVisibility`, `sqs:DeleteMessage` on the dead-letter queue and
/// `sqs:SendMessage` on the other queue. These are the operator's; no function has them.
#[derive(Clone, Debug)]
pub struct OutgoingLetters {
    client: Client,
    url: String,
    back_url: String,
    hidden: Duration,
}

/// A received message.
#[derive(Clone, Debug)]
pub struct OutgoingLetter {
    /// SQS's message id.
    pub id: String,
    pub body: String,
    /// When it was sent to this queue.
    pub sent: Option<Timestamp>,
    /// Its message attributes that are texts.
    pub attributes: BTreeMap<String, String>,
    /// Its group: of a FIFO queue, or of a fair one.
    group: Option<String>,
    /// Only a FIFO queue has it.
    deduplication: Option<String>,
    /// The receipt by which it is made visible again or deleted.
    pub receipt: String,
}

#[cfg(test)]
impl OutgoingLetter {
    /// A message with nothing but a body.
    pub(crate) fn of_body(body: &str) -> Self {
        Self {
            id: String::new(),
            body: body.to_owned(),
            sent: None,
            attributes: BTreeMap::new(),
            group: None,
            deduplication: None,
            receipt: String::new(),
        }
    }
}

impl OutgoingLetters {
    /// `back_url`: the queue that messages are sent to again.
    pub fn new(client: Client, url: String, back_url: String) -> Self {
        Self { client, url, back_url, hidden: DEAD_LETTER_HIDDEN }
    }

    #[must_use]
    pub fn hiding(self, hidden: Duration) -> Self {
        Self { hidden, ..self }
    }

    /// The next visible messages, up to [`MAX_BATCH_MESSAGES`].
    pub async fn take(&self) -> Result<Vec<OutgoingLetter>, Unavailable> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(MAX_BATCH_MESSAGES).unwrap_or(i32::MAX))
            .visibility_timeout(i32::try_from(self.hidden.as_secs()).unwrap_or(i32::MAX))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| Unavailable { call: "sqs:ReceiveMessage", cause: cause(&error) })?;
        let letter = |message: aws_sdk_sqs::types::Message| {
            let system = |name| message.attributes.as_ref().and_then(|all| all.get(&name).cloned());
            let attributes = message.message_attributes.iter().flatten();
            Some(OutgoingLetter {
                sent: system(MessageSystemAttributeName::SentTimestamp)
                    .and_then(|sent| sent.parse().ok())
                    .map(Timestamp::from_unix_ms),
                group: system(MessageSystemAttributeName::MessageGroupId),
                deduplication: system(MessageSystemAttributeName::MessageDeduplicationId),
                attributes: attributes.filter_map(|(name, value)| Some((name.clone(), value.string_value.clone()?))).collect(),
                id: message.message_id?,
                body: message.body.unwrap_or_default(),
                receipt: message.receipt_handle?,
            })
        };
        Ok(received.messages.unwrap_or_default().into_iter().filter_map(letter).collect())
    }

    /// Makes messages visible again. If a call fails, they become visible when their timeout expires.
    pub async fn show_again(&self, receipts: &[String]) {
        for receipt in receipts {
            let change = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
            if let Err(error) = change.visibility_timeout(0).send().await {
                tracing::warn!(cause = %cause(&error), "a dead letter stays hidden until its visibility timeout expires");
            }
        }
    }

    /// Sends a message to the other queue again, with its group and its attributes, and deletes it here. A deduplication id
    /// is another one: SQS would drop it within five minutes of the first.
    pub async fn redrive(&self, letter: &OutgoingLetter, _: Confirmed) -> Result<(), Unavailable> {
        let send = self.client.send_message().queue_url(&self.back_url).message_body(&letter.body);
        let again = |id: &String| format!("{}-again", id.chars().take(100).collect::<String>());
        let mut send = send.set_message_group_id(letter.group.clone());
        send = send.set_message_deduplication_id(letter.deduplication.as_ref().map(again));
        for (name, value) in &letter.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            send = send.message_attributes(name, value.build().expect("a type is set above"));
        }
        let unavailable = |call, cause| Unavailable { call, cause };
        send.send().await.map_err(|error| unavailable("sqs:SendMessage", cause(&error)))?;
        let delete = self.client.delete_message().queue_url(&self.url).receipt_handle(&letter.receipt);
        // It is in both queues then: its claim, or its delivery's record, makes sure that it has one effect.
        delete.send().await.map(|_| ()).map_err(|error| unavailable("sqs:DeleteMessage", cause(&error)))
    }
}
