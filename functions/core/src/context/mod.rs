//! What the chatbot knows of a conversation: registers that keep the newest value, whatever order the events come in.
//!
//! A fact is a last-writer-wins register. One context item holds the facts of one entity (`entity#order/1042`), or where
//! the dialogue stands (`node`, a register as well). Merging is commutative, associative and idempotent, so any
//! permutation of a set of events, with any duplicates, ends in the same context.

mod merge;

pub use merge::{Applied, Changes};

use crate::claim::ClaimKey;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// When, in the order of events: by `sequence`, else by time, then by claim key.
///
/// A total order, as a merge needs: an event with a sequence comes after every event without one. Comparing sequences
/// only where both have one would not be transitive, and the context would depend on the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Order {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    pub time: Timestamp,
    pub key: ClaimKey,
}

/// One remembered thing: a value and the event that it came with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    pub value: serde_json::Value,
    #[serde(flatten)]
    pub order: Order,
}

/// The facts of one context item, by name.
pub type Facts = BTreeMap<String, Fact>;

/// The sort key of a context item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKey {
    /// What is known of one entity.
    Entity(String),
    /// Where the dialogue stands.
    Node,
}

impl ItemKey {
    pub fn parse(sort_key: &str) -> Option<Self> {
        match sort_key.strip_prefix("entity#") {
            Some(entity) => Some(Self::Entity(entity.to_owned())),
            None if sort_key == "node" => Some(Self::Node),
            None => None,
        }
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entity(entity) => write!(f, "entity#{entity}"),
            Self::Node => f.write_str("node"),
        }
    }
}

/// The only register of the item [`ItemKey::Node`].
pub const NODE_REGISTER: &str = "node";

/// One context item as it was read: its version guards the write that follows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// `None`: it isn't there yet.
    pub version: Option<u64>,
    pub facts: Facts,
}

/// A whole conversation, for those who read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Context {
    pub conversation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Fact>,
    pub entities: BTreeMap<String, Facts>,
}

impl Context {
    /// Adds one stored item.
    pub fn add(&mut self, key: ItemKey, mut facts: Facts) {
        match key {
            ItemKey::Entity(entity) => {
                self.entities.insert(entity, facts);
            }
            ItemKey::Node => self.node = facts.remove(NODE_REGISTER),
        }
    }
}
