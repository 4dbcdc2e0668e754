//! The record of a send: what became of an action that the sender says to somebody. Stored under the claim key of the
//! action's event, so that an event's sends are read together; kept as long as a claim.
//!
//! ```text
//!   sending ──answered──▶ sent                    refused, uncertain ──an operator's redrive──▶ sending
//!    ▲   ├──not sent────▶ waiting ──▶ sending
//!    │   ├──refused─────▶ refused ──▶ dead-letter queue
//!    │   └──no answer───▶ uncertain ▶ dead-letter queue; with an idempotency key: waiting, and sending with the same key
//!    └── a crash leaves it in sending: uncertain, or the same key again
//! ```
//!
//! What the provider's webhooks say of the message later ([`MessageStatus`]) is stored apart, under the message's id at the
//! provider ([`StatusKey`]): its event may be processed before the answer to the request is recorded.

use crate::action::ActionId;
use crate::claim::{ClaimKey, Sha256Hex};
use serde::Serialize;
use std::fmt;
use tidings_config::status::StatusWord;
use tidings_config::time::Timestamp;
use tidings_config::words;

words! {
    /// The state of a send.
    SendState {
        /// A request is under way, or its sender died.
        Sending = "sending",
        /// It certainly wasn't sent, and is sent again.
        Waiting = "waiting",
        /// The provider has it.
        Sent = "sent",
        /// It certainly wasn't sent, and can't be.
        Refused = "refused",
        /// It may have been sent. It isn't repeated by itself.
        Uncertain = "uncertain",
    }
}

/// What is stored of a send. No name of a person, no text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SendRecord {
    /// The claim key of the event.
    pub cause: ClaimKey,
    pub id: ActionId,
    /// Counts the writes of this record.
    pub version: u32,
    pub state: SendState,
    /// The channel's name in `channels.yaml`.
    pub channel: String,
    /// Requests that were begun since the first time, or since an operator's redrive.
    pub tries: u32,
    /// The time of the first of them: from then on the provider remembers the idempotency key.
    pub since: Timestamp,
    /// The time of this state.
    pub at: Timestamp,
    /// Whether an earlier request may have been sent, while another one with the same idempotency key is to follow.
    pub may_be_sent: bool,
    /// The provider's id of the message.
    pub message: Option<String>,
    /// Why it isn't sent.
    pub reason: Option<String>,
    /// How often it was refused or uncertain. The message in the dead-letter queue has the same number, which proves that a
    /// redrive is one.
    pub dead: u32,
    /// Whether the dead-letter queue has acknowledged it since.
    pub is_dead_lettered: bool,
    /// A random number of this write, by which its writer recognises it if the answer was lost.
    #[serde(skip)]
    pub writer: u64,
    /// Which idempotency key it has: 0 is made of the action's id alone. A redrive of a refused send has another one.
    pub key: u32,
    /// Whose ids its message has, if the provider's events say what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl SendRecord {
    /// The attributes of a stored record that say more than that something was sent. An erasure removes them: what stays says
    /// which action it was, by a hash, and keeps a copy of it from being sent.
    pub const SAYS_MORE: [&str; 3] = ["message", "reason", "namespace"];

    /// Under which keys its message's status may be stored. Empty: its channel has no statuses.
    pub fn status_keys(&self) -> Vec<StatusKey> {
        let Some(namespace) = &self.namespace else { return Vec::new() };
        let of_message = self.message.iter().map(|message| StatusKey::of_message(namespace, message));
        of_message.chain([StatusKey::of_id(namespace, &id_at_provider(&self.id, self.key))]).collect()
    }
}

/// The id by which a send is known to its provider: the action's own; after the `nth` refusal that an operator has sent
/// again, another one, since a provider may answer a known key with what it answered before.
pub fn id_at_provider(action: &ActionId, nth: u32) -> String {
    if nth == 0 { action.to_string() } else { Sha256Hex::of(format!("{action}\n{nth}").as_bytes()).digits().to_owned() }
}

/// Where a message's status is stored. A hash: a provider's id of a message may name its recipient.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatusKey(String);

impl StatusKey {
    /// By the provider's id of the message.
    pub fn of_message(namespace: &str, message: &str) -> Self {
        Self::of("message", namespace, message)
    }

    /// By the id that the send gave the provider.
    pub fn of_id(namespace: &str, id: &str) -> Self {
        Self::of("id", namespace, id)
    }

    /// A namespace is a name without a newline, so the parts can't run together.
    fn of(kind: &str, namespace: &str, id: &str) -> Self {
        // No claim key begins so: a source's name has no colon.
        Self(format!("message:{}", Sha256Hex::of(format!("{kind}\n{namespace}\n{id}").as_bytes()).digits()))
    }

    /// A key that was stored.
    pub fn stored(key: String) -> Self {
        Self(key)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StatusKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a provider says of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MessageStatus {
    pub is: StatusWord,
    /// The time of the provider's event.
    pub at: Timestamp,
    /// Why it failed, as the provider says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_of_what_was_refused_has_another_id_at_the_provider() {
        let action = ActionId::stored("9f4a8cfa91d1aa61b2acfebad0da00b54a44d80ff195ef3088e8cd9a294cf45a".to_owned());
        assert_eq!(id_at_provider(&action, 0), action.as_str());
        assert_ne!(id_at_provider(&action, 1), id_at_provider(&action, 2));
        assert_eq!(id_at_provider(&action, 1).len(), 64);
    }

    #[test]
    fn a_status_key_differs_by_its_kind_its_namespace_and_its_id_and_names_nobody() {
        let key = StatusKey::of_message("whatsapp", "wamid.491713920012");
        for other in [
            StatusKey::of_id("whatsapp", "wamid.491713920012"),
            StatusKey::of_message("twilio", "wamid.491713920012"),
            StatusKey::of_message("whatsapp", "wamid.491713920013"),
        ] {
            assert_ne!(key, other);
        }
        assert!(!key.as_str().contains("491713920012") && key.as_str().starts_with("message:"));
    }
}
