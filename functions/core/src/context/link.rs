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

/// What a link does to an identity. There are no chains: a conversation with identities is linked to itself, by the item
/// that would link an identity to its conversation. So one condition on one item, inside the transaction, decides whether
/// a name is a conversation or an identity, for any order of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// Link it.
    Make,
    /// It is linked to this conversation already.
    Known,
    /// The target is itself an identity that is linked to a conversation: nothing is linked.
    TargetIsIdentity,
    /// The name to link is a conversation: it has identities of its own.
    IsConversation,
    /// It is linked to another conversation.
    Elsewhere,
}

impl Linked {
    /// `conversation` and `identity` are names; each link is the stored one of that name.
    pub fn of(conversation: &str, its_link: Option<&str>, identity: &str, link: Option<&str>) -> Self {
        if its_link.is_some_and(|to| to != conversation) {
            return Self::TargetIsIdentity;
        }
        match link {
            None => Self::Make,
            Some(to) if to == conversation => Self::Known,
            Some(to) if to == identity => Self::IsConversation,
            Some(_) => Self::Elsewhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_conversation_or_an_identity_and_never_both() {
        assert_eq!(Linked::of("ann", None, "c1", None), Linked::Make);
        assert_eq!(Linked::of("ann", Some("ann"), "c1", None), Linked::Make, "she has other identities");
        assert_eq!(Linked::of("ann", Some("ann"), "c1", Some("ann")), Linked::Known);
        assert_eq!(Linked::of("ann", Some("ann"), "c1", Some("bob")), Linked::Elsewhere);
        assert_eq!(Linked::of("ann", None, "c1", Some("c1")), Linked::IsConversation);
        for link in [None, Some("c1"), Some("bob")] {
            assert_eq!(Linked::of("ann", Some("bob"), "c1", link), Linked::TargetIsIdentity);
        }
    }
}
