//! The endpoints table: one partition, a row for each endpoint.

use super::{unavailable, unreadable};
use crate::endpoint::EndpointRecord;
use crate::ports::EndpointStore;
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use tidings_config::endpoint::EndpointId;
use tidings_core::aws::attributes::{Row, get_number, get_text, number, text};
use tidings_core::ports::{Replaced, Unavailable};

const PARTITION: &str = "endpoints";

/// [`EndpointStore`] on DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoEndpoints {
    client: Client,
    table: String,
}

impl DynamoEndpoints {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

fn read(row: &Row) -> Result<EndpointRecord, Unavailable> {
    let what = || unreadable(&format!("endpoint {}", get_text(row, "sk").unwrap_or_default()));
    let record = get_text(row, "record").ok_or_else(what)?;
    let record: EndpointRecord = serde_json::from_str(&record).map_err(|_| what())?;
    Ok(EndpointRecord { version: get_number(row, "version"), ..record })
}

#[async_trait]
impl EndpointStore for DynamoEndpoints {
    async fn all(&self) -> Result<Vec<EndpointRecord>, Unavailable> {
        let mut records = Vec::new();
        let mut start = None;
        loop {
            let query = self.client.query().table_name(&self.table).consistent_read(true).set_exclusive_start_key(start);
            let query = query.key_condition_expression("pk = :all").expression_attribute_values(":all", text(PARTITION));
            let found = query.send().await.map_err(|error| unavailable("dynamodb:Query", &error))?;
            for row in found.items() {
                match read(row) {
                    Ok(record) => records.push(record),
                    // One that can't be read must not stop the others.
                    Err(error) => tracing::error!(cause = %error, "an endpoint can't be read"),
                }
            }
            start = found.last_evaluated_key;
            if start.is_none() {
                return Ok(records);
            }
        }
    }

    async fn get(&self, id: &EndpointId) -> Result<Option<EndpointRecord>, Unavailable> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let got = get.key("pk", text(PARTITION)).key("sk", text(id.as_str())).send().await;
        got.map_err(|error| unavailable("dynamodb:GetItem", &error))?.item.as_ref().map(read).transpose()
    }

    async fn put(&self, record: &EndpointRecord) -> Result<Replaced, Unavailable> {
        let json = serde_json::to_string(record).expect("it has string keys and holds only JSON");
        let put = self.client.put_item().table_name(&self.table).item("pk", text(PARTITION)).item("sk", text(record.id.as_str()));
        let put = put.item("record", text(json));
        let put = match record.version {
            None => put.item("version", number(0)).condition_expression("attribute_not_exists(pk)"),
            Some(seen) => put
                .item("version", number(seen.saturating_add(1)))
                .condition_expression("version = :seen")
                .expression_attribute_values(":seen", number(seen)),
        };
        match put.send().await {
            Ok(_) => Ok(Replaced::Yes),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(Replaced::Changed)
            }
            Err(error) => Err(unavailable("dynamodb:PutItem", &error)),
        }
    }

    async fn delete(&self, id: &EndpointId) -> Result<(), Unavailable> {
        let delete = self.client.delete_item().table_name(&self.table).key("pk", text(PARTITION)).key("sk", text(id.as_str()));
        delete.send().await.map(|_| ()).map_err(|error| unavailable("dynamodb:DeleteItem", &error))
    }
}
