//! The claim: one row per event that says who saw it, how far it got and what came of it.
//!
//! Key: `{source}#{event key}`. **The event key is a security rule**: it is the provider's id only when the signature
//! covers that id; otherwise it is the SHA-256 of the signed bytes, together with the delivery's unsigned id. An unsigned id alone is
//! the attacker's to choose: with a captured request he could send it under the id of an event that is yet to come, which would then
//! be taken for a duplicate and lost. With the bytes beside it he can only repeat that one event, a bounded number of times
//! ([`MAX_DELIVERIES_PER_BODY`](tidings_config::limits::MAX_DELIVERIES_PER_BODY)).

pub mod decide;
pub mod search;

use crate::kept::KeptEvent;
use crate::manual::ManualChange;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;
use tidings_config::limits::{MAX_DELIVERY_ID_BYTES, MAX_EVENT_ID_BYTES};
use tidings_config::time::Timestamp;

/// `{source}#{event key}`: the identity of an event everywhere in Tidings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimKey(String);

impl ClaimKey {
    /// A key that no event can have, for the claims table's [`Probe`](crate::ports::Probe).
    pub fn of_no_event() -> Self {
        Self("@ready".to_owned())
    }

    pub fn new(source: &str, event_key: &str) -> Self {
        Self(format!("{source}#{event_key}"))
    }

    /// An id that the signature covers. One that is long, empty or not printable ASCII is claimed by its hash.
    pub fn from_signed_id(source: &str, id: &str) -> Self {
        if !id.is_empty() && id.len() <= MAX_EVENT_ID_BYTES && id.bytes().all(|b| b.is_ascii_graphic()) {
            Self::new(source, id)
        } else {
            Self::new(source, &format!("id-{}", Sha256Hex::of(id.as_bytes())))
        }
    }

    /// The SHA-256 of what was signed, for events whose id isn't, with the id of the delivery where there is one. `part` tells the
    /// events of one delivery apart.
    pub fn from_signed_bytes(source: &str, digest: &Sha256Hex, delivery: Option<&str>, part: Option<usize>) -> Self {
        let mut key = digest.as_str().to_owned();
        if let Some(part) = part {
            key.push_str(&format!("/{part}"));
        }
        if let Some(delivery) = delivery {
            key.push('+');
            if delivery.len() <= MAX_DELIVERY_ID_BYTES && delivery.bytes().all(|b| b.is_ascii_graphic()) {
                key.push_str(delivery);
            } else {
                key.push_str(Sha256Hex::of(delivery.as_bytes()).as_str());
            }
        }
        Self::new(source, &key)
    }

    /// Of what couldn't be read as an event. No event has such a key: whoever replays a request with another header, so that it
    /// can't be read, doesn't take the place of the event that it holds.
    pub fn unreadable(source: &str, digest: &Sha256Hex, part: Option<usize>) -> Self {
        match part {
            None => Self::new(source, &format!("unreadable:{}", digest.as_str())),
            Some(n) => Self::new(source, &format!("unreadable:{}/{n}", digest.as_str())),
        }
    }

    /// The same in one window of time: for events that the same bytes may tell again.
    #[must_use]
    pub fn in_window(self, window: i64) -> Self {
        Self(format!("{}@{window}", self.0))
    }

    /// Whether it is an event of our own: `@` can't begin a source's name.
    pub fn is_ours(&self) -> bool {
        self.0.starts_with('@')
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ClaimKey {
    fn from(key: String) -> Self {
        Self(key)
    }
}

impl fmt::Display for ClaimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sha256Hex(String);

impl Sha256Hex {
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex::encode(Sha256::digest(bytes))))
    }

    /// A digest as it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough of it to tell two apart, for people.
    pub fn short(&self) -> &str {
        self.digits().get(..12).unwrap_or(self.digits())
    }

    /// Without `sha256:`.
    pub fn digits(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or(&self.0)
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An enum whose variants are words, stored and printed as such.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As it is stored and printed.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
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

words! {
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

words! {
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
    /// The event's own time, by which a timeline is sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred: Option<String>,
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
    /// What became of its actions: `rule/notify queued`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
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

    /// As JSON, with the event that is kept with it as `event`.
    pub fn with_event(&self, event: Option<&KeptEvent>) -> Value {
        let mut json = serde_json::to_value(self).expect("it has string keys and holds only JSON");
        if let Some(event) = event {
            json["event"] = serde_json::from_str(event.as_str()).unwrap_or_else(|_| Value::from(event.as_str()));
        }
        json
    }

    /// The event's own time.
    pub fn happened(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(self.occurred.as_deref()?.split('#').next()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_make_no_good_key_are_hashed() {
        assert_eq!(ClaimKey::from_signed_id("stripe", "evt_1").as_str(), "stripe#evt_1");
        let longest = "x".repeat(MAX_EVENT_ID_BYTES);
        assert_eq!(ClaimKey::from_signed_id("s", &longest).as_str(), format!("s#{longest}"));
        for odd in ["", "a b", "a\nb", "é", &"x".repeat(MAX_EVENT_ID_BYTES + 1)] {
            let key = ClaimKey::from_signed_id("s", odd);
            assert!(key.as_str().starts_with("s#id-sha256:"), "{key}");
        }
    }

    #[test]
    fn sources_cannot_reach_into_each_other() {
        // '#' can't stand in a source's name, so the first one always ends it.
        assert_ne!(ClaimKey::from_signed_id("a", "b#c"), ClaimKey::from_signed_id("a-b", "c"));
        let of_bytes = |delivery, part| ClaimKey::from_signed_bytes("s", &Sha256Hex::of(b"x"), delivery, part);
        assert_ne!(of_bytes(None, Some(0)), of_bytes(None, Some(1)));
    }

    #[test]
    fn a_delivery_id_is_the_end_of_the_key() {
        let of_bytes = |delivery: &str, part| ClaimKey::from_signed_bytes("s", &Sha256Hex::of(b"x"), Some(delivery), part);
        let longest = "d".repeat(MAX_DELIVERY_ID_BYTES);
        assert!(
            of_bytes("d-1", None).as_str().ends_with("+d-1")
                && of_bytes(&longest, Some(2)).as_str().ends_with(&format!("/2+{longest}"))
        );
        for odd in ["a b", "é", &format!("{longest}d")] {
            assert!(of_bytes(odd, Some(1)).as_str().contains("+sha256:"), "{odd}");
        }
        assert_ne!(of_bytes("a/0", None), of_bytes("a", Some(0)));
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for state in ClaimState::ALL {
            assert_eq!(ClaimState::parse(state.as_str()), Some(*state));
        }
        assert_eq!(ClaimState::parse("lost"), None);
    }
}
