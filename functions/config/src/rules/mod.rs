//! Rules: event → condition → effects. The format is stable; later versions only add to it.
//!
//! All effects of an event follow from the event alone (its envelope, its payload, and the objects that a rule
//! fetches for it), never from earlier state. Therefore the same events have the same effects in every order of
//! arrival.

mod again;
mod api;
mod debounce;
mod ladder;
mod pattern;
mod policy;
mod reminder;
mod span;
mod text;

pub use again::Again;
pub use api::{Api, Enrich, IfGone, SentAs};
pub use debounce::{Debounce, TURN_MESSAGE_NAMES, TurnTerms};
pub use ladder::Ladder;
pub use pattern::TypePattern;
pub use policy::{Cap, CapOverflow, Channel, ClockEnd, ClockTime, Day, OptIn, Policy, QuietHours};
pub use reminder::Reminder;
pub use span::Span;
pub use text::{Chosen, FetchPath, Given, PathPart, Source, Text, TextPart, TextPlace, Texts, What, gives_prose, language_tag};

use super::OneOrMany;
use crate::words;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `rules.yaml` as the processor uses it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Whose conversation an event belongs to: the first entry that matches the event and has a value.
    pub conversations: Vec<ConversationRule>,
    /// When and how a notification may be sent.
    #[serde(default)]
    pub policy: Policy,
    /// APIs that rules may fetch from, by name.
    #[serde(default)]
    pub apis: BTreeMap<String, Api>,
    /// All rules. Every rule that matches an event is applied, in this order.
    pub rules: Vec<Rule>,
    #[serde(default)]
    pub joins: Vec<Join>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversationRule {
    pub on: OneOrMany<TypePattern>,
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub source: OneOrMany<String>,
    pub whose: Whose,
}

/// A CEL expression that gives a text. If it gives `null` or an empty text, the next entry is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The name of the conversation.
    Conversation(String),
    /// An identity. A link names its conversation, now or later.
    Identity(String),
}

impl Whose {
    pub fn expression(&self) -> &str {
        match self {
            Self::Conversation(text) | Self::Identity(text) => text,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub name: String,
    pub on: OneOrMany<TypePattern>,
    /// Only events of these sources match. Default: all sources.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub source: OneOrMany<String>,
    /// A CEL expression that gives `true` for events that match. Default: all events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// An object that is fetched before anything else is evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrich: Option<Enrich>,
    /// CEL expressions that give identities of the event's conversation.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub link: OneOrMany<String>,
    /// What happens to the rule's actions if all facts that it sets are already newer.
    #[serde(default)]
    pub if_stale: IfStale,
    pub effects: Effects,
}

/// The effects of a rule, or of a branch of a join.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Effects {
    /// A CEL expression that gives the entity of the facts. Default: the event's subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// Facts by name. `null` leaves a fact unchanged.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Assignment>,
    /// Facts to delete. Deletions follow the order of events like other changes.
    #[serde(skip_serializing_if = "OneOrMany::is_empty")]
    pub unset: OneOrMany<String>,
    /// What is done to facts by value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<ValueEffect, BTreeMap<String, String>>,
    /// The dialogue node to go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goto: Option<String>,
    pub priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emit: Option<Emit>,
    /// The values that the provider or the author wrote, and the sources of whose events that holds (`*`: of all), as
    /// [`place`] names them. `tidings build` finds them. Other values are a stranger's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub by_provider: BTreeMap<String, OneOrMany<String>>,
}

/// The name of a value in [`Effects::by_provider`]: `set.status`, `count.visits`, `emit.amount`.
pub fn place(word: &str, name: &str) -> String {
    format!("{word}.{name}")
}

impl Effects {
    /// The sources of whose events a value is the provider's: none, if it is a stranger's.
    pub fn provider_of(&self, word: &str, name: &str) -> OneOrMany<String> {
        if self.by_provider.is_empty() {
            return OneOrMany::default();
        }
        self.by_provider.get(&place(word, name)).cloned().unwrap_or_default()
    }

    /// Whether it changes facts. Then it needs an entity.
    pub fn changes_facts(&self) -> bool {
        self.facts() > 0
    }

    /// How many facts it changes.
    pub fn facts(&self) -> usize {
        self.set.len() + self.unset.0.len() + self.values.values().map(BTreeMap::len).sum::<usize>()
    }

    /// Whether all its effects can turn out to be stale, if the event is old.
    pub fn can_be_stale(&self) -> bool {
        !(self.set.is_empty() && self.unset.is_empty()) || self.goto.is_some()
    }

    pub fn acts(&self) -> bool {
        self.notify.is_some() || self.emit.is_some()
    }

    pub fn is_empty(&self) -> bool {
        !self.changes_facts() && self.goto.is_none() && !self.acts()
    }
}

words! {
    /// An effect on facts by name, each with a CEL expression that gives its value.
    #[derive(PartialOrd, Ord)]
    ValueEffect {
        /// Adds a whole number to a counter.
        Count = "count",
        /// Adds an element to a set.
        Add = "add",
        /// Removes an element from a set.
        Remove = "remove",
    }
}

/// The new value of a fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// A CEL expression.
    pub value: String,
    /// How long the fact is valid after the event's time. Default: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Span>,
    /// The allowed values of a fact that never goes down. Default: the newest event decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Ladder>,
}

/// A text for the person of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    pub text: Texts,
    /// The only allowed channels. Default: the channels that the person and the policy prefer.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub channels: OneOrMany<Channel>,
    /// A cap for each conversation, in addition to the policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
    /// When it is made. Default: at once. Only a rule has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminder: Option<Reminder>,
}

/// The CloudEvents type of an emitted action that names the result of its event, for status URLs: `data.location`.
pub const RESULT_TYPE: &str = "tidings.result";

/// An action for the chatbot's engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emit {
    /// The CloudEvents type of the action.
    #[serde(rename = "type")]
    pub action_type: String,
    /// Its data by name, as CEL expressions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
    /// Collects the events of a burst into one action. Default: each event has its own. Only a rule has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debounce: Option<Debounce>,
    /// When it is made. Default: at once. Only a rule has it, without `debounce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminder: Option<Reminder>,
}

/// The priority of an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Withheld (shed) while events wait too long.
    Low,
    #[default]
    Normal,
    /// Sent in quiet hours too, and beyond caps.
    Urgent,
}

/// What happens to a rule's actions if all facts that it sets are already newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IfStale {
    /// They are sent: an event has the same effects in every order of arrival.
    #[default]
    Run,
    /// They are recorded as stale and not sent.
    Skip,
}

/// Several events that belong together: `then` applies when all have happened within a period, `else` when they haven't.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    pub name: String,
    /// The legs. The join belongs to the conversation of the first leg's event.
    pub all: Vec<Leg>,
    /// The longest period between the events' times.
    pub within: Span,
    /// Whether the join opens again after it ended.
    #[serde(default, skip_serializing_if = "Again::is_never")]
    pub again: Again,
    pub then: Effects,
    #[serde(rename = "else", default, skip_serializing_if = "Effects::is_empty")]
    pub otherwise: Effects,
}

/// One of the events of a join.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leg {
    pub on: OneOrMany<TypePattern>,
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub source: OneOrMany<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// A CEL expression that gives the value that the events have in common: a text or a whole number.
    pub by: String,
}

/// Whether a list of patterns and sources matches an event.
pub fn is_about(on: &OneOrMany<TypePattern>, sources: &OneOrMany<String>, source: &str, event_type: &str) -> bool {
    (sources.is_empty() || sources.0.iter().any(|s| s == source)) && on.0.iter().any(|p| p.matches(event_type))
}

/// Whether the text is a valid name of a fact, a node, a rule or a join.
pub fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 64
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}
