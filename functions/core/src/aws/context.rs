//! Claims and contexts as the processor uses them.

use super::attributes::{Row, effect, get_state, number, text};
use super::cause;
use super::gather::Gather;
use super::load::{self, EFFECT_ATTRIBUTES, Loads, Question, UNREADABLE, item, key};
use super::marker::{NOT_PROCESSED, applied_again, marker};
use crate::claim::decide::{Committed, RecordedEffect};
use crate::claim::{ClaimKey, ClaimState};
use crate::commit_plan::CommitPlan;
use crate::context::{Item, ItemKey, Place};
use crate::ports::{Commit, ContextStore, DeadLetter, DeadLettered, Loaded, Rewrite, Unavailable};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tidings_config::limits::CLAIM_LIFETIME;
use tidings_config::time::Timestamp;

/// [`ContextStore`] on DynamoDB. What is loaded at the same time is loaded by one call.
#[derive(Clone, Debug)]
pub struct DynamoContexts {
    client: Client,
    claims_table: String,
    context_table: String,
    loads: Arc<Loads>,
}

impl DynamoContexts {
    pub fn new(client: Client, claims_table: String, context_table: String) -> Self {
        Self { client, claims_table, context_table, loads: Arc::new(Gather::of_a_moment()) }
    }

    /// The put of a whole context item, conditional on the version that was read.
    fn put(&self, place: &Place, item: &Item, at: Timestamp) -> Put {
        let mut put = Put::builder()
            .table_name(&self.context_table)
            .set_item(Some(key(place)))
            .item("version", number(item.version.unwrap_or(0) + 1))
            .item(load::attribute(&place.key), text(item.content.encode()));
        if let Some(expires) = item.content.expires(at) {
            put = put.item("expires_at", number(expires.unix_s()));
        }
        let put = match item.version {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(version) => {
                put.condition_expression("version = :version").expression_attribute_values(":version", number(version))
            }
        };
        put.build().expect("table and item are set above")
    }

    /// The deletion of an item, conditional on the version that was read.
    fn delete(&self, place: &Place, version: u64) -> TransactWriteItem {
        let delete = Delete::builder()
            .table_name(&self.context_table)
            .set_key(Some(key(place)))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(version));
        TransactWriteItem::builder().delete(delete.build().expect("table and key are set above")).build()
    }

    async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<(), TransactionFailure> {
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(items)).send().await else { return Ok(()) };
        let failure = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                TransactionFailure::Cancelled(cancelled.cancellation_reasons().to_vec())
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => TransactionFailure::InProgress,
            Some(_) | None => TransactionFailure::Other(cause(&error)),
        };
        Err(failure)
    }
}

enum TransactionFailure {
    Cancelled(Vec<CancellationReason>),
    InProgress,
    /// The item that another write holds or changed.
    Other(String),
}

#[async_trait]
impl ContextStore for DynamoContexts {
    async fn load(&self, places: &BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Unavailable> {
        if places.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.ask(Question { places: places.clone(), claim: None }).await.map(|(items, _)| items)
    }

    async fn load_with_effect(&self, places: &BTreeSet<Place>, key: &ClaimKey) -> Result<Loaded, Unavailable> {
        self.ask(Question { places: places.clone(), claim: Some(key.clone()) }).await
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        let claim = self
            .client
            .get_item()
            .table_name(&self.claims_table)
            .key("pk", text(key.as_str()))
            .consistent_read(true)
            .projection_expression(EFFECT_ATTRIBUTES)
            .expression_attribute_names("#state", "state")
            .send()
            .await;
        let claim = claim.map_err(|error| Unavailable { call: "dynamodb:GetItem", cause: cause(&error) })?.item;
        Ok(claim.filter(|row| get_state(row) == Some(ClaimState::Processed)).map(|row| effect(&row)))
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        if CommitPlan::of(commit) == CommitPlan::ClaimOnly {
            return self.update_alone(marker(&self.claims_table, commit)).await;
        }
        let marker = TransactWriteItem::builder().update(marker(&self.claims_table, commit)).build();
        let items = commit.items.iter().map(|(place, item)| {
            let put = self.put(place, item, commit.processed);
            TransactWriteItem::builder().put(put).build()
        });
        let absent = commit.absent.iter().map(|place| {
            let check = ConditionCheck::builder()
                .table_name(&self.context_table)
                .set_key(Some(key(place)))
                .condition_expression("attribute_not_exists(pk)");
            TransactWriteItem::builder().condition_check(check.build().expect("table and key are set above")).build()
        });
        let deletes = commit.deletes.iter().map(|(place, version)| self.delete(place, *version));
        let again = commit.manual.iter().filter_map(|manual| manual.again.as_ref());
        let again = again.map(|event| applied_again(&self.claims_table, event, &commit.key));
        let all = std::iter::once(marker).chain(again).chain(items).chain(deletes).chain(absent).collect();
        match self.transact(all).await {
            Ok(()) => Committed::Yes,
            Err(TransactionFailure::Cancelled(reasons)) => classify(&reasons),
            Err(TransactionFailure::InProgress) => Committed::Contended,
            Err(TransactionFailure::Other(cause)) => Committed::Unknown(cause),
        }
    }

    async fn first(&self, partition: &str, at_most: usize) -> Result<BTreeMap<ItemKey, Item>, Unavailable> {
        let unavailable = |cause: String| Unavailable { call: "dynamodb:Query", cause };
        let page = self
            .client
            .query()
            .table_name(&self.context_table)
            .consistent_read(true)
            .key_condition_expression("pk = :partition")
            .expression_attribute_values(":partition", text(partition))
            .limit(i32::try_from(at_most).unwrap_or(i32::MAX))
            .send()
            .await;
        let page = page.map_err(|error| unavailable(cause(&error)))?;
        let read = |row: &Row| item(row).map(|(place, item)| (place.key, item)).ok_or_else(|| unavailable(UNREADABLE.to_owned()));
        page.items().iter().map(read).collect()
    }

    async fn rewrite(&self, rewrite: &Rewrite) -> Committed {
        let mut puts = rewrite.puts.iter().map(|(place, item)| self.put(place, item, rewrite.at));
        if rewrite.deletes.is_empty()
            && rewrite.puts.len() == 1
            && let Some(put) = puts.next()
        {
            return self.put_alone(put).await;
        }
        let puts = puts.map(|put| TransactWriteItem::builder().put(put).build());
        let deletes = rewrite.deletes.iter().map(|(place, version)| self.delete(place, *version));
        match self.transact(puts.chain(deletes).collect()).await {
            Ok(()) => Committed::Yes,
            Err(TransactionFailure::Cancelled(reasons)) => match classify(&reasons) {
                // A rewrite has no marker.
                Committed::Before(_) => Committed::ContextMoved,
                other @ (Committed::Yes | Committed::ContextMoved | Committed::Contended | Committed::Unknown(_)) => other,
            },
            Err(TransactionFailure::InProgress) => Committed::Contended,
            Err(TransactionFailure::Other(cause)) => Committed::Unknown(cause),
        }
    }

    async fn dead_letter(&self, dead_letter: &DeadLetter) -> Result<DeadLettered, Unavailable> {
        let mut set = "#state = :dead, reason = :reason, receive_count = :receive_count, dead_at = :dead_at, \
                       expires_at = :expires_at, event_type = if_not_exists(event_type, :event_type), \
                       #source = if_not_exists(#source, :source)"
            .to_owned();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.claims_table)
            .key("pk", text(dead_letter.key.as_str()))
            .condition_expression(NOT_PROCESSED)
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#source", "source")
            .expression_attribute_values(":dead", text(ClaimState::Dead.as_str()))
            .expression_attribute_values(":processed", text(ClaimState::Processed.as_str()))
            .expression_attribute_values(":reason", text(&dead_letter.reason))
            .expression_attribute_values(":receive_count", number(dead_letter.receive_count))
            .expression_attribute_values(":dead_at", number(dead_letter.at.unix_ms()))
            .expression_attribute_values(":expires_at", number(dead_letter.at.plus(CLAIM_LIFETIME).unix_s()))
            .expression_attribute_values(":event_type", text(&dead_letter.event_type))
            .expression_attribute_values(":source", text(&dead_letter.source));
        if let Some(entry) = &dead_letter.entry {
            set.push_str(", conversation = :conversation, occurred = :occurred");
            update = update
                .expression_attribute_values(":conversation", text(&entry.conversation))
                .expression_attribute_values(":occurred", text(entry.occurred.as_str()));
        }
        if let Some(trace_id) = &dead_letter.trace_id {
            set.push_str(", trace_id = if_not_exists(trace_id, :trace_id)");
            update = update.expression_attribute_values(":trace_id", text(trace_id));
        }
        let update = update.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = update.update_expression(format!("SET {set} REMOVE outbox, outbox_partition")).send().await;
        match update {
            Ok(_) => Ok(DeadLettered::Yes),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(DeadLettered::Processed(failed.item().map(effect).unwrap_or_default()))
                }
                Some(_) | None => Err(Unavailable { call: "dynamodb:UpdateItem", cause: cause(&error) }),
            },
        }
    }
}

impl DynamoContexts {
    /// Asks together with all that is asked at the same time.
    async fn ask(&self, question: Question) -> Result<Loaded, Unavailable> {
        let source =
            || load::Source { client: &self.client, claims_table: &self.claims_table, context_table: &self.context_table };
        self.loads.ask(question, |asked| load::all(source(), asked)).await
    }

    /// Updates a claim without a transaction, which costs half as much.
    async fn update_alone(&self, update: Update) -> Committed {
        let sent = self
            .client
            .update_item()
            .table_name(update.table_name)
            .set_key(Some(update.key))
            .update_expression(update.update_expression)
            .set_condition_expression(update.condition_expression)
            .set_expression_attribute_names(update.expression_attribute_names)
            .set_expression_attribute_values(update.expression_attribute_values)
            .set_return_values_on_condition_check_failure(update.return_values_on_condition_check_failure)
            .send()
            .await;
        let Err(error) = sent else { return Committed::Yes };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Committed::Before(failed.item().map(effect).unwrap_or_default())
            }
            Some(UpdateItemError::TransactionConflictException(_)) => Committed::Contended,
            Some(_) | None => Committed::Unknown(cause(&error)),
        }
    }

    /// Writes one item without a transaction, which costs half as much.
    async fn put_alone(&self, put: Put) -> Committed {
        let sent = self
            .client
            .put_item()
            .table_name(put.table_name)
            .set_item(Some(put.item))
            .set_condition_expression(put.condition_expression)
            .set_expression_attribute_values(put.expression_attribute_values)
            .send()
            .await;
        let Err(error) = sent else { return Committed::Yes };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Committed::ContextMoved,
            Some(PutItemError::TransactionConflictException(_)) => Committed::Contended,
            Some(_) | None => Committed::Unknown(cause(&error)),
        }
    }
}

/// Why a transaction was cancelled. The marker is the first item; only its failed condition means "done before".
fn classify(reasons: &[CancellationReason]) -> Committed {
    let failed = |reason: &CancellationReason, code: &str| reason.code() == Some(code);
    if let Some(marker) = reasons.first().filter(|marker| failed(marker, "ConditionalCheckFailed")) {
        Committed::Before(marker.item().map(effect).unwrap_or_default())
    } else if reasons.iter().any(|r| failed(r, "ConditionalCheckFailed")) {
        Committed::ContextMoved
    } else if reasons.iter().any(|r| failed(r, "TransactionConflict")) {
        Committed::Contended
    } else {
        let codes: Vec<&str> = reasons.iter().filter_map(CancellationReason::code).collect();
        Committed::Unknown(format!("cancelled: {}", codes.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_of_a_cancelled_transaction_decide() {
        let classify_codes = |codes: &[&str]| {
            classify(&codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect::<Vec<_>>())
        };
        for (codes, expected) in [
            (&["ConditionalCheckFailed", "None"][..], Committed::Before(RecordedEffect::default())),
            (&["ConditionalCheckFailed", "ConditionalCheckFailed"], Committed::Before(RecordedEffect::default())),
            (&["None", "ConditionalCheckFailed"], Committed::ContextMoved),
            (&["TransactionConflict", "None"], Committed::Contended),
            (&["None", "TransactionConflict"], Committed::Contended),
            (&["ThrottlingError", "None"], Committed::Unknown("cancelled: ThrottlingError, None".to_owned())),
            (&["None", "ValidationError"], Committed::Unknown("cancelled: None, ValidationError".to_owned())),
            (&[], Committed::Unknown("cancelled: ".to_owned())),
        ] {
            assert_eq!(classify_codes(codes), expected, "{codes:?}");
        }
    }
}
