//! What the bot should do now: from what an event caused (a [`PlannedAction`]) to what is sent (an [`Action`]).
//!
//! A proposal follows from its event alone. Whether, when and by which channel it is sent is the [`policy`]'s to say.

pub mod digest;
mod message;
pub mod outcome;
pub mod policy;
pub mod preferences;
pub mod quiet;
mod stored;
pub mod turns;

pub use crate::text::in_a_text;
pub use message::{ActionMessage, DigestCount, Notification};
pub use outcome::{ActionKind, ActionNote, ActionOutcome, Became};
pub use policy::{Verdict, Withheld};
pub use preferences::{Preference, Preferences};
pub use tidings_config::text::{Part, Variant};

use crate::claim::key::{ClaimKey, Sha256Hex};
use crate::context::{Facts, ItemKey, NODE_REGISTER, Tie};
use crate::text::{Reader, Said, say};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use stored::StoredIntent;
use tidings_config::limits::MAX_DEFERRAL;
use tidings_config::rules::{Cap, CapOverflow, Channel, Priority};
use tidings_config::text::{Rendered, render, tells_facts, texts_of};
use tidings_config::time::Timestamp;

/// The CloudEvents type of a notification.
pub const NOTIFY_TYPE: &str = "tidings.notify";

/// The identity of an action: 64 hexadecimal digits. The same event gives the same id, in whatever order and however often it is
/// processed, and whichever conversation it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct ActionId(String);

impl ActionId {
    /// `what` is `notify` or `emit`: a rule does either once for an event.
    pub fn new(cause: &ClaimKey, rule: &str, what: &str) -> Self {
        // A newline is in no rule's name, so parts can't run into one another.
        Self(Sha256Hex::of(format!("{what}\n{rule}\n{cause}").as_bytes()).digits().to_owned())
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

/// What an event caused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedAction {
    pub id: ActionId,
    pub rule: String,
    /// Whose facts a text tells of, and what the action is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// The event's own time. A join has none: several events may complete it, and which did first is a matter of arrival.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// Its place among those of events of the same time.
    #[serde(default, skip_serializing_if = "Tie::is_default")]
    pub tie: Tie,
    /// Its place among those of its event. 0 for what was stored by the version before.
    #[serde(default, skip_serializing_if = "is_first")]
    pub nth: u16,
    /// What its event wrote, if it is to be skipped when all of that is newer already.
    #[serde(default, skip_serializing_if = "Wrote::is_empty")]
    pub wrote: Wrote,
    /// What the cap of its rule does with those that it has no room for. Beside the cap, which the version before reads strictly.
    #[serde(default, skip_serializing_if = "CapOverflow::is_default")]
    pub overflow: CapOverflow,
    /// When it was first looked at.
    pub since: Timestamp,
    pub cause: ClaimKey,
    pub priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    pub intent: Intent,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_first(nth: &u16) -> bool {
    *nth == 0
}

/// Registers that an event wrote: facts of its proposal's entity, and where the dialogue stands.
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

/// What it is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredIntent", into = "StoredIntent")]
pub enum Intent {
    Notify {
        text: Vec<Part>,
        /// Others than `text`, for a channel, a language or both.
        variants: Vec<Variant>,
        channels: Vec<Channel>,
        cap: Option<Cap>,
    },
    Emit {
        action_type: String,
        data: Value,
    },
}

/// What is sent.
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
    pub data: Value,
}

impl PlannedAction {
    /// `rule/notify` or `rule/emit`, for timelines.
    pub fn label(&self) -> String {
        format!("{}/{}", self.rule, self.kind().as_str())
    }

    pub fn tells_facts(&self) -> bool {
        match &self.intent {
            Intent::Notify { text, variants, .. } => texts_of(text, variants).any(tells_facts),
            Intent::Emit { .. } => false,
        }
    }

    /// In the order of events: by their own time or, where it has none, by when it was first looked at.
    pub fn place(&self) -> (Timestamp, Tie, &ClaimKey, u16, &str) {
        (self.time.unwrap_or(self.since), self.tie, &self.cause, self.nth, &self.rule)
    }

    /// What its event wrote, by item and register.
    pub fn written(&self) -> impl Iterator<Item = (ItemKey, &str)> {
        let entity = self.entity.iter();
        let facts =
            entity.flat_map(|entity| self.wrote.facts.iter().map(|name| (ItemKey::Entity(entity.clone()), name.as_str())));
        facts.chain(self.wrote.node.then_some((ItemKey::Node, NODE_REGISTER)))
    }

    /// Whether all that its event wrote is another's by now, and its rule says to skip it then. Only a newer event, or one that
    /// reached a higher rung, takes a register over. What is forgotten or expired is still whose it was; what isn't there any
    /// more had no room, and is nobody else's. `facts` gives those of an item.
    pub fn is_stale<'f>(&self, facts: impl Fn(&ItemKey) -> Option<&'f Facts>) -> bool {
        let is_taken = |(key, name): (ItemKey, &str)| {
            facts(&key).and_then(|facts| facts.get(name)).is_some_and(|fact| fact.order.key != self.cause)
        };
        !self.wrote.is_empty() && self.written().all(is_taken)
    }

    /// Whether it waited so long that nobody wants it any more.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now.since(self.since) > MAX_DEFERRAL
    }

    /// What a notification says to somebody, before it is written for its channel.
    pub fn said(&self, channel: Option<Channel>, reader: &Reader<'_>) -> Option<Said> {
        match &self.intent {
            Intent::Notify { text, variants, .. } => Some(say(text, variants, channel, reader)),
            Intent::Emit { .. } => None,
        }
    }

    /// The action by this channel. A notification's text is chosen and written for its reader.
    pub fn action(&self, channel: Option<Channel>, reader: &Reader<'_>) -> Action {
        let (action_type, data) = match &self.intent {
            Intent::Emit { action_type, data } => (action_type.clone(), data.clone()),
            Intent::Notify { text, variants, .. } => {
                (NOTIFY_TYPE.to_owned(), notification(channel, &say(text, variants, channel, reader)).into_data())
            }
        };
        self.caused(self.id.clone(), action_type, data)
    }

    /// An action of this proposal's event.
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
            data,
        }
    }
}

/// The data of a notification: the text, and what a sender has to say to the channel's API about it.
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
