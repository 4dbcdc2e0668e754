//! What the bot should do: from the planned effects of an event (a [`PlannedAction`]) to the sent message (an [`Action`]).
//!
//! A planned action follows from its event alone. The [`policy`] decides whether, when and by which channel it is sent.

pub mod capped;
pub mod digest;
mod message;
pub mod outcome;
pub mod policy;
pub mod preferences;
pub mod quiet;
mod stored;
mod turn;

pub use crate::text::in_a_text;
pub use message::{ActionMessage, DigestCount, Notification};
pub use outcome::{ActionKind, ActionNote, ActionOutcome, Became};
pub use policy::{Verdict, Withheld};
pub use preferences::{Preference, Preferences};
pub use tidings_config::text::{Part, Variant};
pub use turn::{ClosedBy, Turn, TurnMessage};

use crate::claim::key::{ClaimKey, Sha256Hex};
use crate::context::{Facts, ItemKey, NODE_REGISTER, Tie};
use crate::text::{Reader, Said, say};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use stored::StoredIntent;
use tidings_config::limits::MAX_DEFERRAL;
use tidings_config::rules::{Cap, CapOverflow, Channel, Priority};
use tidings_config::text::{Rendered, render, texts_of, uses_facts};
use tidings_config::time::Timestamp;

/// The CloudEvents type of a notification.
pub const NOTIFY_TYPE: &str = "tidings.notify";

/// The id of an action: 64 hexadecimal digits. An event gives its actions the same ids in every order and every
/// repetition of processing, and in every conversation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct ActionId(String);

impl ActionId {
    /// `what` is `notify` or `emit`. A rule does each at most once for an event.
    pub fn new(cause: &ClaimKey, rule: &str, what: &str) -> Self {
        // A rule's name can't contain a newline, so the parts can't run together.
        Self(Sha256Hex::of(format!("{what}\n{rule}\n{cause}").as_bytes()).digits().to_owned())
    }

    /// An id that was stored.
    pub fn stored(id: String) -> Self {
        Self(id)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An action that an event caused, before the policy is applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedAction {
    pub id: ActionId,
    pub rule: String,
    /// The entity whose facts the text uses and which the action is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// The event's own time. `None` for a join: several events may complete it, and the first of them depends on arrival.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// Its rank among actions of events with the same time.
    #[serde(default, skip_serializing_if = "Tie::is_default")]
    pub tie: Tie,
    /// Its index among the actions of its event. 0 if the previous version stored it.
    #[serde(default, skip_serializing_if = "is_first")]
    pub nth: u16,
    /// The facts that its event wrote, if the action is skipped once all of them are overwritten.
    #[serde(default, skip_serializing_if = "Wrote::is_empty")]
    pub wrote: Wrote,
    /// What the rule's cap does with notifications that exceed it. Stored separately from the cap, which the previous
    /// version parses strictly.
    #[serde(default, skip_serializing_if = "CapOverflow::is_default")]
    pub overflow: CapOverflow,
    /// When the policy first considered it.
    pub since: Timestamp,
    pub cause: ClaimKey,
    pub priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The values of an emitted action that the provider or the rules wrote, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_provider: Vec<String>,
    pub intent: Intent,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_first(nth: &u16) -> bool {
    *nth == 0
}

/// The registers that an event wrote: facts of the action's entity, and the dialogue node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrote {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub node: bool,
}

impl Wrote {
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && !self.node
    }
}

/// What the action does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredIntent", into = "StoredIntent")]
pub enum Intent {
    Notify {
        text: Vec<Part>,
        /// Texts for a channel, a language or both, other than `text`.
        variants: Vec<Variant>,
        channels: Vec<Channel>,
        cap: Option<Cap>,
    },
    Emit {
        action_type: String,
        data: Value,
    },
}

/// A message for the bot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    pub id: ActionId,
    #[serde(rename = "type")]
    pub action_type: String,
    pub rule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    pub cause: ClaimKey,
    pub priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The names in `data` whose values the provider or the rules wrote. Others are a stranger's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_provider: Vec<String>,
    pub data: Value,
}

impl PlannedAction {
    /// `rule/notify` or `rule/emit`, for timelines.
    pub fn label(&self) -> String {
        format!("{}/{}", self.rule, self.kind().as_str())
    }

    pub fn uses_facts(&self) -> bool {
        match &self.intent {
            Intent::Notify { text, variants, .. } => texts_of(text, variants).any(uses_facts),
            Intent::Emit { .. } => false,
        }
    }

    /// The sort key in the order of events: by the event's own time, or by `since` if it has none.
    pub fn place(&self) -> (Timestamp, Tie, &ClaimKey, u16, &str) {
        (self.time.unwrap_or(self.since), self.tie, &self.cause, self.nth, &self.rule)
    }

    /// The registers that its event wrote, by item.
    pub fn written(&self) -> impl Iterator<Item = (ItemKey, &str)> {
        let entity = self.entity.iter();
        let facts =
            entity.flat_map(|entity| self.wrote.facts.iter().map(|name| (ItemKey::Entity(entity.clone()), name.as_str())));
        facts.chain(self.wrote.node.then_some((ItemKey::Node, NODE_REGISTER)))
    }

    /// Whether other events have overwritten everything that its event wrote, and its rule says to skip it then. Only
    /// a newer event, or one with a higher rung, overwrites a register. A deleted or expired fact still counts as its
    /// last writer's. A fact that was dropped for lack of room isn't overwritten. `facts` gives the facts of an item.
    pub fn is_stale<'f>(&self, facts: impl Fn(&ItemKey) -> Option<&'f Facts>) -> bool {
        let is_taken = |(key, name): (ItemKey, &str)| {
            facts(&key).and_then(|facts| facts.get(name)).is_some_and(|fact| fact.order.key != self.cause)
        };
        !self.wrote.is_empty() && self.written().all(is_taken)
    }

    /// Whether it waited longer than a notification may wait.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now.since(self.since) > MAX_DEFERRAL
    }

    /// The text of a notification, before it is rendered for its channel.
    pub fn said(&self, channel: Option<Channel>, reader: &Reader<'_>) -> Option<Said> {
        match &self.intent {
            Intent::Notify { text, variants, .. } => Some(say(text, variants, channel, reader)),
            Intent::Emit { .. } => None,
        }
    }

    /// The action for this channel. A notification's text is selected and rendered for its reader.
    pub fn action(&self, channel: Option<Channel>, reader: &Reader<'_>) -> Action {
        let (action_type, data) = match &self.intent {
            Intent::Emit { action_type, data } => (action_type.clone(), data.clone()),
            Intent::Notify { text, variants, .. } => {
                (NOTIFY_TYPE.to_owned(), notification(channel, &say(text, variants, channel, reader)).into_data())
            }
        };
        Action { by_provider: self.by_provider.clone(), ..self.caused(self.id.clone(), action_type, data) }
    }

    /// An action of this planned action's event.
    fn caused(&self, id: ActionId, action_type: String, data: Value) -> Action {
        Action {
            id,
            action_type,
            rule: self.rule.clone(),
            subject: self.entity.clone(),
            time: self.time,
            cause: self.cause.clone(),
            priority: self.priority,
            traceparent: self.traceparent.clone(),
            by_provider: Vec::new(),
            data,
        }
    }
}

/// The data of a notification: the text, and what the sender states in the channel's API.
pub fn notification(channel: Option<Channel>, said: &Said) -> Notification {
    let Rendered { text, format, segments, cut } = render(&said.spans, channel);
    Notification { channel, text, format, segments, cut: cut || said.cut, language: said.language.clone(), digest: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_config::rules::Policy;

    fn proposal(parts: Vec<Part>) -> PlannedAction {
        let cause = ClaimKey::new("orders", "e1");
        PlannedAction {
            id: ActionId::new(&cause, "shipped", "notify"),
            rule: "shipped".into(),
            entity: Some("order/1042".into()),
            time: Some(Timestamp::from_unix_ms(1_795_168_800_250)),
            tie: Tie::default(),
            nth: 0,
            wrote: Wrote::default(),
            overflow: CapOverflow::default(),
            since: Timestamp::from_unix_ms(1_795_168_801_000),
            cause,
            priority: Priority::Normal,
            traceparent: None,
            by_provider: Vec::new(),
            intent: Intent::Notify { text: parts, variants: vec![], channels: vec![], cap: None },
        }
    }

    #[test]
    fn an_action_is_the_golden_file() {
        let parts = vec![Part::Words("Your order ".into()), Part::Value("<1042>".into())];
        let action = proposal(parts)
            .action(Some(Channel::Slack), &Reader::new(None, None, &Policy::default(), Timestamp::from_unix_ms(0)));
        let ours: Value = serde_json::from_str(&action.encode("slack:C0SUPPORT1", 7)).unwrap();
        let golden: Value = serde_json::from_str(include_str!("../../../../events/contract/action-v1.json")).unwrap();
        assert_eq!(ours, golden);
    }

    #[test]
    fn ids_follow_from_event_rule_and_kind() {
        let key = ClaimKey::new("orders", "e1");
        let id = ActionId::new(&key, "shipped", "notify");
        assert_eq!(id, ActionId::new(&key, "shipped", "notify"));
        for other in [
            ActionId::new(&key, "shipped", "emit"),
            ActionId::new(&key, "delivered", "notify"),
            ActionId::new(&ClaimKey::new("orders", "e2"), "shipped", "notify"),
        ] {
            assert_ne!(id, other);
        }
        assert_eq!(id.as_str().len(), 64, "SQS takes 128 characters as a deduplication id");
    }
}
