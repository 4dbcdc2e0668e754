//! The updates of a claim in a commit.

use super::attributes::{number, text, texts};
use crate::action::ActionNote;
use crate::claim::{ClaimKey, ClaimState};
use crate::ports::Commit;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update};
use tidings_config::limits::CLAIM_LIFETIME;

/// The effect happens unless the claim is `processed`. Never `attribute_exists`: a claim that TTL deleted would then
/// count as done, and its event would be lost.
pub(super) const NOT_PROCESSED: &str = "attribute_not_exists(pk) OR #state <> :processed";

/// The claim's final update. It may be the first write too: the receiver's put may be lost or deleted by TTL.
pub(super) fn marker(claims_table: &str, commit: &Commit) -> Update {
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
        .table_name(claims_table)
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
    if let Some(result) = &commit.result {
        set.push("#result = :result");
        update = update.expression_attribute_names("#result", "result").expression_attribute_values(":result", text(result));
    }
    if let Some(event) = &commit.event {
        set.push("event = :event");
        update = update.expression_attribute_values(":event", text(event.as_str()));
    }
    let expression = format!("SET {} REMOVE reason, receive_count, dead_at, outbox, outbox_partition", set.join(", "));
    update.update_expression(expression).build().expect("table, key and expression are set above")
}

/// Records in an event's own claim that the event was applied again. The claim must be processed and not erased.
pub(super) fn applied_again(claims_table: &str, event: &ClaimKey, by: &ClaimKey) -> TransactWriteItem {
    let update = Update::builder()
        .table_name(claims_table)
        .key("pk", text(event.as_str()))
        .condition_expression("#state = :processed AND attribute_exists(conversation)")
        .update_expression("ADD applied_again :by")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":processed", text(ClaimState::Processed.as_str()))
        .expression_attribute_values(":by", AttributeValue::Ss(vec![by.as_str().to_owned()]));
    TransactWriteItem::builder().update(update.build().expect("table, key and expression are set above")).build()
}
