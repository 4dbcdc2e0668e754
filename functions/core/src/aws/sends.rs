//! The sends table: a record under the claim key of its event and its action's id, and the status of a message under its own key.

use super::attributes::{Row, get_number, get_text, get_time, number, text};
use super::cause;
use crate::action::ActionId;
use crate::ports::{Raised, SendStore, StatusStore, Unavailable, Wrote};
use crate::send::{MessageStatus, SendRecord, SendState, StatusKey};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use tidings_config::limits::CLAIM_LIFETIME;
use tidings_config::status::StatusWord;
use tidings_config::time::Timestamp;

/// [`SendStore`] and [`StatusStore`] on DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoSends {
    client: Client,
    table: String,
}

impl DynamoSends {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

#[async_trait]
impl SendStore for DynamoSends {
    async fn put(&self, record: &SendRecord, seen: Option<u32>) -> Result<Wrote, Unavailable> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(row(record)));
        let put = match seen {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(version) => put
                .condition_expression("#version = :seen")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":seen", number(version)),
        };
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld).send().await;
        let Err(error) = put else { return Ok(Wrote::Yes) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(lost)) => {
                let stored = lost.item().map(|row| {
                    send_record(row).ok_or_else(|| Unavailable { call: PUT, cause: "a stored record can't be read".to_owned() })
                });
                match stored.transpose()? {
                    // The answer of an earlier attempt of this call was lost.
                    Some(stored) if stored == *record => Ok(Wrote::Yes),
                    stored => Ok(Wrote::Other(stored.map(Box::new))),
                }
            }
            Some(_) | None => Err(Unavailable { call: PUT, cause: cause(&error) }),
        }
    }
}

#[async_trait]
impl StatusStore for DynamoSends {
    async fn raise(&self, key: &StatusKey, status: &MessageStatus, now: Timestamp) -> Result<Raised, Unavailable> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(status_row(key, status, now)));
        let put = put
            .condition_expression("attribute_not_exists(pk) OR #rank < :rank")
            .expression_attribute_names("#rank", "rank")
            .expression_attribute_values(":rank", number(status.is.rank()));
        match put.send().await {
            Ok(_) => Ok(Raised::Yes),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(Raised::Known)
            }
            Err(error) => Err(Unavailable { call: PUT, cause: cause(&error) }),
        }
    }
}

const PUT: &str = "dynamodb:PutItem";

/// The sort key of a message's status.
const STATUS: &str = "status";

/// The key of a message's status in the table.
pub fn status_place(key: &StatusKey) -> Row {
    Row::from([("pk".to_owned(), text(key.as_str())), ("sk".to_owned(), text(STATUS))])
}

fn status_row(key: &StatusKey, status: &MessageStatus, now: Timestamp) -> Row {
    let mut row = status_place(key);
    row.extend([
        ("rank".to_owned(), number(status.is.rank())),
        ("is".to_owned(), text(status.is.as_str())),
        ("at".to_owned(), number(status.at.unix_ms())),
        ("expires_at".to_owned(), number(now.plus(CLAIM_LIFETIME).unix_s())),
    ]);
    row.extend(status.reason.as_ref().map(|reason| ("reason".to_owned(), text(reason))));
    row
}

/// A message's status of a row. `None`: the row is another one.
pub fn message_status(row: &Row) -> Option<(StatusKey, MessageStatus)> {
    let is = StatusWord::parse(&get_text(row, "is")?)?;
    let status = MessageStatus { is, at: get_time(row, "at")?, reason: get_text(row, "reason") };
    Some((StatusKey::stored(get_text(row, "pk")?), status))
}

fn row(record: &SendRecord) -> Row {
    let mut row = Row::from([
        ("pk".to_owned(), text(record.cause.as_str())),
        ("sk".to_owned(), text(record.id.as_str())),
        ("version".to_owned(), number(record.version)),
        ("state".to_owned(), text(record.state.as_str())),
        ("channel".to_owned(), text(&record.channel)),
        ("tries".to_owned(), number(record.tries)),
        ("since".to_owned(), number(record.since.unix_ms())),
        ("at".to_owned(), number(record.at.unix_ms())),
        ("dead".to_owned(), number(record.dead)),
        ("dead_lettered".to_owned(), AttributeValue::Bool(record.is_dead_lettered)),
        ("may_be_sent".to_owned(), AttributeValue::Bool(record.may_be_sent)),
        ("key".to_owned(), number(record.key)),
        ("writer".to_owned(), number(record.writer)),
        ("expires_at".to_owned(), number(record.at.plus(CLAIM_LIFETIME).unix_s())),
    ]);
    row.extend(record.message.as_ref().map(|message| ("message".to_owned(), text(message))));
    row.extend(record.reason.as_ref().map(|reason| ("reason".to_owned(), text(reason))));
    row.extend(record.namespace.as_ref().map(|namespace| ("namespace".to_owned(), text(namespace))));
    row
}

/// The record of a row. `None`: the row is another one.
pub fn send_record(row: &Row) -> Option<SendRecord> {
    let is = |name: &str| row.get(name).and_then(|value| value.as_bool().ok()).copied().unwrap_or_default();
    Some(SendRecord {
        cause: get_text(row, "pk")?.into(),
        id: ActionId::stored(get_text(row, "sk")?),
        version: get_number(row, "version")?,
        state: SendState::parse(&get_text(row, "state")?)?,
        channel: get_text(row, "channel").unwrap_or_default(),
        tries: get_number(row, "tries").unwrap_or_default(),
        since: get_time(row, "since")?,
        at: get_time(row, "at")?,
        message: get_text(row, "message"),
        reason: get_text(row, "reason"),
        dead: get_number(row, "dead").unwrap_or_default(),
        is_dead_lettered: is("dead_lettered"),
        may_be_sent: is("may_be_sent"),
        writer: get_number(row, "writer").unwrap_or_default(),
        key: get_number(row, "key").unwrap_or_default(),
        namespace: get_text(row, "namespace"),
    })
}
