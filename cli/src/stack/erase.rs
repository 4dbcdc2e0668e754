//! Erases a conversation: deletes what [`Reader::subject_data`] finds. Of each claim only the key is kept, as
//! `processed`, until its TTL. So a late duplicate still finds its event processed and restores nothing.
//!
//! Promises: the erasure ends with a pass that found nothing. Items that lead to other items are deleted after those
//! (joins, timers, sends and waiting notifications before the claims that name them, identities in a last pass of their own), so an
//! interrupted erasure can be restarted. Items that are written meanwhile are found by the next pass. Never: another
//! conversation's item, or a claim that could be mistaken for an unknown event.

use super::read::Reader;
use super::subject_data::{Counts, SubjectData, Trail};
use crate::confirm::Confirmed;
use crate::limits::MAX_ERASE_LOOKS;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use std::time::Duration;
use tidings_config::limits::CLAIM_LIFETIME;
use tidings_config::time::Timestamp;
use tidings_core::aws::attributes::{Row, number, text};
use tidings_core::aws::{cause, send_record};
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_core::context::ItemKey;
use tidings_core::ports::Unavailable;
use tidings_core::send::SendRecord;

/// Erases conversations. Needs `dynamodb:Query` on the claims table and the context table, `dynamodb:Scan` on the timers
/// table, `dynamodb:DeleteItem` on the last two and `dynamodb:PutItem` on the claims table. With a sender or a publisher also
/// `dynamodb:Query`, `dynamodb:BatchGetItem` and `dynamodb:DeleteItem` on their tables, and `dynamodb:UpdateItem` on the sends. No function has these together;
/// they are the operator's.
#[derive(Clone, Debug)]
pub struct Eraser {
    reader: Reader,
    pause: Duration,
}

/// The result of an erasure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// Numbers of deleted items. Claims are counted if they were reduced to their key.
    pub counts: Counts,
    /// Passes, including the one that found nothing.
    pub looks: u32,
}

/// Why the erasure isn't finished. Start it again: deleted items stay deleted.
#[derive(Debug, thiserror::Error)]
pub enum NotErased {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("this name is an identity of {conversation:?}")]
    Identity { conversation: String },
    #[error("each of {MAX_ERASE_LOOKS} passes found new items")]
    Restless,
}

impl Eraser {
    /// `pause`: the wait before each pass except the first, so that the timeline's index can follow:
    /// [`crate::limits::INDEX_LAG`].
    pub fn new(reader: Reader, pause: Duration) -> Self {
        Self { reader, pause }
    }

    /// Erases until a pass finds nothing.
    pub async fn erase(&self, conversation: &str, now: Timestamp, _: Confirmed) -> Result<Erasure, NotErased> {
        let mut erasure = Erasure::default();
        let mut trail = Trail::default();
        while erasure.looks < MAX_ERASE_LOOKS {
            if erasure.looks > 0 {
                tokio::time::sleep(self.pause).await;
            }
            let subject_data = self.reader.subject_data(conversation, &trail).await?;
            erasure.looks += 1;
            if let Some(conversation) = subject_data.linked_to {
                return Err(NotErased::Identity { conversation });
            }
            if subject_data.is_empty() {
                return Ok(erasure);
            }
            self.delete(&subject_data, now, &mut erasure.counts).await?;
            trail = trail.with(subject_data);
        }
        Err(NotErased::Restless)
    }

    async fn delete(&self, subject_data: &SubjectData, now: Timestamp, counts: &mut Counts) -> Result<(), Unavailable> {
        let finds = |key: &str| matches!(ItemKey::parse(key), Some(ItemKey::Identity(_) | ItemKey::Link));
        let (finders, rest): (Vec<_>, Vec<_>) = subject_data.items.iter().partition(|((_, key), _)| finds(key));
        for row in subject_data.timers.values() {
            self.delete_timer(row, counts).await?;
        }
        // Statuses are found by the sends, and both by the claims.
        let (sends, statuses): (Vec<_>, Vec<_>) = subject_data.sends.values().partition(|row| send_record(row).is_some());
        for row in statuses {
            counts.sends += usize::from(self.delete_from(self.reader.sends_table.as_ref(), row).await?);
        }
        for row in sends {
            self.bare_send(row, counts).await?;
        }
        // Deliveries are found by the first part of their message, which sorts before the others.
        let (parts, deliveries): (Vec<_>, Vec<_>) = subject_data.published.values().partition(|row| row.contains_key("part"));
        for row in deliveries.into_iter().chain(parts.into_iter().rev()) {
            counts.published += usize::from(self.delete_from(self.reader.deliveries_table.as_ref(), row).await?);
        }
        if rest.is_empty() && subject_data.claims.is_empty() {
            // The name that was found last is erased first.
            for name in subject_data.names.iter().rev() {
                for ((_, key), row) in finders.iter().filter(|((partition, _), _)| partition == name) {
                    self.delete_item(key, row, counts).await?;
                }
            }
            return Ok(());
        }
        // A page that outlives its outbox would conflict with the next outbox's pages.
        let (pages, rest): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|((_, key), _)| matches!(ItemKey::parse(key), Some(ItemKey::OutboxPage(_))));
        for ((_, key), row) in pages.into_iter().chain(rest) {
            self.delete_item(key, row, counts).await?;
        }
        for waiting in subject_data.waiting() {
            self.call_off(&waiting, now, counts).await?;
        }
        for row in subject_data.claims.values() {
            self.bare(row, now, counts).await?;
        }
        Ok(())
    }

    /// Deletes the item in whatever state it is since it was read.
    async fn delete_item(&self, sort_key: &str, row: &Row, counts: &mut Counts) -> Result<(), Unavailable> {
        let key = Some(only(row, &["pk", "sk"]));
        let delete = self.reader.client.delete_item().table_name(&self.reader.context_table).set_key(key);
        if done("dynamodb:DeleteItem", delete.send().await)? {
            counts.count_item(sort_key);
        }
        Ok(())
    }

    async fn delete_timer(&self, row: &Row, counts: &mut Counts) -> Result<(), Unavailable> {
        counts.timers += usize::from(self.delete_from(self.reader.timers_table.as_ref(), row).await?);
        Ok(())
    }

    async fn delete_from(&self, table: Option<&String>, row: &Row) -> Result<bool, Unavailable> {
        let delete = self.reader.client.delete_item().set_table_name(table.cloned());
        done("dynamodb:DeleteItem", delete.set_key(Some(only(row, &["pk", "sk"]))).send().await)
    }

    /// Reduces a send's record to what keeps a copy of its action from being sent. Its version stays, so a sender that works on it
    /// writes what it knows, which the next pass sees.
    async fn bare_send(&self, row: &Row, counts: &mut Counts) -> Result<(), Unavailable> {
        let update = self.reader.client.update_item().set_table_name(self.reader.sends_table.clone());
        let update = update.set_key(Some(only(row, &["pk", "sk"]))).condition_expression("attribute_exists(pk)");
        let names: Vec<String> = (0..SendRecord::SAYS_MORE.len()).map(|n| format!("#{n}")).collect();
        let update = update.update_expression(format!("REMOVE {}", names.join(", ")));
        let named = names.into_iter().zip(SendRecord::SAYS_MORE.map(str::to_owned)).collect();
        if done("dynamodb:UpdateItem", update.set_expression_attribute_names(Some(named)).send().await)? {
            counts.sends += 1;
        }
        Ok(())
    }

    /// Cancels a notification that waits in the events queue: when it is due, it finds itself processed.
    async fn call_off(&self, waiting: &ClaimKey, now: Timestamp, counts: &mut Counts) -> Result<(), Unavailable> {
        let put = self
            .reader
            .client
            .put_item()
            .table_name(&self.reader.claims_table)
            .set_item(Some(erased(now)))
            .item("pk", text(waiting.as_str()))
            .item("expires_at", number(now.plus(CLAIM_LIFETIME).unix_s()))
            .condition_expression("attribute_not_exists(pk) OR #state <> :processed")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":processed", text(ClaimState::Processed.as_str()));
        if done("dynamodb:PutItem", put.send().await)? {
            counts.waiting += 1;
        }
        Ok(())
    }

    /// Reduces a claim to what a duplicate needs. A dead-lettered event's too, so that a redrive can't restore it.
    /// Kept attributes are listed here, so that attributes of later versions are removed.
    async fn bare(&self, row: &Row, now: Timestamp, counts: &mut Counts) -> Result<(), Unavailable> {
        let mut item = erased(now);
        item.extend(only(row, &["pk", "source", "received_at", "processed_at", "expires_at"]));
        let put = self
            .reader
            .client
            .put_item()
            .table_name(&self.reader.claims_table)
            .set_item(Some(item))
            .condition_expression("conversation = :conversation")
            .set_expression_attribute_values(Some(Row::from([(":conversation".to_owned(), row["conversation"].clone())])));
        if done("dynamodb:PutItem", put.send().await)? {
            counts.claims += 1;
        }
        Ok(())
    }
}

fn erased(now: Timestamp) -> Row {
    Row::from([("state".to_owned(), text(ClaimState::Processed.as_str())), ("erased_at".to_owned(), number(now.unix_ms()))])
}

fn only(row: &Row, names: &[&str]) -> Row {
    row.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Whether the write succeeded. It didn't if the item belongs to another conversation now or a transaction holds it:
/// the next pass sees the result.
fn done<T, E, R>(call: &'static str, answer: Result<T, SdkError<E, R>>) -> Result<bool, Unavailable>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    let Err(error) = answer else { return Ok(true) };
    match error.code() {
        Some("ConditionalCheckFailedException" | "TransactionConflictException") => Ok(false),
        Some(_) | None => Err(Unavailable { call, cause: cause(&error) }),
    }
}
