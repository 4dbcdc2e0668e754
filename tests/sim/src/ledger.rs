//! What happened: what the checks compare at the end.

use crate::executor::TaskId;
use crate::rules::Edition;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::time::Timestamp;
use tidings_core::action::ActionId;
use tidings_core::claim::ClaimKey;

/// An event's effect.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) task: TaskId,
    pub(crate) edition: Edition,
    /// The message that had it: copies of one event may differ in what they say. `None`: the invocation had no such message.
    pub(crate) message: Option<String>,
}

/// A copy of an action that the queue acknowledged or took.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) conversation: String,
    pub(crate) sequence: u64,
    pub(crate) id: ActionId,
    pub(crate) rule: String,
    pub(crate) cause: ClaimKey,
    pub(crate) action_type: String,
    /// Of a notification.
    pub(crate) text: Option<String>,
    pub(crate) at: Timestamp,
    /// Whether the queue took it, or dropped it as a copy.
    pub(crate) is_news: bool,
}

/// What an invocation did.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    pub(crate) edition: Edition,
    /// Its messages.
    pub(crate) messages: Vec<String>,
    /// The events of its messages.
    pub(crate) keys: BTreeSet<ClaimKey>,
    /// Whether one of them is on its last receive.
    pub(crate) last_receive: bool,
    pub(crate) claimed: bool,
    pub(crate) queued: bool,
    pub(crate) conflicted: bool,
    pub(crate) committed: bool,
    /// Actions that it sent and that are still in an outbox.
    pub(crate) unswept: bool,
    pub(crate) said: bool,
    pub(crate) sent_kept: bool,
}

impl Notes {
    pub(crate) fn new(edition: Edition, keys: BTreeSet<ClaimKey>) -> Self {
        Self {
            edition,
            messages: Vec::new(),
            keys,
            last_receive: false,
            claimed: false,
            queued: false,
            conflicted: false,
            committed: false,
            unswept: false,
            said: false,
            sent_kept: false,
        }
    }
}

/// Everything that happened.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) tasks: BTreeMap<TaskId, Notes>,
    /// The events that were sent to the queue, by whomever.
    pub(crate) queued: BTreeSet<ClaimKey>,
    pub(crate) effects: BTreeMap<ClaimKey, Vec<Effect>>,
    pub(crate) actions: Vec<Sent>,
    /// The events of an erased conversation, with the first invocation that began after the erasure.
    pub(crate) erased: BTreeMap<ClaimKey, TaskId>,
    /// Conversations and identities that were erased.
    pub(crate) erased_names: BTreeSet<String>,
    pub(crate) redriven: BTreeSet<ClaimKey>,
    /// Deliveries whose batch was queued although its answer was lost.
    pub(crate) lost_sends: BTreeSet<ClaimKey>,
    /// The edition that each event was last received under.
    pub(crate) received_under: BTreeMap<ClaimKey, Edition>,
    pub(crate) violations: Vec<String>,
}

impl Ledger {
    pub(crate) fn notes(&mut self, task: TaskId) -> Option<&mut Notes> {
        self.tasks.get_mut(&task)
    }

    pub(crate) fn applied(&self, key: &ClaimKey) -> usize {
        self.effects.get(key).map_or(0, Vec::len)
    }
}
