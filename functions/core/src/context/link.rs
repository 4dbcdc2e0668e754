//! The owner of an event: known immediately, or by a link that may come later.

use super::Order;
use serde::{Deserialize, Serialize};

/// The owner of an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// A conversation.
    Conversation(String),
    /// An identity. Its items are stored under its own name until a link names the conversation.
    Identity(String),
}

impl Owner {
    pub fn name(&self) -> &str {
        match self {
            Self::Conversation(name) | Self::Identity(name) => name,
        }
    }
}

/// The link of an identity to its conversation. It is stored with both, so that each leads to the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub conversation: String,
    /// The event that made the link.
    #[serde(flatten)]
    pub order: Order,
}
