//! A verified event and its message.

use tidings_config::limits::MAX_MESSAGE_BYTES;
use tidings_config::time::Timestamp;
use tidings_core::claim::{EventField, Sha256Hex};
use tidings_core::envelope::Envelope;

/// A verified event, or an unreadable part. Only [`events`](super::events) makes it, and only it can be claimed.
#[derive(Debug)]
pub struct VerifiedEvent {
    pub(super) envelope: Envelope,
    pub(super) message: String,
    pub(super) body_sha256: Sha256Hex,
    pub(super) unread: Vec<EventField>,
}

impl VerifiedEvent {
    pub(super) fn new(envelope: Envelope, body_sha256: Sha256Hex) -> Self {
        let message = envelope.encode();
        Self { envelope, message, body_sha256, unread: Vec::new() }
    }

    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// The message to send.
    pub fn into_message(self) -> String {
        self.message
    }

    pub fn body_sha256(&self) -> &Sha256Hex {
        &self.body_sha256
    }

    /// Configured fields that were sent and couldn't be read or written: the envelope doesn't have them.
    pub fn unread(&self) -> &[EventField] {
        &self.unread
    }

    /// The same event, with the time of its first receipt; this receipt becomes the delivered time.
    #[must_use]
    pub fn first_received(mut self, first: Timestamp) -> Self {
        let delivered = self.envelope.receivedtime;
        if delivered != first {
            self.envelope.receivedtime = first;
            self.envelope.deliveredtime = Some(delivered);
            self.message = self.envelope.encode();
        }
        if self.message.len() > MAX_MESSAGE_BYTES {
            // It fits without this field. Its age then counts from its first receipt, as for an event without a claim.
            self.envelope.deliveredtime = None;
            self.message = self.envelope.encode();
        }
        self
    }
}
