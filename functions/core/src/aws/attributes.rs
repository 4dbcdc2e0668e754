//! DynamoDB's attribute values, and a claim's row.

use crate::action::ActionNote;
use crate::claim::decide::RecordedEffect;
use crate::claim::{Claim, ClaimKey, ClaimState, EventField, Outcome, TimelineKey};
use crate::stored_event::StoredEvent;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use tidings_config::time::Timestamp;

pub type Row = HashMap<String, AttributeValue>;

pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub fn texts(values: &[String]) -> AttributeValue {
    AttributeValue::L(values.iter().map(text).collect())
}

pub fn get_text(row: &Row, name: &str) -> Option<String> {
    row.get(name)?.as_s().ok().cloned()
}

pub fn get_texts(row: &Row, name: &str) -> Vec<String> {
    let list = row.get(name).and_then(|value| value.as_l().ok());
    list.into_iter().flatten().filter_map(|value| value.as_s().ok().cloned()).collect()
}

pub fn get_number<T: std::str::FromStr>(row: &Row, name: &str) -> Option<T> {
    row.get(name)?.as_n().ok()?.parse().ok()
}

/// The texts of a string set, sorted.
pub fn get_text_set(row: &Row, name: &str) -> Vec<String> {
    let mut set = row.get(name).and_then(|value| value.as_ss().ok()).cloned().unwrap_or_default();
    set.sort();
    set
}

pub fn get_time(row: &Row, name: &str) -> Option<Timestamp> {
    get_number(row, name).map(Timestamp::from_unix_ms)
}

pub fn get_state(row: &Row) -> Option<ClaimState> {
    ClaimState::parse(row.get("state")?.as_s().ok()?)
}

/// The event that is stored in a claim's row.
pub fn kept(row: &Row) -> Option<StoredEvent> {
    get_text(row, "event").map(StoredEvent::stored)
}

/// The effect that a processed claim's row records.
pub fn effect(row: &Row) -> RecordedEffect {
    RecordedEffect {
        conversation: get_text(row, "conversation"),
        links: row.contains_key("links").then(|| get_texts(row, "links")),
    }
}

/// A claim's row without its stored event. `None`: the row has no key, or no known state.
pub fn claim(row: &Row) -> Option<Claim> {
    let key: ClaimKey = get_text(row, "pk")?.into();
    Some(Claim {
        state: get_state(row)?,
        source: get_text(row, "source").unwrap_or_default(),
        event_id: get_text(row, "event_id"),
        event_type: get_text(row, "event_type").unwrap_or_default(),
        subject: get_text(row, "subject"),
        received: get_time(row, "received_at"),
        enqueued: get_time(row, "enqueued_at"),
        processed: get_time(row, "processed_at"),
        conversation: get_text(row, "conversation"),
        occurred: get_text(row, "occurred").map(TimelineKey::stored),
        outcome: get_text(row, "outcome").as_deref().and_then(Outcome::parse),
        rules: get_texts(row, "rules"),
        actions: get_texts(row, "actions").into_iter().map(ActionNote::read).collect(),
        overtaken: get_texts(row, "overtaken"),
        joins: get_texts(row, "joins"),
        links: get_texts(row, "links"),
        node: get_text(row, "node"),
        off_schema: get_text(row, "off_schema"),
        reason: get_text(row, "reason"),
        receive_count: get_number(row, "receive_count"),
        dead: get_time(row, "dead_at"),
        trace_id: get_text(row, "trace_id"),
        body_sha256: get_text(row, "body_sha256"),
        other_bodies: get_text_set(row, "other_bodies"),
        unread: get_texts(row, "unread").iter().filter_map(|word| EventField::parse(word)).collect(),
        // A field that only a later version can parse must not hide the claim.
        manual: get_text(row, "manual").and_then(|json| serde_json::from_str(&json).ok()),
        applied_again: get_text_set(row, "applied_again").into_iter().map(ClaimKey::from).collect(),
        erased: get_time(row, "erased_at"),
        event_bytes: row.get("event").and_then(|event| Some(event.as_s().ok()?.len())),
        expires: get_number(row, "expires_at").and_then(Timestamp::from_unix_s),
        key,
    })
}
