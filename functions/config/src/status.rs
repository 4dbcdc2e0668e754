//! What a provider's events say of messages that were sent: delivered, read, failed. `tidings build` makes it of the channels'
//! files and the project's sources, so that the processor needs neither.

use crate::{JsonPath, words};
use serde::{Deserialize, Serialize};

words! {
    /// The status of a message that was sent.
    StatusWord {
        Delivered = "delivered",
        Read = "read",
        Failed = "failed",
    }
}

impl StatusWord {
    /// Of two statuses of a message, the one with the higher rank stays, in whatever order they come: what was read wasn't lost.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Delivered => 1,
            Self::Failed => 2,
            Self::Read => 3,
        }
    }
}

/// An event that says the status of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// The name of its source.
    pub source: String,
    /// Its types.
    pub types: Vec<String>,
    /// Whose ids of messages it has: `namespace` of the channel's file.
    pub namespace: String,
    /// Where its payload has the provider's id of the message, or a list of such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<JsonPath>,
    /// Where its payload has the send's own id, if the channel gave it to the provider. It counts before `message`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<JsonPath>,
    pub is: StatusWord,
    /// Where its payload has the reason, a text or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<JsonPath>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_word_stays_in_whatever_order_they_come() {
        let last = |words: &[StatusWord]| words.iter().copied().max_by_key(|word| word.rank());
        for order in [
            [StatusWord::Delivered, StatusWord::Read, StatusWord::Failed],
            [StatusWord::Failed, StatusWord::Read, StatusWord::Delivered],
        ] {
            assert_eq!(last(&order), Some(StatusWord::Read));
        }
        assert_eq!(last(&[StatusWord::Failed, StatusWord::Delivered]), Some(StatusWord::Failed));
    }
}
