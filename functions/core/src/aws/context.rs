//! Claims and contexts as the processor uses them.

use super::attributes::{Row, effect, get_state, number, text, texts};
use super::cause;
use super::gather::Gather;
use super::load::{self, Loads, UNREADABLE, item, key};
use crate::action::ActionNote;
use crate::claim::decide::{Committed, RecordedEffect};
use crate::claim::{ClaimKey, ClaimState};
use crate::context::{Item, ItemKey, Place};
use crate::ports::{Commit, ContextStore, DeadLetter, DeadLettered, Rewrite, Unavailable};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
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

/// The effect happens unless the claim is `processed`. Never `attribute_exists`: a claim that TTL deleted would then
/// count as done, and its event would be lost.
const NOT_PROCESSED: &str = "attribute_not_exists(pk) OR #state <> :processed";

impl DynamoContexts {
    pub fn new(client: Client, claims_table: String, context_table: String) -> Self {
        Self { client, claims_table, context_table, loads: Arc::new(Gather::of_a_moment()) }
    }

    /// The claim's final update. It may be the first write too: the receiver's put may be lost or deleted by TTL.
    fn marker(&self, commit: &Commit) -> Update {
        let mut set = vec![
            "#state = :processed",
            "processed_at = :processed_at",
            "conversation = :conversation",
            "occurred = :occurred",
            "outcome = :outcome",
            "#rules = :rules",
            "expires_at = :expires_at",
            "event_id = :event_id",
            "event_type = :event_type",
            "#source = :source",
            "received_at = if_not_exists(received_at, :received_at)",
            // An empty set is recorded as well: a claim without links is of the previous version.
            "links = :links",
        ];
        let mut update = Update::builder()
            .table_name(&self.claims_table)
            .key("pk", text(commit.key.as_str()))
            .condition_expression(NOT_PROCESSED)
            // The old row is returned with the failed condition, without a read. It says what is left to do.
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#source", "source")
            .expression_attribute_names("#rules", "rules")
            .expression_attribute_values(":processed", text(ClaimState::Processed.as_str()))
            .expression_attribute_values(":processed_at", number(commit.processed.unix_ms()))
            .expression_attribute_values(":conversation", text(&commit.conversation))
            .expression_attribute_values(":occurred", text(commit.occurred.as_str()))
            .expression_attribute_values(":outcome", text(commit.outcome.as_str()))
            .expression_attribute_values(":rules", texts(&commit.rules))
            .expression_attribute_values(":links", texts(&commit.links))
            .expression_attribute_values(":expires_at", number(commit.processed.plus(CLAIM_LIFETIME).unix_s()))
            .expression_attribute_values(":event_id", text(&commit.event_id))
            .expression_attribute_values(":event_type", text(&commit.event_type))
            .expression_attribute_values(":source", text(&commit.source))
            .expression_attribute_values(":received_at", number(commit.received.unix_ms()));
        if let Some(subject) = &commit.subject {
            set.push("subject = :subject");
            update = update.expression_attribute_values(":subject", text(subject));
        }
        let actions: Vec<String> = commit.actions.iter().map(ActionNote::store).collect();
        for (assignment, placeholder, list) in [
            ("actions = :actions", ":actions", &actions),
            ("joins = :joins", ":joins", &commit.joins),
            ("overtaken = :overtaken", ":overtaken", &commit.overtaken),
        ] {
            if !list.is_empty() {
                set.push(assignment);
                update = update.expression_attribute_values(placeholder, texts(list));
            }
        }
        if let Some(trace_id) = &commit.trace_id {
            set.push("trace_id = if_not_exists(trace_id, :trace_id)");
            update = update.expression_attribute_values(":trace_id", text(trace_id));
        }
        if let Some(off_schema) = &commit.off_schema {
            set.push("off_schema = :off_schema");
            update = update.expression_attribute_values(":off_schema", text(off_schema));
        }
        if let Some(node) = &commit.node {
            set.push("#node = :node");
            update = update.expression_attribute_names("#node", "node").expression_attribute_values(":node", text(node));
        }
        if let Some(manual) = &commit.manual {
            set.push("manual = :manual");
            let json = serde_json::to_string(manual).expect("it has string keys and holds only JSON");
            update = update.expression_attribute_values(":manual", text(json));
        }
        if let Some(event) = &commit.event {
            set.push("event = :event");
            update = update.expression_attribute_values(":event", text(event.as_str()));
        }
        let expression = format!("SET {} REMOVE reason, receive_count, dead_at", set.join(", "));
        update.update_expression(expression).build().expect("table, key and expression are set above")
    }

    /// Records in an event's own claim that the event was applied again. The claim must be processed and not erased.
    fn applied_again(&self, event: &ClaimKey, by: &ClaimKey) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(&self.claims_table)
            .key("pk", text(event.as_str()))
            .condition_expression("#state = :processed AND attribute_exists(conversation)")
            .update_expression("ADD applied_again :by")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":processed", text(ClaimState::Processed.as_str()))
            .expression_attribute_values(":by", AttributeValue::Ss(vec![by.as_str().to_owned()]));
        TransactWriteItem::builder().update(update.build().expect("table, key and expression are set above")).build()
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
        self.loads.ask(places.clone(), |asked| load::all(&self.client, &self.context_table, asked)).await
    }

    async fn effect(&self, key: &ClaimKey) -> Result<Option<RecordedEffect>, Unavailable> {
        let claim = self
            .client
            .get_item()
            .table_name(&self.claims_table)
            .key("pk", text(key.as_str()))
            .consistent_read(true)
            .projection_expression("#state, conversation, links")
            .expression_attribute_names("#state", "state")
            .send()
            .await;
        let claim = claim.map_err(|error| Unavailable { call: "dynamodb:GetItem", cause: cause(&error) })?.item;
        Ok(claim.filter(|row| get_state(row) == Some(ClaimState::Processed)).map(|row| effect(&row)))
    }

    async fn commit(&self, commit: &Commit) -> Committed {
        let marker = TransactWriteItem::builder().update(self.marker(commit)).build();
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
        let again = again.map(|event| self.applied_again(event, &commit.key));
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
        let update = update.update_expression(format!("SET {set}")).send().await;
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
