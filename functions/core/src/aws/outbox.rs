//! Kept events, through the claims table's index [`OUTBOX_INDEX`](super::OUTBOX_INDEX). It has the keys of the claims that
//! are still `received`; the message is read from the claim itself, consistently.

use super::attributes::{get_state, get_text, get_time, number, text};
use super::{OUTBOX_INDEX, cause};
use crate::claim::{ClaimKey, ClaimState, OutboxEntry, OutboxMessage};
use crate::ports::{OutboxStore, Unavailable};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use tidings_config::time::Timestamp;

/// [`OutboxStore`] on DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoOutbox {
    client: Client,
    table: String,
}

impl DynamoOutbox {
    /// `table` is the claims table.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

#[async_trait]
impl OutboxStore for DynamoOutbox {
    async fn waiting(
        &self,
        partition: u8,
        from: Timestamp,
        until: Timestamp,
        at_most: usize,
    ) -> Result<Vec<OutboxEntry>, Unavailable> {
        let query = self.client.query().table_name(&self.table).index_name(OUTBOX_INDEX);
        let query = query.key_condition_expression("outbox_partition = :partition AND received_at BETWEEN :from AND :until");
        let query = query.limit(i32::try_from(at_most).unwrap_or(i32::MAX));
        let query = query.expression_attribute_values(":partition", text(partition.to_string()));
        let query = query.expression_attribute_values(":from", number(from.unix_ms()));
        let query = query.expression_attribute_values(":until", number(until.unix_ms()));
        let found = query.send().await.map_err(|error| unavailable("dynamodb:Query", &error))?;
        let entry =
            |row| Some(OutboxEntry { key: ClaimKey::from(get_text(row, "pk")?), received: get_time(row, "received_at")? });
        Ok(found.items().iter().filter_map(entry).collect())
    }

    async fn message(&self, key: &ClaimKey) -> Result<Option<OutboxMessage>, Unavailable> {
        let get = self.client.get_item().table_name(&self.table).key("pk", text(key.as_str())).consistent_read(true);
        let found = get.send().await.map_err(|error| unavailable("dynamodb:GetItem", &error))?;
        let waiting = found.item.filter(|row| get_state(row) == Some(ClaimState::Received));
        Ok(waiting.and_then(|row| get_text(&row, "outbox")).map(OutboxMessage::stored))
    }

    async fn queued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable> {
        let mark = self.client.update_item().table_name(&self.table).key("pk", text(key.as_str()));
        let mark = mark
            .update_expression("SET #state = :enqueued, enqueued_at = :at REMOVE outbox_partition")
            .condition_expression("#state = :received")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":enqueued", text(ClaimState::Enqueued.as_str()))
            .expression_attribute_values(":received", text(ClaimState::Received.as_str()))
            .expression_attribute_values(":at", number(at.unix_ms()));
        match mark.send().await {
            // The claim has a later state, or is about to.
            Err(error) if error.as_service_error().is_some_and(is_later) => Ok(()),
            mark => mark.map(|_| ()).map_err(|error| unavailable("dynamodb:UpdateItem", &error)),
        }
    }
}

fn is_later(error: &UpdateItemError) -> bool {
    error.is_conditional_check_failed_exception() || matches!(error, UpdateItemError::TransactionConflictException(_))
}

fn unavailable<E, R>(call: &'static str, error: &SdkError<E, R>) -> Unavailable
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    Unavailable { call, cause: cause(error) }
}
