//! The deliveries table. A delivery is a row of its endpoint's partition; a published message is in the partition of its
//! conversation, in parts, the first of which names its deliveries. What waits for a sweep has the attributes of the sparse index `due`, and nothing else has.

use super::{unavailable, unreadable};
use crate::delivery::{Delivery, DeliveryKey, DeliveryState};
use crate::limits::{DELIVERY_KEPT, EVENT_PART_BYTES};
use crate::ports::{Claimed, DeliveryStore, Due, Page, StoredMessage};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use tidings_config::endpoint::EndpointId;
use tidings_config::time::Timestamp;
use tidings_core::aws::attributes::{Row, get_number, get_text, get_text_set, get_time, number, text};
use tidings_core::ports::{Replaced, Unavailable};

/// The name of the index, as in the template.
pub const DUE_INDEX: &str = "due";

/// [`DeliveryStore`] on DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoDeliveries {
    client: Client,
    table: String,
}

impl DynamoDeliveries {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    fn row(&self, delivery: &Delivery, now: Timestamp) -> PutItemFluentBuilder {
        let json = serde_json::to_string(delivery).expect("it has string keys and holds only JSON");
        let DeliveryKey { endpoint, delivery: sort } = &delivery.key;
        let put = self.client.put_item().table_name(&self.table).item("pk", text(endpoint.as_str())).item("sk", text(sort));
        let put = put.item("record", text(json)).item("state", text(delivery.state.as_str()));
        let put = put.item("attempts", number(delivery.attempts));
        // A retry by hand makes it live longer, so that its attempts have an end.
        put.item("expires_at", number(delivery.created.max(now).plus(DELIVERY_KEPT).unix_s()))
    }
}

fn read(row: &Row) -> Result<Delivery, Unavailable> {
    let what = || unreadable(&format!("delivery {}", get_text(row, "sk").unwrap_or_default()));
    let record = get_text(row, "record").ok_or_else(what)?;
    let record: Delivery = serde_json::from_str(&record).map_err(|_| what())?;
    Ok(Delivery { version: get_number(row, "version"), ..record })
}

/// Where published messages are: beside those of their conversation, or alone.
fn event_partition(conversation: Option<&str>, webhook_id: &str) -> String {
    match conversation {
        Some(conversation) => messages_of(conversation),
        None => format!("event#{webhook_id}"),
    }
}

/// The partition of a conversation's published messages. No endpoint's id begins so.
pub fn messages_of(conversation: &str) -> String {
    format!("conversation#{conversation}")
}

fn part_key(webhook_id: &str, n: usize) -> String {
    format!("{webhook_id}#{n}")
}

/// The keys of a message's deliveries, by the row of its first part. Empty: the row is another part.
pub fn deliveries_of(row: &Row) -> Vec<DeliveryKey> {
    let Some(delivery) = get_text(row, "delivery") else { return Vec::new() };
    let endpoints = get_text_set(row, "endpoints").into_iter().filter_map(|id| id.parse().ok());
    endpoints.map(|endpoint| DeliveryKey { endpoint, delivery: delivery.clone() }).collect()
}

/// The text in parts, cut between characters.
fn parts(mut text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while !text.is_empty() {
        let (part, rest) = text.split_at(text.floor_char_boundary(EVENT_PART_BYTES));
        parts.push(part);
        text = rest;
    }
    parts
}

#[async_trait]
impl DeliveryStore for DynamoDeliveries {
    async fn put_event(&self, event: &StoredMessage<'_>, now: Timestamp) -> Result<(), Unavailable> {
        let partition = event_partition(event.conversation, event.webhook_id);
        let parts = parts(event.message);
        for (n, part) in parts.iter().enumerate() {
            let update = self.client.update_item().table_name(&self.table).key("pk", text(&partition));
            let update = update.key("sk", text(part_key(event.webhook_id, n)));
            let update = update
                .expression_attribute_names("#part", "part")
                .expression_attribute_names("#parts", "parts")
                .expression_attribute_values(":part", text(*part))
                .expression_attribute_values(":parts", number(parts.len()))
                .expression_attribute_values(":expires", number(now.plus(DELIVERY_KEPT).unix_s()));
            let update = if n == 0 {
                let endpoints = event.endpoints.iter().map(|id| id.as_str().to_owned()).collect();
                update
                    .update_expression(
                        "SET #part = :part, #parts = :parts, expires_at = :expires, delivery = :delivery ADD endpoints :endpoints",
                    )
                    .expression_attribute_values(":delivery", text(event.delivery))
                    .expression_attribute_values(":endpoints", AttributeValue::Ss(endpoints))
            } else {
                update.update_expression("SET #part = :part, #parts = :parts, expires_at = :expires")
            };
            update.send().await.map_err(|error| unavailable("dynamodb:UpdateItem", &error))?;
        }
        Ok(())
    }

    async fn event(&self, delivery: &Delivery) -> Result<Option<String>, Unavailable> {
        let partition = event_partition(delivery.conversation.as_deref(), &delivery.webhook_id);
        let mut message = String::new();
        let mut parts = 1;
        let mut n = 0;
        while n < parts {
            let get = self.client.get_item().table_name(&self.table).key("pk", text(&partition));
            let got = get.key("sk", text(part_key(&delivery.webhook_id, n))).consistent_read(true).send().await;
            let Some(row) = got.map_err(|error| unavailable("dynamodb:GetItem", &error))?.item else { return Ok(None) };
            parts = get_number(&row, "parts").unwrap_or(1);
            message.push_str(&get_text(&row, "part").unwrap_or_default());
            n += 1;
        }
        Ok(Some(message))
    }

    async fn claim(&self, delivery: &Delivery, now: Timestamp) -> Result<Claimed, Unavailable> {
        let put = self.row(delivery, now).item("version", number(0)).condition_expression("attribute_not_exists(pk)");
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(Claimed::New),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(lost)) => {
                    let before = lost.item().map(read).transpose()?;
                    Ok(Claimed::Before(Box::new(before.unwrap_or_else(|| delivery.clone()))))
                }
                Some(_) | None => Err(unavailable("dynamodb:PutItem", &error)),
            },
        }
    }

    async fn get(&self, key: &DeliveryKey) -> Result<Option<Delivery>, Unavailable> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let got = get.key("pk", text(key.endpoint.as_str())).key("sk", text(&key.delivery)).send().await;
        got.map_err(|error| unavailable("dynamodb:GetItem", &error))?.item.as_ref().map(read).transpose()
    }

    async fn replace(&self, delivery: &Delivery, now: Timestamp) -> Result<Replaced, Unavailable> {
        let seen = delivery.version.unwrap_or(0);
        let mut put = self.row(delivery, now).item("version", number(seen.saturating_add(1)));
        if let Some(due) = delivery.due.filter(|_| delivery.is_swept(now)) {
            put = put.item("due_partition", number(delivery.key.partition())).item("due_at", number(due.unix_ms()));
        }
        let put = put.condition_expression("version = :seen").expression_attribute_values(":seen", number(seen));
        match put.send().await {
            Ok(_) => Ok(Replaced::Yes),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(Replaced::Changed)
            }
            Err(error) => Err(unavailable("dynamodb:PutItem", &error)),
        }
    }

    async fn due(&self, partition: u8, by: Timestamp, at_most: usize) -> Result<Vec<Due>, Unavailable> {
        let query = self.client.query().table_name(&self.table).index_name(DUE_INDEX);
        let query = query.key_condition_expression("due_partition = :partition AND due_at <= :by");
        let query = query.expression_attribute_values(":partition", number(partition));
        let query =
            query.expression_attribute_values(":by", number(by.unix_ms())).limit(i32::try_from(at_most).unwrap_or(i32::MAX));
        let found = query.send().await.map_err(|error| unavailable("dynamodb:Query", &error))?;
        let read = |row: &Row| {
            let key = DeliveryKey { endpoint: get_text(row, "pk")?.parse().ok()?, delivery: get_text(row, "sk")? };
            Some(Due { key, due: get_time(row, "due_at")?, attempts: get_number(row, "attempts")? })
        };
        Ok(found.items().iter().filter_map(read).collect())
    }

    async fn sent(&self, due: &Due) -> Result<(), Unavailable> {
        let update = self.client.update_item().table_name(&self.table).key("pk", text(due.key.endpoint.as_str()));
        let update = update.key("sk", text(&due.key.delivery)).update_expression("REMOVE due_partition, due_at");
        let update = update.condition_expression("due_at = :due").expression_attribute_values(":due", number(due.due.unix_ms()));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) => Ok(()),
            Err(error) => Err(unavailable("dynamodb:UpdateItem", &error)),
        }
    }

    async fn list(
        &self,
        endpoint: &EndpointId,
        state: Option<DeliveryState>,
        from: Option<&str>,
        at_most: usize,
    ) -> Result<Page, Unavailable> {
        let query = self.client.query().table_name(&self.table).scan_index_forward(false);
        let query =
            query.key_condition_expression("pk = :endpoint").expression_attribute_values(":endpoint", text(endpoint.as_str()));
        let query = query.limit(i32::try_from(at_most).unwrap_or(i32::MAX));
        let query = match state {
            None => query,
            Some(state) => query
                .filter_expression("#state = :state")
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":state", text(state.as_str())),
        };
        let query = match from {
            None => query,
            Some(from) => query.exclusive_start_key("pk", text(endpoint.as_str())).exclusive_start_key("sk", text(from)),
        };
        let found = query.send().await.map_err(|error| unavailable("dynamodb:Query", &error))?;
        let next = found.last_evaluated_key().and_then(|key| get_text(key, "sk"));
        let deliveries = found.items().iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { deliveries, next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_between_characters() {
        let text = "ä".repeat(EVENT_PART_BYTES);
        let cut = parts(&text);
        assert_eq!(cut.concat(), text);
        assert!(cut.len() == 2 && cut.iter().all(|part| part.len() <= EVENT_PART_BYTES));
        assert_eq!(parts(""), [""; 0]);
    }
}
