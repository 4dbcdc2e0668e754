//! The addresses of a running `dev` and the time of its clock, for its clients.

use super::clock::WorkClock;
use crate::dev_client::about::Known;
use std::sync::{Arc, OnceLock};
use tidings_config::time::Clock;

/// The addresses of a `dev`, and its clock.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) aws: String,
    /// Set before the server accepts requests there.
    pub(crate) webhooks: OnceLock<String>,
    pub(crate) clock: Arc<WorkClock>,
}

impl About {
    pub(crate) fn known(&self) -> Known {
        Known {
            webhooks: self.webhooks.get().cloned().unwrap_or_default(),
            aws: self.aws.clone(),
            now: self.clock.now(),
            ahead_seconds: self.clock.ahead().as_secs(),
        }
    }
}
