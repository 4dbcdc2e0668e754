//! Erasing a conversation: what [`Reader::subject_data`] finds is deleted, and of its claims only the keys are left, processed, for the
//! rest of their days: so a late duplicate still finds its event processed, and brings nothing back.
//!
//! Promises: it ends with a look that found nothing. Whatever finds something else goes after it (joins and waiting notifications
//! before the claims that name them, identities last, in a look of their own), so whoever is interrupted starts again and ends the
//! same. What is written meanwhile is there for the next look. Never: another conversation's item, or a claim that could be taken for
//! an event that never came.

use super::read::Reader;
use super::subject_data::{Counts, SubjectData};
use crate::confirm::Confirmed;
use crate::limits::MAX_ERASE_LOOKS;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use std::time::Duration;
use tidings_config::limits::CLAIM_LIFETIME;
use tidings_config::time::Timestamp;
use tidings_core::aws::attributes::{Row, number, text};
use tidings_core::aws::cause;
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_core::context::ItemKey;
use tidings_core::ports::Unavailable;

/// Erases conversations: `dynamodb:Query` on both tables, `dynamodb:DeleteItem` on the context table, `dynamodb:PutItem` on the
/// claims table. No function's role has the last two together; this is the operator's.
#[derive(Clone, Debug)]
pub struct Eraser {
    reader: Reader,
    pause: Duration,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// What was deleted. Of claims: what is left of them is their keys.
    pub counts: Counts,
    /// Looks, with the one that found nothing.
    pub looks: u32,
}

/// Why it isn't done. Begin again: what is done is done.
#[derive(Debug, thiserror::Error)]
pub enum NotErased {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("it is an identity of {conversation:?}")]
    Identity { conversation: String },
    #[error("there was something new at each of {MAX_ERASE_LOOKS} looks")]
    Restless,
}

impl Eraser {
    /// `pause` is for the timeline's index to follow, before each look but the first: [`crate::limits::INDEX_LAG`].
    pub fn new(reader: Reader, pause: Duration) -> Self {
        Self { reader, pause }
    }

    /// Erases until there is nothing.
    pub async fn erase(&self, conversation: &str, now: Timestamp, _: Confirmed) -> Result<Erasure, NotErased> {
        let mut erasure = Erasure::default();
        let mut names = Vec::new();
        while erasure.looks < MAX_ERASE_LOOKS {
            if erasure.looks > 0 {
                tokio::time::sleep(self.pause).await;
            }
            let subject_data = self.reader.subject_data(conversation, &names).await?;
            erasure.looks += 1;
            if let Some(conversation) = subject_data.linked_to {
                return Err(NotErased::Identity { conversation });
            }
            if subject_data.is_empty() {
                return Ok(erasure);
            }
            self.delete(&subject_data, now, &mut erasure.counts).await?;
            names = subject_data.names;
        }
        Err(NotErased::Restless)
    }

    async fn delete(&self, subject_data: &SubjectData, now: Timestamp, counts: &mut Counts) -> Result<(), Unavailable> {
        let finds = |key: &str| matches!(ItemKey::parse(key), Some(ItemKey::Identity(_) | ItemKey::Link));
        let (finders, rest): (Vec<_>, Vec<_>) = subject_data.items.iter().partition(|((_, key), _)| finds(key));
        if rest.is_empty() && subject_data.claims.is_empty() {
            // Whoever was found last goes first.
            for name in subject_data.names.iter().rev() {
                for ((_, key), row) in finders.iter().filter(|((partition, _), _)| partition == name) {
                    self.delete_item(key, row, counts).await?;
                }
            }
            return Ok(());
        }
        // A page that outlives its outbox would stand in the way of the next outbox's.
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

    /// Whatever it has become since it was read.
    async fn delete_item(&self, sort_key: &str, row: &Row, counts: &mut Counts) -> Result<(), Unavailable> {
        let key = Some(only(row, &["pk", "sk"]));
        let delete = self.reader.client.delete_item().table_name(&self.reader.context_table).set_key(key);
        if done("dynamodb:DeleteItem", delete.send().await)? {
            counts.count_item(sort_key);
        }
        Ok(())
    }

    /// A notification that waits in the events queue finds, when its time comes, that it was sent.
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

    /// Leaves of a claim what a duplicate asks for. Of a dead event's too: a redrive mustn't bring it back. What is kept is
    /// named here, so that nothing is that somebody adds to claims some day.
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

/// Whether it is. Not, if it has become another's or a transaction holds it: the next look sees what became of it.
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
