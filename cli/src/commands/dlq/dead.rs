//! A message of the dead-letter queue, and what a walk through it came to.

use crate::stack::Letter;
use serde::Serialize;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;

/// A message of the queue and what is known of its event.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Dead {
    pub(super) key: Option<ClaimKey>,
    pub(super) source: String,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    pub(super) conversation: Option<String>,
    pub(super) reason: String,
    /// When it died; when it was sent, if nobody recorded that.
    pub(super) at: Option<Timestamp>,
    pub(super) received: Option<Timestamp>,
    /// Its claim may be gone by now, so that the processor would park it again.
    pub(super) too_old: bool,
    #[serde(skip)]
    pub(super) letter: Letter,
}

/// What a walk came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Walked {
    /// Messages that were looked at.
    pub(super) seen: usize,
    /// Of these, what the filter takes.
    pub(super) matched: usize,
    /// Whether it ended before the queue did.
    pub(super) stopped: bool,
}
