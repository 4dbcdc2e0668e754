//! The visibility timeout of messages that were received from the events queue.

use super::cause;
use crate::ports::{Hide, MessageVisibility, Unavailable};
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::ChangeMessageVisibilityBatchRequestEntry;
use tidings_config::limits::MAX_BATCH_MESSAGES;

const CALL: &str = "sqs:ChangeMessageVisibility";

/// [`MessageVisibility`] on SQS.
#[derive(Clone, Debug)]
pub struct SqsVisibility {
    client: Client,
    url: String,
}

impl SqsVisibility {
    /// `url` is the events queue's.
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Changes at most [`MAX_BATCH_MESSAGES`].
    async fn batch(&self, messages: &[Hide]) -> Vec<Result<(), Unavailable>> {
        let entry = |(index, message): (usize, &Hide)| {
            let seconds = message.time.as_millis().div_ceil(1_000);
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(&message.receipt_handle)
                .visibility_timeout(i32::try_from(seconds).unwrap_or(i32::MAX))
                .build()
                .expect("an entry needs its id and its handle")
        };
        let entries = messages.iter().enumerate().map(entry).collect();
        let answer = self.client.change_message_visibility_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let cause = cause(&error);
                return messages.iter().map(|_| Err(Unavailable { call: CALL, cause: cause.clone() })).collect();
            }
        };
        let hidden = |index: usize| answer.successful().iter().any(|entry| entry.id() == index.to_string());
        let why = |index: usize| {
            let failed = answer.failed().iter().find(|entry| entry.id() == index.to_string());
            failed.map_or("not in the response", |entry| entry.code()).to_owned()
        };
        (0..messages.len())
            .map(|index| if hidden(index) { Ok(()) } else { Err(Unavailable { call: CALL, cause: why(index) }) })
            .collect()
    }
}

#[async_trait]
impl MessageVisibility for SqsVisibility {
    async fn hide(&self, messages: &[Hide]) -> Vec<Result<(), Unavailable>> {
        let mut hidden = Vec::new();
        for batch in messages.chunks(MAX_BATCH_MESSAGES) {
            hidden.extend(self.batch(batch).await);
        }
        hidden
    }
}
