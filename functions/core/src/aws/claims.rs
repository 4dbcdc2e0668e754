//! The claims table as the receiver uses it.

use super::attributes::{Row, get_state, get_text, get_text_set, get_time, number, text, texts};
use super::cause;
use crate::claim::decide::{Body, Recorded, conflict_pause};
use crate::claim::{ClaimKey, ClaimState, NewClaim, Sha256Hex, outbox_partition};
use crate::ports::{ClaimStore, Probe, Unavailable};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use tidings_config::limits::{CLAIM_LIFETIME, CONFLICT_PAUSE, CONFLICT_RETRIES, MAX_OTHER_BODIES};
use tidings_config::time::Timestamp;

/// [`ClaimStore`] on DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoClaims {
    client: Client,
    table: String,
}

impl DynamoClaims {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

#[async_trait]
impl ClaimStore for DynamoClaims {
    async fn record(&self, claim: &NewClaim) -> Recorded {
        let mut row = Row::from([
            ("pk".to_owned(), text(claim.key.as_str())),
            ("state".to_owned(), text(ClaimState::Received.as_str())),
            ("source".to_owned(), text(&claim.source)),
            ("event_id".to_owned(), text(&claim.event_id)),
            ("event_type".to_owned(), text(&claim.event_type)),
            ("body_sha256".to_owned(), text(claim.body_sha256.as_str())),
            ("received_at".to_owned(), number(claim.received.unix_ms())),
            ("expires_at".to_owned(), number(claim.received.plus(CLAIM_LIFETIME).unix_s())),
        ]);
        row.extend(claim.subject.as_ref().map(|subject| ("subject".to_owned(), text(subject))));
        row.extend(claim.trace_id.as_ref().map(|id| ("trace_id".to_owned(), text(id))));
        if !claim.unread.is_empty() {
            let fields: Vec<String> = claim.unread.iter().map(ToString::to_string).collect();
            row.insert("unread".to_owned(), texts(&fields));
        }

        if let Some(message) = &claim.outbox {
            row.insert("outbox".to_owned(), text(message.as_str()));
            row.insert("outbox_partition".to_owned(), text(outbox_partition(&claim.key).to_string()));
        }

        for conflicts in 0..=CONFLICT_RETRIES {
            let put = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(row.clone()))
                .condition_expression("attribute_not_exists(pk)")
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            let Err(error) = put else { return Recorded::New };
            match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(lost)) => {
                    return lost.item().map_or(Recorded::Unknown, |old| existing(old, claim));
                }
                // The SDK doesn't retry this error itself.
                Some(PutItemError::TransactionConflictException(_)) => {
                    if conflicts < CONFLICT_RETRIES {
                        tokio::time::sleep(conflict_pause(CONFLICT_PAUSE, conflicts).mul_f64(fastrand::f64())).await;
                    }
                }
                Some(_) | None => {
                    tracing::warn!(claim_key = %claim.key, cause = %cause(&error), "the claims table did not respond");
                    return Recorded::Unknown;
                }
            }
        }
        Recorded::Contended
    }

    async fn mark_enqueued(&self, key: &ClaimKey, at: Timestamp) -> Result<(), Unavailable> {
        let mark = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(key.as_str()))
            .update_expression("SET #state = :enqueued, enqueued_at = :at REMOVE outbox_partition")
            .condition_expression("#state = :received")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":enqueued", text(ClaimState::Enqueued.as_str()))
            .expression_attribute_values(":received", text(ClaimState::Received.as_str()))
            .expression_attribute_values(":at", number(at.unix_ms()))
            .send()
            .await;
        // The claim has a later state, or is about to.
        done(mark)
    }

    async fn note_body(&self, key: &ClaimKey, other: &Sha256Hex) -> Result<(), Unavailable> {
        let note = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(key.as_str()))
            .update_expression("ADD other_bodies :other")
            .condition_expression(
                "attribute_exists(body_sha256) AND (attribute_not_exists(other_bodies) OR size(other_bodies) < :most)",
            )
            .expression_attribute_values(":other", AttributeValue::Ss(vec![other.as_str().to_owned()]))
            .expression_attribute_values(":most", number(MAX_OTHER_BODIES))
            .send()
            .await;
        // It is full or erased; or a transaction of the processor holds it, and the next such delivery tries again.
        done(note)
    }
}

/// Accepts an update that failed its condition or met a transaction on the claim: it is no longer needed.
fn done<T, R: std::fmt::Debug>(update: Result<T, SdkError<UpdateItemError, R>>) -> Result<(), Unavailable> {
    let Err(error) = update else { return Ok(()) };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(_) | UpdateItemError::TransactionConflictException(_)) => Ok(()),
        Some(_) | None => Err(Unavailable { call: "dynamodb:UpdateItem", cause: cause(&error) }),
    }
}

/// Marks a claim that doesn't exist. It uses the verb and grant that events need; the condition fails, so nothing is written.
#[async_trait]
impl Probe for DynamoClaims {
    fn name(&self) -> &'static str {
        "claims"
    }

    async fn probe(&self, at: Timestamp) -> Result<(), Unavailable> {
        self.mark_enqueued(&ClaimKey::of_no_event(), at).await
    }
}

/// The existing row, which our put didn't replace.
fn existing(old: &Row, ours: &NewClaim) -> Recorded {
    match get_state(old) {
        Some(state) => Recorded::Existing {
            state,
            received: get_time(old, "received_at"),
            body: Body::compare(&ours.body_sha256, get_text(old, "body_sha256"), &get_text_set(old, "other_bodies")),
            is_kept: old.contains_key("outbox"),
        },
        // An unknown state of another version: when in doubt, queue the event.
        None => Recorded::Unknown,
    }
}
