//! Rules: event → condition → effects. The format is final; what comes later only adds to it.
//!
//! Everything that an event causes follows from the event alone (its envelope and its payload, and what a rule fetches because
//! of it), never from what came before it. That is why the same events cause the same in every order of arrival.

mod again;
mod api;
mod ladder;
mod pattern;
mod policy;
mod span;
mod text;

pub use again::Again;
pub use api::{Api, Enrich, IfGone, SentAs};
pub use ladder::Ladder;
pub use pattern::TypePattern;
pub use policy::{Cap, CapOverflow, Channel, ClockEnd, ClockTime, Day, OptIn, Policy, QuietHours};
pub use span::Span;
pub use text::{Chosen, FetchPath, Given, PathPart, Source, Text, TextPart, TextPlace, Texts, What, gives_prose, language_tag};

use super::OneOrMany;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `rules.yaml` as the processor runs it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Whose an event is: the first that is about the event and has a value.
    pub conversations: Vec<ConversationRule>,
    /// When a notification may be sent, and how.
    #[serde(default)]
    pub policy: Policy,
    /// Where rules may fetch from, by name.
    #[serde(default)]
    pub apis: BTreeMap<String, Api>,
    /// All that are about the event, in this order.
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

/// A CEL expression that gives a text; `null` or an empty text lets the next entry try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The conversation itself.
    Conversation(String),
    /// Somebody whose conversation a link tells, now or later.
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
    /// Only events of these sources; all if it is left out.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub source: OneOrMany<String>,
    /// A CEL expression that gives `true` for the events that the rule is about; all if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What is fetched before anything else is worked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrich: Option<Enrich>,
    /// CEL expressions that give identities of the event's conversation.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub link: OneOrMany<String>,
    /// What becomes of the rule's actions where all that it sets is newer already.
    #[serde(default)]
    pub if_stale: IfStale,
    pub effects: Effects,
}

/// What a rule does, or a branch of a join.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Effects {
    /// A CEL expression that gives the entity of the facts; the event's subject if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// Facts by name. `null` leaves a fact as it is.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Assignment>,
    /// Facts to forget, by event order like any other change.
    #[serde(skip_serializing_if = "OneOrMany::is_empty")]
    pub unset: OneOrMany<String>,
    /// Counters by name, as CEL expressions that give a whole number to add.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub count: BTreeMap<String, String>,
    /// Sets by name, as CEL expressions that give the element to put in.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub add: BTreeMap<String, String>,
    /// Sets by name, as CEL expressions that give the element to take out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub remove: BTreeMap<String, String>,
    /// The dialogue node to go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goto: Option<String>,
    pub priority: Priority,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emit: Option<Emit>,
}

impl Effects {
    /// Whether it changes facts, and so needs an entity.
    pub fn changes_facts(&self) -> bool {
        !(self.set.is_empty() && self.unset.is_empty() && self.count.is_empty() && self.add.is_empty() && self.remove.is_empty())
    }

    /// Whether an older event may find all of it newer already.
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

/// What a fact becomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// A CEL expression.
    pub value: String,
    /// How long after the event the fact is known; for good if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Span>,
    /// The values that it may have, if it never goes down. The newest event has it if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Ladder>,
}

/// A text for the person behind the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    pub text: Texts,
    /// Only by these; by whatever the person and the policy prefer if it is left out.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub channels: OneOrMany<Channel>,
    /// For each conversation, beside the policy's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Cap>,
}

/// Something for the chatbot's engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emit {
    /// The CloudEvents type of the action.
    #[serde(rename = "type")]
    pub action_type: String,
    /// Its data by name, as CEL expressions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
}

/// How much an action matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Shed while events wait too long.
    Low,
    #[default]
    Normal,
    /// Passes quiet hours and caps.
    Urgent,
}

/// What becomes of a rule's actions where all that it sets is newer already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IfStale {
    /// They are sent all the same: what an event causes is the same in every order of arrival.
    #[default]
    Run,
    /// They are recorded as stale, and not sent.
    Skip,
}

/// Several events that belong together: `then` when all have happened within a time, `else` when they haven't.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    pub name: String,
    /// The first one's conversation is the join's.
    pub all: Vec<Leg>,
    /// How far apart the events' times may be.
    pub within: Span,
    /// Whether it opens again after an end.
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
    /// A CEL expression that gives what the events have in common: a text or a whole number.
    pub by: String,
}

/// Whether a list of patterns and sources is about an event.
pub fn is_about(on: &OneOrMany<TypePattern>, sources: &OneOrMany<String>, source: &str, event_type: &str) -> bool {
    (sources.is_empty() || sources.0.iter().any(|s| s == source)) && on.0.iter().any(|p| p.matches(event_type))
}

/// Whether a fact, a node, a rule or a join may have this name.
pub fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 64
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}
