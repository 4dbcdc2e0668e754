//! The claim: one row per event that says who saw it, how far it got and what came of it.
//!
//! Key: `{source}#{event key}`. **The event key is a security rule**: it is the provider's id only when the signature
//! covers that id; otherwise it is the SHA-256 of the signed bytes, together with the delivery's unsigned id. An unsigned id alone is
//! the attacker's to choose: with a captured request he could send it under the id of an event that is yet to come, which would then
//! be taken for a duplicate and lost. With the bytes beside it he can only repeat that one event, a bounded number of times
//! ([`MAX_DELIVERIES_PER_BODY`](tidings_config::limits::MAX_DELIVERIES_PER_BODY)).

pub mod decide;
pub(crate) mod key;
pub mod search;
mod timeline;

pub use key::{ClaimKey, Sha256Hex};
pub use timeline::TimelineKey;

use crate::action::ActionNote;
use crate::manual::ManualChange;
use serde::Serialize;
use tidings_config::time::Timestamp;

tidings_config::words! {
    /// How far an event got.
    ///
    /// ```text
    ///            put            send acknowledged         commit
    /// (nothing) ─────▶ received ─────────────────▶ enqueued ─────▶ processed
    ///                     │                            │               ▲
    ///                     ├────────── commit ──────────┼───────────────┤  the mark may come late or never
    ///                     └── last receive failed ──▶ dead ── redrive ─┘
    /// ```
    ClaimState {
        /// Put by the receiver; whether it was queued isn't known.
        Received = "received",
        /// SQS has acknowledged it.
        Enqueued = "enqueued",
        /// Its effect is in the context.
        Processed = "processed",
        /// Its last receive failed: it is in the dead-letter queue, or about to be.
        Dead = "dead",
    }
}

tidings_config::words! {
    /// What came of a processed event.
    Outcome {
        /// It changed the context.
        Applied = "applied",
        /// All that it would have changed was newer already.
        Stale = "stale",
        /// No rule has anything to say to it: it is in the timeline, and that is all.
        Noted = "noted",
    }
}

tidings_config::words! {
    /// A field of the envelope that can be there and not be readable.
    EventField {
        /// Not a time, or none that can be written: the time of receipt counts.
        Time = "time",
        /// Not a whole number: the event is ordered by its time.
        Sequence = "sequence",
        /// Too long.
        Subject = "subject",
        /// Too long: the rules have to say whose event it is.
        Conversation = "conversation",
        /// Too long: the event is of no version.
        Dataschema = "dataschema",
    }
}

/// What the receiver records before it queues an event.
#[derive(Clone, Debug)]
pub struct NewClaim {
    pub key: ClaimKey,
    pub source: String,
    pub event_id: String,
    pub event_type: String,
    pub subject: Option<String>,
    pub body_sha256: Sha256Hex,
    pub received: Timestamp,
    /// X-Ray's id of the trace that the request is part of.
    pub trace_id: Option<String>,
    /// What is configured, was sent and couldn't be read.
    pub unread: Vec<EventField>,
}

/// A claim as it is stored, for those who ask what became of an event.
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
    /// By which a timeline is sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred: Option<TimelineKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Facts that it would have set, and the node, which were newer already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overtaken: Vec<String>,
    /// How the payload is off its schema, which accepts it all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_schema: Option<String>,
    /// What became of its actions, and what had no room.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionNote>,
    /// The partitions of the joins that it is part of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub joins: Vec<String>,
    /// The identities that it linked to its conversation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// Why it is dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_count: Option<u32>,
    /// When it died.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dead: Option<Timestamp>,
    /// X-Ray's id of the trace that the first request of it was part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_sha256: Option<String>,
    /// Of bodies that came under the same key since: up to [`MAX_OTHER_BODIES`](tidings_config::limits::MAX_OTHER_BODIES).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_bodies: Vec<String>,
    /// What is configured, was sent and couldn't be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<EventField>,
    /// Who did it by a command, why, and what it changed: of a manual change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual: Option<ManualChange>,
    /// The claims under which a person had it applied again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applied_again: Vec<ClaimKey>,
    /// When all but its key was taken from it, with its conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased: Option<Timestamp>,
    /// How large the event is that is kept with it. What it carries isn't here: whoever lists claims doesn't want it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_bytes: Option<usize>,
    /// When DynamoDB may delete it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Claim {
    /// One of which nothing but its key is known.
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

    /// When the event came: its receipt or, where that isn't on record, what else became of it first.
    pub fn came(&self) -> Option<Timestamp> {
        [self.received, self.enqueued, self.processed, self.dead, self.erased].into_iter().flatten().next()
    }

    /// What became of its actions, and what had no room: for people.
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
    fn words_are_read_as_they_are_written() {
        for state in ClaimState::ALL {
            assert_eq!(ClaimState::parse(state.as_str()), Some(*state));
        }
        assert_eq!(ClaimState::parse("lost"), None);
    }
}
