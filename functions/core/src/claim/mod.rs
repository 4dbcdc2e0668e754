//! The claim: one row for each event, with its receipt, its state and its outcome.
//!
//! Key: `{source}#{event key}`. **The event key is a security rule**: it is the provider's id only if the signature
//! covers that id; otherwise it is the SHA-256 of the signed bytes, together with the delivery's unsigned id. An
//! unsigned id alone is chosen by the attacker: a captured request could be sent under the id of a future event,
//! which would then count as a duplicate and be lost. With the bytes in the key, an attacker can only repeat that one
//! event, a bounded number of times ([`MAX_DELIVERIES_PER_BODY`](tidings_config::limits::MAX_DELIVERIES_PER_BODY)).

pub mod decide;
pub(crate) mod key;
mod outbox;
mod timeline;

pub use key::{ClaimKey, Sha256Hex, sender};
pub use outbox::{OutboxEntry, OutboxMessage, outbox_partition};
pub use timeline::TimelineKey;

use crate::action::ActionNote;
use crate::manual::ManualChange;
use serde::Serialize;
use tidings_config::time::Timestamp;

tidings_config::words! {
    /// The state of an event.
    ///
    /// ```text
    ///            put                            commit
    /// (nothing) ─────▶ received ───────────────────────────────────▶ processed
    ///                     │                                              ▲
    ///                     ├─ queued, and its delivery fails ▶ enqueued ──┤
    ///                     └─ the last receive fails ────────▶ dead ──────┘ after a redrive
    /// ```
    ClaimState {
        /// Put by the receiver. The claim doesn't say whether the event was queued.
        Received = "received",
        /// SQS has acknowledged the event. Set only if its delivery must be sent again; the version before set it for
        /// every event.
        Enqueued = "enqueued",
        /// Its effect is in the context.
        Processed = "processed",
        /// Its last receive failed: it is in the dead-letter queue, or about to be.
        Dead = "dead",
    }
}

tidings_config::words! {
    /// The outcome of a processed event.
    Outcome {
        /// It changed the context.
        Applied = "applied",
        /// All values that it would have written were newer already.
        Stale = "stale",
        /// No rule matches it: it is in the timeline only.
        Noted = "noted",
    }
}

tidings_config::words! {
    /// A field of the envelope that can exist and be unreadable.
    EventField {
        /// Not a time, or outside the range of RFC 3339: the time of receipt is used.
        Time = "time",
        /// Not a whole number: the event is ordered by its time.
        Sequence = "sequence",
        /// Too long.
        Subject = "subject",
        /// Too long: only rules can decide whose event it is.
        Conversation = "conversation",
        /// Too long: the event has no version.
        Dataschema = "dataschema",
    }
}

/// The receiver's record of an event, before it is queued.
#[derive(Clone, Debug)]
pub struct NewClaim {
    pub key: ClaimKey,
    pub source: String,
    pub event_id: String,
    pub event_type: String,
    pub subject: Option<String>,
    pub body_sha256: Sha256Hex,
    pub received: Timestamp,
    /// X-Ray's id of the request's trace.
    pub trace_id: Option<String>,
    /// Configured fields that were sent and couldn't be read.
    pub unread: Vec<EventField>,
    /// The event itself, if the claim keeps it until it is processed.
    pub outbox: Option<OutboxMessage>,
}

/// A claim as stored, to show what happened to an event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claim {
    pub key: ClaimKey,
    pub state: ClaimState,
    pub source: String,
    #[serde(rename = "id", skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    #[serde(rename = "type")]
    pub event_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enqueued: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processed: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The sort key of the timeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred: Option<TimelineKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Facts that it would have set, and the node, which had newer values already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overtaken: Vec<String>,
    /// How the payload violates its schema, if the schema's policy accepts that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_schema: Option<String>,
    /// Outcomes of its actions, and values that had no room.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionNote>,
    /// The partitions of the joins that it takes part in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub joins: Vec<String>,
    /// The identities that it linked to its conversation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// The reason why it was dead-lettered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_count: Option<u32>,
    /// When it was dead-lettered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead: Option<Timestamp>,
    /// X-Ray's id of the trace of its first request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<String>,
    /// Hashes of other bodies that were received with the same key: up to
    /// [`MAX_OTHER_BODIES`](tidings_config::limits::MAX_OTHER_BODIES).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_bodies: Vec<String>,
    /// Configured fields that were sent and couldn't be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<EventField>,
    /// The author, the reason and the changes of a manual change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual: Option<ManualChange>,
    /// The claims under which an operator applied it again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applied_again: Vec<ClaimKey>,
    /// When the claim was reduced to its key, with the erasure of its conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased: Option<Timestamp>,
    /// The size of its stored event in bytes. The event itself isn't part of a list of claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_bytes: Option<usize>,
    /// When DynamoDB may delete it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Claim {
    /// A claim with its key only.
    pub fn new(key: ClaimKey) -> Self {
        Self {
            key,
            state: ClaimState::Received,
            source: String::new(),
            event_id: None,
            event_type: String::new(),
            subject: None,
            received: None,
            enqueued: None,
            processed: None,
            conversation: None,
            occurred: None,
            outcome: None,
            rules: Vec::new(),
            node: None,
            overtaken: Vec::new(),
            off_schema: None,
            actions: Vec::new(),
            joins: Vec::new(),
            links: Vec::new(),
            reason: None,
            receive_count: None,
            dead: None,
            trace_id: None,
            body_sha256: None,
            other_bodies: Vec::new(),
            unread: Vec::new(),
            manual: None,
            applied_again: Vec::new(),
            erased: None,
            event_bytes: None,
            expires: None,
        }
    }

    /// When the event was received; else the first recorded time.
    pub fn came(&self) -> Option<Timestamp> {
        [self.received, self.enqueued, self.processed, self.dead, self.erased].into_iter().flatten().next()
    }

    /// Outcomes of its actions and values that had no room, as lines for people.
    pub fn action_lines(&self) -> Vec<String> {
        self.actions.iter().map(ToString::to_string).collect()
    }

    /// The event's own time.
    pub fn happened(&self) -> Option<Timestamp> {
        self.occurred.as_ref().and_then(TimelineKey::time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parsed_as_they_are_written() {
        for state in ClaimState::ALL {
            assert_eq!(ClaimState::parse(state.as_str()), Some(*state));
        }
        assert_eq!(ClaimState::parse("lost"), None);
    }
}
