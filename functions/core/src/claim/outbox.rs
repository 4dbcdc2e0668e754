//! An event that its claim keeps until it is processed (`durability: outbox`): its message, and its place in the index by
//! which a sweep finds it.
//!
//! Promises: a kept message has at most [`MAX_OUTBOX_EVENT_BYTES`]; its Debug leaves out the payload. A claim is in the
//! index only while it is `received`.

use super::{ClaimKey, Sha256Hex};
use crate::envelope::{DecodeError, Envelope};
use std::fmt;
use tidings_config::limits::{MAX_OUTBOX_EVENT_BYTES, OUTBOX_PARTITIONS};
use tidings_config::time::Timestamp;

/// The message of a kept event, as it would be queued.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxMessage(String);

impl OutboxMessage {
    /// `None`: it is too large to be kept.
    pub fn of(message: &str) -> Option<Self> {
        (message.len() <= MAX_OUTBOX_EVENT_BYTES).then(|| Self(message.to_owned()))
    }

    /// A message as stored.
    pub fn stored(message: String) -> Self {
        Self(message)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The message that a sweep sends. It says that it is sent again, so the processor reads the claim first, and a copy
    /// of an event that has its effect costs no write. Errors: its version may be one that this build doesn't read.
    pub fn sent_again(&self, now: Timestamp) -> Result<String, DecodeError> {
        let mut envelope = Envelope::decode(&self.0)?;
        envelope.deliveredtime = Some(now);
        Ok(envelope.encode())
    }
}

impl fmt::Debug for OutboxMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutboxMessage({} bytes)", self.0.len())
    }
}

/// A claim in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    pub key: ClaimKey,
    pub received: Timestamp,
}

/// The index's partition of a claim.
pub fn outbox_partition(key: &ClaimKey) -> u8 {
    let hash = Sha256Hex::of(key.as_str().as_bytes());
    u8::from_str_radix(hash.digits().get(..2).unwrap_or_default(), 16).unwrap_or_default() % OUTBOX_PARTITIONS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_message_is_kept_up_to_its_bound_and_never_shown() {
        let message = "x".repeat(MAX_OUTBOX_EVENT_BYTES);
        assert_eq!(format!("{:?}", OutboxMessage::of(&message).unwrap()), "OutboxMessage(262144 bytes)");
        assert_eq!(OutboxMessage::of(&format!("{message}x")), None);
    }

    #[test]
    fn claims_are_spread_over_all_partitions() {
        let seen: BTreeSet<u8> = (0..200).map(|n| outbox_partition(&ClaimKey::from(format!("a#{n}")))).collect();
        assert_eq!(seen, (0..OUTBOX_PARTITIONS).collect());
    }
}
