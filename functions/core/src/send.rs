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

use crate::action::ActionId;
use crate::claim::ClaimKey;
use serde::Serialize;
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
}
