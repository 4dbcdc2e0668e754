//! `debounce` of an emitted action: the events of a burst become one action.

use super::Span;
use serde::{Deserialize, Serialize};

/// The names that a message of a turn's action has besides what its rule emits, which a rule with `debounce` can't emit.
pub const TURN_MESSAGE_NAMES: [&str; 2] = ["event", "at"];

/// How the actions of a rule are collected into turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Debounce {
    /// A CEL expression that gives a text or a whole number: events of one conversation with different values are in
    /// different turns. Default: all events of the conversation are in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    pub terms: TurnTerms,
}

/// When a turn ends: as soon as one of the three says so. A turn keeps the terms under which it opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnTerms {
    /// So long after its latest event, by our clock: 1 s to 15 min.
    pub quiet: Span,
    /// So long after it opened: `quiet` to 15 min.
    pub at_most: Span,
    /// With so many events: 2 to 100.
    pub collect: u32,
}
