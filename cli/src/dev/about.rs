//! The addresses of a running `dev` and the time of its clock, for its clients.

use super::clock::WorkClock;
use crate::dev_client::about::Known;
use std::sync::{Arc, OnceLock};
use tidings_config::time::{Clock, Timestamp};

/// The addresses of a `dev`, and its clock.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) aws: String,
    /// Set before the server accepts requests there.
    pub(crate) webhooks: OnceLock<String>,
    pub(crate) clock: Arc<WorkClock>,
    /// When this process started, by that clock.
    pub(crate) started: Timestamp,
}

impl About {
    pub(crate) fn known(&self) -> Known {
        Known {
            webhooks: self.webhooks.get().cloned().unwrap_or_default(),
            aws: self.aws.clone(),
            now: self.clock.now(),
            started: Some(self.started),
            ahead_seconds: self.clock.ahead().as_secs(),
        }
    }
}
