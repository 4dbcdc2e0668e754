//! An event stored with its claim, for replays: its envelope as it was in its message.
//!
//! Promises: a stored event is at most [`MAX_STORED_EVENT_BYTES`]; its Debug leaves out the payload.

use crate::claim::Claim;
use crate::envelope::{DecodeError, Envelope};
use serde_json::Value;
use std::fmt;
use tidings_config::limits::MAX_STORED_EVENT_BYTES;

/// An envelope as compact JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredEvent(String);

impl StoredEvent {
    /// `None`: it is too large to be stored.
    pub fn of(envelope: &Envelope) -> Option<Self> {
        Some(envelope.encode()).filter(|json| json.len() <= MAX_STORED_EVENT_BYTES).map(Self)
    }

    /// An event as stored.
    pub fn stored(json: String) -> Self {
        Self(json)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The envelope. Errors: its version may be one that this build doesn't read.
    pub fn envelope(&self) -> Result<Envelope, DecodeError> {
        Envelope::decode(&self.0)
    }
}

impl Claim {
    /// The claim as JSON, with its stored event as `event`.
    pub fn with_event(&self, event: Option<&StoredEvent>) -> Value {
        let mut json = serde_json::to_value(self).expect("it has string keys and holds only JSON");
        if let Some(event) = event {
            json["event"] = serde_json::from_str(event.as_str()).unwrap_or_else(|_| Value::from(event.as_str()));
        }
        json
    }
}

impl fmt::Debug for StoredEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredEvent({} bytes)", self.0.len())
    }
}
