//! The actions' dead-letter queue, for operators. Inspected messages are hidden for a visibility timeout and then made
//! visible again. A message is deleted only after the queue of actions has acknowledged it.

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
/// `sqs:SendMessage` on the queue of actions. These are the operator's; no function has them.
#[derive(Clone, Debug)]
pub struct ActionLetters {
    client: Client,
    url: String,
    actions_url: String,
    hidden: Duration,
}

/// A received message.
#[derive(Clone, Debug)]
pub struct ActionLetter {
    /// SQS's message id.
    pub id: String,
    pub body: String,
    /// When it was sent to this queue.
    pub sent: Option<Timestamp>,
    /// Its message attributes that are texts.
    pub attributes: BTreeMap<String, String>,
    group: String,
    deduplication: String,
    /// The receipt by which it is made visible again or deleted.
    pub receipt: String,
}

#[cfg(test)]
impl ActionLetter {
    /// A message with nothing but a body.
    pub(crate) fn of_body(body: &str) -> Self {
        let text = String::new;
        Self {
            id: text(),
            body: body.to_owned(),
            sent: None,
            attributes: BTreeMap::new(),
            group: text(),
            deduplication: text(),
            receipt: text(),
        }
    }
}

impl ActionLetters {
    /// `actions_url`: the queue that actions are sent to again.
    pub fn new(client: Client, url: String, actions_url: String) -> Self {
        Self { client, url, actions_url, hidden: DEAD_LETTER_HIDDEN }
    }

    #[must_use]
    pub fn hiding(self, hidden: Duration) -> Self {
        Self { hidden, ..self }
    }

    /// The next visible messages, up to [`MAX_BATCH_MESSAGES`].
    pub async fn take(&self) -> Result<Vec<ActionLetter>, Unavailable> {
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
            Some(ActionLetter {
                sent: system(MessageSystemAttributeName::SentTimestamp)
                    .and_then(|sent| sent.parse().ok())
                    .map(Timestamp::from_unix_ms),
                group: system(MessageSystemAttributeName::MessageGroupId).unwrap_or_default(),
                deduplication: system(MessageSystemAttributeName::MessageDeduplicationId).unwrap_or_default(),
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

    /// Sends a message to the queue of actions again, with its group and its attributes, and deletes it here. Its
    /// deduplication id is another one: SQS would drop it within five minutes of the first.
    pub async fn redrive(&self, letter: &ActionLetter, _: Confirmed) -> Result<(), Unavailable> {
        let send = self.client.send_message().queue_url(&self.actions_url).message_body(&letter.body);
        let deduplication = format!("{}-again", letter.deduplication.chars().take(100).collect::<String>());
        let mut send = send.message_group_id(&letter.group).message_deduplication_id(deduplication);
        for (name, value) in &letter.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            send = send.message_attributes(name, value.build().expect("a type is set above"));
        }
        let unavailable = |call, cause| Unavailable { call, cause };
        send.send().await.map_err(|error| unavailable("sqs:SendMessage", cause(&error)))?;
        let delete = self.client.delete_message().queue_url(&self.url).receipt_handle(&letter.receipt);
        // It is in both queues then: its claim makes sure that it is said once.
        delete.send().await.map(|_| ()).map_err(|error| unavailable("sqs:DeleteMessage", cause(&error)))
    }
}
