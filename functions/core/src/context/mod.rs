//! The context of a conversation: state that is the same for every order in which its events arrive.
//!
//! A fact is a last-writer-wins register, a counter or a set. One context item holds the facts of one entity
//! (`entity#order/1042`), or the dialogue node (`node`, a register as well). Merging is commutative and associative,
//! and each event is merged once, which its claim ensures. Therefore any permutation of a set of events, with any
//! duplicates, gives the same context.
//!
//! The same partition also holds: actions to be sent (`outbox`, with full pages in `outbox#…`), deferred
//! notifications (`deferred`), the linked identities (`identity#…`) and, with the feed, its updates (`updates`, with
//! pages in `update#…`). Partitions of their own hold an identity's `link`, a waiting `join`, a `turn` and a `reminder`.

mod answer;
mod deferred;
mod deliveries;
mod ending;
mod fact;
mod feed;
mod fit;
mod join;
mod link;
mod merge;
mod moving;
mod order;
mod outbox;
mod reminder;
mod turn;

pub use answer::{ContextAnswer, Details, FactDetail};
pub use deferred::{Deferred, Waits};
pub use deliveries::Deliveries;
pub use ending::{Combination, End, Next, Openings, Terms, is_late};
pub use fact::{Fact, FactKind, Facts, Member};
pub use feed::{Changed, Feed, FeedPage, FeedRead, FeedSlice, News, NotAppended, Part, Stream, Update, UpdateKind};
pub use fit::{Dropped, Loss, fit};
pub use join::{Branch, JoinState, Seen, Taken, join_cause, join_order, join_partition};
pub use link::{Link, Linked, Owner};
pub use merge::{Change, Changes, Merged};
pub use moving::{Moved, moved};
pub use order::{Order, Tie};
pub use outbox::{Outbox, Outgoing, Page, Put, Waiting};
pub use reminder::{Reminder, ReminderState, Seeing, reminder_partition};
pub use turn::{Collected, EndedTurn, Turn, TurnEvent, TurnState, turn_cause, turn_partition};

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use tidings_config::limits::{CLAIM_LIFETIME, FEED_KEPT};
use tidings_config::time::Timestamp;

/// The sort key of a context item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKey {
    /// Deferred notifications.
    Deferred,
    /// The number of events with one body.
    Deliveries,
    /// The facts of one entity.
    Entity(String),
    /// The latest updates of the feed. Its key sorts after all others, so what others read isn't more with it.
    Feed,
    /// A page of the feed, by the number of its last update.
    FeedPage(u64),
    /// An identity that is linked to this conversation.
    Identity(String),
    /// A join that waits or has ended.
    Join,
    /// The conversation that this identity is linked to.
    Link,
    /// The dialogue node.
    Node,
    /// Actions to be sent.
    Outbox,
    /// A full page of the outbox, by the sequence of its first action.
    OutboxPage(u64),
    /// A turn of a rule.
    Turn,
    /// A reminder of a rule.
    Reminder,
}

impl ItemKey {
    pub fn parse(sort_key: &str) -> Option<Self> {
        match (sort_key.split_once('#'), sort_key) {
            (Some(("entity", entity)), _) => Some(Self::Entity(entity.to_owned())),
            (Some(("identity", identity)), _) => Some(Self::Identity(identity.to_owned())),
            (Some(("outbox", first)), _) => first.parse().ok().map(Self::OutboxPage),
            (Some(("update", last)), _) => last.parse().ok().map(Self::FeedPage),
            (None, "deferred") => Some(Self::Deferred),
            (None, "deliveries") => Some(Self::Deliveries),
            (None, "join") => Some(Self::Join),
            (None, "link") => Some(Self::Link),
            (None, "node") => Some(Self::Node),
            (None, "outbox") => Some(Self::Outbox),
            (None, "reminder") => Some(Self::Reminder),
            (None, "turn") => Some(Self::Turn),
            (None, "updates") => Some(Self::Feed),
            (Some(_) | None, _) => None,
        }
    }

    /// The identity that is linked here, if the key is one's.
    pub fn identity(&self) -> Option<&str> {
        match self {
            Self::Identity(identity) => Some(identity),
            Self::Deferred
            | Self::Deliveries
            | Self::Entity(_)
            | Self::Feed
            | Self::FeedPage(_)
            | Self::Join
            | Self::Link
            | Self::Node
            | Self::Outbox
            | Self::OutboxPage(_)
            | Self::Reminder
            | Self::Turn => None,
        }
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entity(entity) => write!(f, "entity#{entity}"),
            Self::Identity(identity) => write!(f, "identity#{identity}"),
            Self::Join => f.write_str("join"),
            Self::Link => f.write_str("link"),
            Self::Node => f.write_str("node"),
            Self::Outbox => f.write_str("outbox"),
            // The most digits of a number, so that texts sort as numbers do.
            Self::OutboxPage(first) => write!(f, "outbox#{first:020}"),
            // Pages sort before their head: one query reads both.
            Self::Feed => f.write_str("updates"),
            Self::FeedPage(last) => write!(f, "update#{last:020}"),
            Self::Deferred => f.write_str("deferred"),
            Self::Deliveries => f.write_str("deliveries"),
            Self::Turn => f.write_str("turn"),
            Self::Reminder => f.write_str("reminder"),
        }
    }
}

/// The place of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// A conversation, an identity without a link, a join, or the turns or reminders of a rule.
    pub partition: String,
    pub key: ItemKey,
}

impl Place {
    pub fn new(partition: impl Into<String>, key: ItemKey) -> Self {
        Self { partition: partition.into(), key }
    }
}

/// The only register of the item [`ItemKey::Node`].
pub const NODE_REGISTER: &str = "node";

/// The entity of a person's preferences: see [`crate::action::Preference`].
pub const PREFERENCES: &str = "preferences";

/// One context item as read. Its version is the condition of the next write.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// `None`: the item doesn't exist yet.
    pub version: Option<u64>,
    pub content: Content,
}

/// The content of an item.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Deferred(Deferred),
    Deliveries(Deliveries),
    Facts(Facts),
    Feed(Feed),
    FeedPage(FeedPage),
    Join(JoinState),
    Link(Link),
    Outbox(Outbox),
    OutboxPage(Page),
    Turn(TurnState),
    Reminder(ReminderState),
}

impl Item {
    /// A new item, which isn't stored yet.
    pub fn new(content: Content) -> Self {
        Self { version: None, content }
    }

    /// The facts, if the item has facts.
    pub fn facts(&self) -> Option<&Facts> {
        match &self.content {
            Content::Facts(facts) => Some(facts),
            Content::Deferred(_)
            | Content::Deliveries(_)
            | Content::Feed(_)
            | Content::FeedPage(_)
            | Content::Join(_)
            | Content::Link(_)
            | Content::Outbox(_)
            | Content::OutboxPage(_)
            | Content::Reminder(_)
            | Content::Turn(_) => None,
        }
    }
}

impl Content {
    /// As JSON.
    pub fn encode(&self) -> String {
        let json = match self {
            Self::Facts(facts) => serde_json::to_string(facts),
            Self::Feed(feed) => serde_json::to_string(feed),
            Self::FeedPage(page) => serde_json::to_string(page),
            Self::Join(join) => serde_json::to_string(join),
            Self::Link(link) => serde_json::to_string(link),
            Self::Outbox(outbox) => serde_json::to_string(outbox),
            Self::OutboxPage(page) => serde_json::to_string(page),
            Self::Deferred(deferred) => serde_json::to_string(deferred),
            Self::Deliveries(deliveries) => serde_json::to_string(deliveries),
            Self::Turn(turn) => serde_json::to_string(turn),
            Self::Reminder(reminder) => serde_json::to_string(reminder),
        };
        json.expect("content has string keys and holds only JSON")
    }

    /// Parses an item. `None`: the JSON doesn't fit the key.
    pub fn decode(key: &ItemKey, json: &str) -> Option<Self> {
        match key {
            ItemKey::Entity(_) | ItemKey::Node => serde_json::from_str(json).ok().map(Self::Facts),
            ItemKey::Feed => serde_json::from_str(json).ok().map(Self::Feed),
            ItemKey::FeedPage(_) => serde_json::from_str(json).ok().map(Self::FeedPage),
            ItemKey::Join => serde_json::from_str(json).ok().map(Self::Join),
            ItemKey::Link | ItemKey::Identity(_) => serde_json::from_str(json).ok().map(Self::Link),
            ItemKey::Outbox => serde_json::from_str(json).ok().map(Self::Outbox),
            ItemKey::OutboxPage(_) => serde_json::from_str(json).ok().map(Self::OutboxPage),
            ItemKey::Deferred => serde_json::from_str(json).ok().map(Self::Deferred),
            ItemKey::Deliveries => serde_json::from_str(json).ok().map(Self::Deliveries),
            ItemKey::Turn => serde_json::from_str(json).ok().map(Self::Turn),
            ItemKey::Reminder => serde_json::from_str(json).ok().map(Self::Reminder),
        }
    }

    /// When DynamoDB may delete it. `None`: never.
    pub fn expires(&self, written: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Facts(facts) => fact::expiry(facts, written),
            Self::Join(join) => Some(join.expires(written)),
            Self::Turn(turn) => Some(turn.expires(written)),
            Self::Reminder(reminder) => Some(reminder.expires(written)),
            Self::Deferred(deferred) => Some(deferred.expires(written)),
            Self::Deliveries(deliveries) => Some(deliveries.expires(written)),
            // The number of its last update outlives its pages, so that a reader learns that it has missed some.
            Self::Feed(_) => Some(written.plus(CLAIM_LIFETIME)),
            Self::FeedPage(_) => Some(written.plus(FEED_KEPT)),
            Self::Link(_) | Self::Outbox(_) | Self::OutboxPage(_) => None,
        }
    }
}

/// A whole conversation, for readers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Context {
    pub conversation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Fact>,
    pub entities: BTreeMap<String, Facts>,
    /// The linked identities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// The conversation that this identity is linked to. All facts are stored there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked_to: Option<String>,
}

impl Context {
    pub fn new(conversation: &str) -> Self {
        Self { conversation: conversation.to_owned(), ..Self::default() }
    }

    /// Adds one stored item, as known at this time.
    pub fn add(&mut self, key: ItemKey, content: Content, now: Timestamp) {
        match (key, content) {
            (ItemKey::Entity(entity), Content::Facts(mut facts)) => {
                facts.retain(|_, fact| fact.is_known(now));
                if !facts.is_empty() {
                    self.entities.insert(entity, facts);
                }
            }
            (ItemKey::Node, Content::Facts(mut facts)) => self.node = facts.remove(NODE_REGISTER),
            (ItemKey::Identity(identity), _) => self.identities.push(identity),
            (ItemKey::Link, Content::Link(link)) => self.linked_to = Some(link.conversation),
            (
                ItemKey::Deferred
                | ItemKey::Deliveries
                | ItemKey::Entity(_)
                | ItemKey::Feed
                | ItemKey::FeedPage(_)
                | ItemKey::Node
                | ItemKey::Join
                | ItemKey::Link
                | ItemKey::Outbox
                | ItemKey::OutboxPage(_)
                | ItemKey::Reminder
                | ItemKey::Turn,
                Content::Deferred(_)
                | Content::Deliveries(_)
                | Content::Facts(_)
                | Content::Feed(_)
                | Content::FeedPage(_)
                | Content::Join(_)
                | Content::Link(_)
                | Content::Outbox(_)
                | Content::OutboxPage(_)
                | Content::Reminder(_)
                | Content::Turn(_),
            ) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_parsed_as_they_are_written() {
        for key in [
            ItemKey::Entity("order/1#2".into()),
            ItemKey::Feed,
            ItemKey::FeedPage(0),
            ItemKey::FeedPage(u64::MAX),
            ItemKey::Identity("customer:cus_1".into()),
            ItemKey::Join,
            ItemKey::Link,
            ItemKey::Node,
            ItemKey::Outbox,
            ItemKey::OutboxPage(0),
            ItemKey::OutboxPage(u64::MAX),
            ItemKey::Deferred,
            ItemKey::Deliveries,
            ItemKey::Turn,
            ItemKey::Reminder,
        ] {
            assert_eq!(ItemKey::parse(&key.to_string()), Some(key));
        }
        for other in ["", "entity", "link#1", "node#", "x#y", "outbox#x", "update", "updates#1", "turn#1", "turns"] {
            assert_eq!(ItemKey::parse(other), None, "{other}");
        }
    }
}
