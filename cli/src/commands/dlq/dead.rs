//! A message of the dead-letter queue, and the result of a walk through the queue.

use crate::stack::Letter;
use serde::Serialize;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;

/// A message of the queue, and what is known of its event.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Dead {
    pub(super) key: Option<ClaimKey>,
    pub(super) source: String,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    pub(super) conversation: Option<String>,
    pub(super) reason: String,
    /// When it was dead-lettered; if that wasn't recorded, when it was sent.
    pub(super) at: Option<Timestamp>,
    pub(super) received: Option<Timestamp>,
    /// Received so long ago that its claim may be deleted: the processor would dead-letter it again, as expired.
    pub(super) too_old: bool,
    #[serde(skip)]
    pub(super) letter: Letter,
}

/// The result of a walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct WalkSummary {
    /// Number of messages that were read.
    pub(super) seen: usize,
    /// Number of these that match the filter.
    pub(super) matched: usize,
    /// Whether the walk ended before the end of the queue.
    pub(super) stopped: bool,
}
