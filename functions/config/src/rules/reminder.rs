//! `at` of an action: it is made at a time that its event names, and a later event moves or cancels it.

use super::{OneOrMany, Span, TypePattern};
use serde::{Deserialize, Serialize};

/// When an action of a rule is made, if not at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reminder {
    /// A CEL expression that gives a time with an offset, or seconds or milliseconds since 1970. `null`, or a missing
    /// value: no date, and a reminder that waits is cancelled.
    pub at: String,
    /// How long before that time the action is made, up to 366 days. Default: at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Span>,
    /// A CEL expression that gives a text or a whole number: events of one conversation with different values have
    /// different reminders. Default: the conversation has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Types of events, of the rule's sources, that cancel it.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub unless: OneOrMany<TypePattern>,
}
