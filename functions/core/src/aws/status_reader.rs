//! [`StatusReader`] on DynamoDB.

use super::attributes::{get_state, get_text, text};
use super::cause;
use crate::claim::ClaimKey;
use crate::ports::{EventStatus, StatusReader, Unavailable};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;

/// Reads how far events are, and nothing else.
#[derive(Clone, Debug)]
pub struct DynamoStatusReader {
    client: Client,
    claims_table: String,
}

impl DynamoStatusReader {
    pub fn new(client: Client, claims_table: String) -> Self {
        Self { client, claims_table }
    }
}

#[async_trait]
impl StatusReader for DynamoStatusReader {
    async fn event_status(&self, event: &ClaimKey) -> Result<Option<EventStatus>, Unavailable> {
        let get = self.client.get_item().table_name(&self.claims_table).key("pk", text(event.as_str())).consistent_read(true);
        let get = get.projection_expression("#state, #result, erased_at").expression_attribute_names("#state", "state");
        let row = get.expression_attribute_names("#result", "result").send().await;
        let row = row.map_err(|error| Unavailable { call: "dynamodb:GetItem", cause: cause(&error) })?.item;
        let Some(row) = row.filter(|row| !row.contains_key("erased_at")) else { return Ok(None) };
        Ok(get_state(&row).map(|state| EventStatus { state, result: get_text(&row, "result") }))
    }
}
