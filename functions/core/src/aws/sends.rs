//! The sends table: a record under the claim key of its event and its action's id.

use super::attributes::{Row, get_number, get_text, get_time, number, text};
use super::cause;
use crate::action::ActionId;
use crate::ports::{SendStore, Unavailable, Wrote};
use crate::send::{SendRecord, SendState};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use tidings_config::limits::CLAIM_LIFETIME;

/// [`SendStore`] on DynamoDB.
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

const PUT: &str = "dynamodb:PutItem";

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
    })
}
