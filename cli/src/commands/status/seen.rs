//! An alarm as CloudWatch has it.

use serde::Serialize;
use tidings_config::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Alarm,
    InsufficientData,
    /// The stack has it, and CloudWatch hasn't.
    Missing,
    Ok,
}

/// An alarm as CloudWatch tells of it, by the template's name.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) alarm: String,
    pub(super) state: State,
    pub(super) since: Option<Timestamp>,
    pub(super) reason: String,
}
