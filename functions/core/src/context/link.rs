//! Whose conversation an event is: known at once, or by a link that may come later.

use super::Order;
use serde::{Deserialize, Serialize};

/// Whose an event is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// A conversation.
    Conversation(String),
    /// An identity. Its items are kept under its own name until a link tells the conversation.
    Identity(String),
}

impl Owner {
    pub fn name(&self) -> &str {
        match self {
            Self::Conversation(name) | Self::Identity(name) => name,
        }
    }
}

/// An identity's conversation. It is stored with the identity, and once more with the conversation, so that each finds the
/// other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub conversation: String,
    /// The event that told.
    #[serde(flatten)]
    pub order: Order,
}
