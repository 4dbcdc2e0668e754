//! What exists at one moment of the sends.

use super::{Budget, at};
use sender::decide::Begin;
use tidings_core::action::ActionId;
use tidings_core::claim::ClaimKey;
use tidings_core::send::{SendRecord, SendState};

/// Actions of one conversation, in their order.
pub const ACTIONS: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Visible messages of the queue: a bit for each action.
    pub queued: u8,
    /// Messages that the queue counts as under way.
    pub taken: u8,
    pub records: [Option<Send>; ACTIONS],
    pub dead: [Option<Letter>; ACTIONS],
    /// Which refusal an operator overruled.
    pub redriven: [u8; ACTIONS],
    pub workers: Vec<Work>,
    pub time: u8,
    pub left: Budget,
    /// How often people read it.
    pub said: [u8; ACTIONS],
    /// The key that the provider saw last, and when first.
    pub keys: [Option<(u8, u8)>; ACTIONS],
    /// How many repetitions an operator has accepted.
    pub may_repeat: [u8; ACTIONS],
    /// 1 + the newest action that was said.
    pub newest: u8,
    pub disordered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Letter {
    pub dead: u8,
}

/// [`Begin`], small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Beginning {
    pub tries: u8,
    pub since_ms: i64,
    pub key: u8,
    pub may_be_sent: bool,
}

impl From<Begin> for Beginning {
    fn from(begin: Begin) -> Self {
        let small = |n: u32| u8::try_from(n).unwrap_or(u8::MAX);
        let (tries, key) = (small(begin.tries), small(begin.key));
        Self { tries, since_ms: begin.since.unix_ms(), key, may_be_sent: begin.may_be_sent }
    }
}

impl From<Beginning> for Begin {
    fn from(begin: Beginning) -> Self {
        let since = tidings_config::time::Timestamp::from_unix_ms(begin.since_ms);
        Self { tries: begin.tries.into(), since, key: begin.key.into(), may_be_sent: begin.may_be_sent }
    }
}

/// The kinds of [`SendState`], which has no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Sending,
    Waiting,
    Sent,
    Refused,
    Uncertain,
}

/// [`SendRecord`], small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Send {
    pub version: u8,
    pub kind: Kind,
    pub begin: Beginning,
    pub at: u8,
    pub dead: u8,
    pub is_dead_lettered: bool,
}

impl Send {
    pub fn is_uncertain(&self) -> bool {
        self.kind == Kind::Uncertain
    }

    /// The record as it is stored.
    pub fn stored(&self) -> SendRecord {
        let begin = Begin::from(self.begin);
        SendRecord {
            cause: ClaimKey::new("stripe", "evt_1"),
            id: ActionId::stored("a".to_owned()),
            version: self.version.into(),
            state: match self.kind {
                Kind::Sending => SendState::Sending,
                Kind::Waiting => SendState::Waiting,
                Kind::Sent => SendState::Sent,
                Kind::Refused => SendState::Refused,
                Kind::Uncertain => SendState::Uncertain,
            },
            channel: String::new(),
            tries: begin.tries,
            since: begin.since,
            at: at(self.at),
            may_be_sent: begin.may_be_sent,
            message: None,
            reason: None,
            dead: self.dead.into(),
            is_dead_lettered: self.is_dead_lettered,
            writer: 0,
            key: begin.key,
            namespace: None,
        }
    }
}

/// An invocation of the sender with a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Work {
    /// The messages that it hasn't ended: the first one is under way.
    pub batch: u8,
    /// The queue gave its messages to others meanwhile.
    pub is_late: bool,
    pub step: Doing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Doing {
    #[default]
    Idle,
    /// Writes that a try begins, over the version that was seen.
    Begin {
        begin: Beginning,
        seen: Option<Send>,
    },
    Request {
        begin: Beginning,
        version: u8,
    },
    /// Writes what a request became. `bury`: it is over.
    Record {
        record: Send,
        bury: bool,
    },
    RecordSent {
        record: Send,
    },
    /// To the dead-letter queue.
    Bury {
        record: Send,
    },
    /// Writes that the dead-letter queue has it.
    List {
        record: Send,
    },
    Delete,
}
