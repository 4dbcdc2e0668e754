//! An alarm and its state in CloudWatch.

use serde::Serialize;
use tidings_config::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Alarm,
    InsufficientData,
    /// The stack has the alarm, but CloudWatch doesn't.
    Missing,
    Ok,
}

/// An alarm as CloudWatch reports it, under the template's name.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) alarm: String,
    pub(super) state: State,
    pub(super) since: Option<Timestamp>,
    pub(super) reason: String,
}
