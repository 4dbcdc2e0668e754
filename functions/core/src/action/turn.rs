//! The data of an action that stands for the events of a turn.

use crate::claim::ClaimKey;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidings_config::time::Timestamp;

/// The data of an action whose rule has `debounce`: the events of one turn.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Turn {
    /// One for each event, in the order of events: 1 to 100.
    pub messages: Vec<TurnMessage>,
    /// When the first of them came.
    pub opened: Timestamp,
    /// What ended the turn.
    pub closed_by: ClosedBy,
}

/// An event of a turn, with what the rule emits for it beside these names.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct TurnMessage {
    /// The claim key of the event.
    pub event: ClaimKey,
    /// When the event happened.
    pub at: Timestamp,
    #[serde(flatten)]
    pub data: Map<String, Value>,
}

/// What ends a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClosedBy {
    /// No event came for so long.
    Quiet,
    /// It was open for so long.
    AtMost,
    /// It had so many events.
    Collect,
    /// With one more event it would have been too large.
    Size,
}

impl Turn {
    pub(crate) fn into_data(self) -> Value {
        serde_json::to_value(self).expect("a turn has string keys and holds only JSON")
    }

    /// The names in the data whose values the provider or the rules wrote: our own, and `messages.NAME` for a value that
    /// is theirs in each event.
    pub(crate) fn by_provider(of_each_event: &[String]) -> Vec<String> {
        let own = ["closed_by", "opened"].map(str::to_owned);
        own.into_iter().chain(of_each_event.iter().map(|name| format!("messages.{name}"))).collect()
    }
}
