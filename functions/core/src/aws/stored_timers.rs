//! The timers table. A timer's item has its partition in `pk` and its time first in `sk`; how far the sweeps are is in a
//! partition of its own.

use super::attributes::{Row, get_number, get_text, get_time, number, text};
use super::cause;
use crate::ports::{TimerStore, Unavailable};
use crate::stored_timer::{Progress, StoredTimer, Sweeps, TimerKey};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use tidings_config::time::Timestamp;

/// The partition of [`Progress`]. Each partition of timers has an item there, under its number.
const PROGRESS: &str = "progress";

/// The item of [`Sweeps`].
const SWEEPS: &str = "sweeps";

/// Before every timer.
const FIRST: &str = "0";

/// [`TimerStore`] on DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoTimers {
    client: Client,
    table: String,
}

impl DynamoTimers {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

/// A stored timer. `None`: the row is another one.
pub fn stored_timer(row: &Row) -> Option<StoredTimer> {
    let key = TimerKey { partition: get_text(row, "pk")?.parse().ok()?, sort: get_text(row, "sk")? };
    Some(StoredTimer { key, event: get_text(row, "event").unwrap_or_default() })
}

#[async_trait]
impl TimerStore for DynamoTimers {
    async fn put(&self, timer: &StoredTimer, now: Timestamp) -> Result<(), Unavailable> {
        let StoredTimer { key: TimerKey { partition, sort }, event } = timer;
        let put = self.client.put_item().table_name(&self.table);
        let put = put.item("pk", text(partition.to_string())).item("sk", text(sort)).item("event", text(event));
        let put = put.item("expires_at", number(timer.expires(now).unix_s()));
        put.send().await.map(|_| ()).map_err(|error| unavailable("dynamodb:PutItem", &error))
    }

    async fn due(
        &self,
        partition: u8,
        after: Option<&str>,
        by: Timestamp,
        at_most: usize,
    ) -> Result<Vec<StoredTimer>, Unavailable> {
        let (first, last) = (after.unwrap_or(FIRST), TimerKey::after_all(by));
        // DynamoDB refuses a range that ends before it begins.
        if *first > *last {
            return Ok(Vec::new());
        }
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query.key_condition_expression("pk = :partition AND sk BETWEEN :first AND :last");
        // The range includes the first one, which was read before.
        let query = query.limit(i32::try_from(at_most + 1).unwrap_or(i32::MAX));
        let query = query.expression_attribute_values(":partition", text(partition.to_string()));
        let query = query.expression_attribute_values(":first", text(first)).expression_attribute_values(":last", text(last));
        let found = query.send().await.map_err(|error| unavailable("dynamodb:Query", &error))?;
        let timers = found.items().iter().filter_map(stored_timer);
        Ok(timers.filter(|timer| after != Some(timer.key.sort.as_str())).take(at_most).collect())
    }

    async fn progress(&self) -> Result<Progress, Unavailable> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query.key_condition_expression("pk = :progress").expression_attribute_values(":progress", text(PROGRESS));
        let found = query.send().await.map_err(|error| unavailable("dynamodb:Query", &error))?;
        let mut progress = Progress::default();
        for row in found.items() {
            if let (Some(since), Some(last)) = (get_time(row, "since"), get_time(row, "last")) {
                progress.sweeps = Some(Sweeps { since, last });
            }
            progress.sent.extend(get_number(row, "partition").zip(get_text(row, "sent")));
        }
        Ok(progress)
    }

    async fn sent(&self, partition: u8, through: &str) -> Result<(), Unavailable> {
        let put = self.client.put_item().table_name(&self.table).item("pk", text(PROGRESS));
        let put = put.item("sk", text(partition.to_string())).item("partition", number(partition)).item("sent", text(through));
        let put = put.condition_expression("attribute_not_exists(sent) OR sent < :through");
        let put = put.expression_attribute_values(":through", text(through)).send().await;
        match put {
            // Another sweep is further.
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => Ok(()),
            put => put.map(|_| ()).map_err(|error| unavailable("dynamodb:PutItem", &error)),
        }
    }

    async fn swept(&self, Sweeps { since, last }: Sweeps) -> Result<(), Unavailable> {
        let put = self.client.put_item().table_name(&self.table).item("pk", text(PROGRESS)).item("sk", text(SWEEPS));
        let put = put.item("since", number(since.unix_ms())).item("last", number(last.unix_ms()));
        put.send().await.map(|_| ()).map_err(|error| unavailable("dynamodb:PutItem", &error))
    }
}

fn unavailable<E, R>(call: &'static str, error: &SdkError<E, R>) -> Unavailable
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    Unavailable { call, cause: cause(error) }
}
