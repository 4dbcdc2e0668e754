//! What exists at one moment: requests, tables, queues, invocations, and what has happened so far.

use super::decided::Kind;
use tidings_core::claim::ClaimState;

/// The most events of a configuration. The last one is that of a forged request, if there is one.
pub const EVENTS: usize = 3;
pub const FORGED: u8 = 2;
/// A conversation, an identity of it, and another conversation.
pub const PARTITIONS: usize = 3;
pub const CONVERSATION: u8 = 0;
pub const IDENTITY: u8 = 1;
pub const OTHER: u8 = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub requests: Vec<Request>,
    pub claims: [Option<Claim>; EVENTS],
    pub partitions: [Partition; PARTITIONS],
    pub queue: Vec<Message>,
    pub dead: Vec<Letter>,
    pub workers: Vec<Work>,
    pub left: Budget,
    /// How much time has passed: an index into [`super::decided::AGES`].
    pub age: u8,
    /// The clocks of receiver and processor differ by this many hours from the true time.
    pub skew: (i8, i8),
    pub rules_changed: bool,
    pub history: History,
}

/// What an operator, a provider or a fault may still do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Of receivers and processors together.
    pub crashes: u8,
    /// Calls without an answer: had their effect, or not.
    pub faults: u8,
    /// Conflicts of transactions.
    pub conflicts: u8,
    /// Messages that SQS delivers once more.
    pub copies: u8,
    /// Requests that a provider repeats because it saw a failure.
    pub retries: u8,
    /// Requests that are repeated although they succeeded: a provider's own repetition, or a redelivery by hand.
    pub repeats: u8,
    pub redrives: u8,
    /// Messages that an operator drops from the dead-letter queue.
    pub drops: u8,
    pub erasures: u8,
    pub rule_changes: u8,
    /// Steps of time: the first to after the horizon, the second to after a claim's lifetime.
    pub months: u8,
}

/// What happened, for the properties. No step depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    /// Events with a 2xx.
    pub acknowledged: u8,
    /// Events whose claim was written as processed.
    pub done: u8,
    /// Processed events that were erased.
    pub erased: u8,
    /// Events whose message an operator dropped: who does that accepts that what is left isn't done.
    pub dropped: u8,
    /// Events that took effect again after their erasure.
    pub returned: u8,
    /// Actions that were sent at least once, by event.
    pub sent: u8,
    /// The newest action of each conversation that was sent, as 1 + its sequence.
    pub newest: [u8; PARTITIONS],
    /// An action was sent for the first time after a later one.
    pub disordered: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Request {
    /// A bit for each event.
    pub events: u8,
    pub authentic: bool,
    pub step: Receiving,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Receiving {
    Unsent,
    Claiming {
        at: u8,
        waiting: u8,
        marks: u8,
        again: u8,
    },
    Sending {
        at: u8,
        waiting: u8,
        marks: u8,
        again: u8,
        acknowledged: u8,
    },
    Marking {
        at: u8,
        marks: u8,
        durable: bool,
    },
    Replying {
        ok: bool,
    },
    /// The provider saw a 2xx, or a refusal.
    Succeeded,
    /// The provider saw a 503, or nothing.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    pub state: ClaimState,
    pub effect: Effect,
    /// When it was written last: its lifetime begins then.
    pub age: u8,
}

/// What a processed claim records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Effect {
    pub conversation: Option<u8>,
    /// Whether it linked the identity.
    pub links: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Partition {
    pub entity: Option<Entity>,
    pub outbox: Option<Outbox>,
    pub link: Option<u8>,
}

/// An item with facts and a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entity {
    pub version: u8,
    /// Events whose facts are merged.
    pub facts: u8,
    /// How often each event is counted.
    pub counts: [u8; EVENTS],
}

/// Waiting actions: events by their sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Outbox {
    pub version: u8,
    pub next: u8,
    /// `waiting[n]`: 1 + the event of the action with sequence n; 0 if it doesn't wait.
    pub waiting: [u8; EVENTS],
}

impl Outbox {
    pub fn is_sent(&self) -> bool {
        self.waiting == [0; EVENTS]
    }

    /// Sequence and event of the first action that waits and isn't in `sent`.
    pub fn first(&self, sent: Option<u8>) -> Option<(u8, u8)> {
        let waiting = self.waiting.iter().enumerate().filter(|(_, event)| **event > 0);
        let mut waiting = waiting.filter_map(|(n, event)| Some((u8::try_from(n).ok()?, event - 1)));
        waiting.find(|(n, _)| super::decided::is_unsent(*n, sent))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Message {
    pub event: u8,
    pub receives: u8,
    /// The receiver sent it again.
    pub again: bool,
    /// When its request was received.
    pub age: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Letter {
    pub message: Message,
    /// It came here by crashes, or the record of its reason failed.
    pub excused: bool,
}

/// An invocation of the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Work {
    pub message: Message,
    pub conflicts: u8,
    pub reloads: u8,
    pub step: Doing,
}

/// What was read for a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct View {
    pub partition: u8,
    pub entity: Option<Entity>,
    pub outbox: Option<Outbox>,
    /// The identity's link must not exist.
    pub absent: bool,
    /// The newest sequence that was sent before the commit.
    pub sent: Option<u8>,
    /// Sending failed: the effect is committed nevertheless.
    pub unsent: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Doing {
    Idle,
    Begin,
    Load {
        kind: Kind,
        to: u8,
    },
    Send {
        kind: Kind,
        view: View,
    },
    Commit {
        kind: Kind,
        view: View,
    },
    /// The facts are written, and the claim isn't.
    Claim {
        kind: Kind,
        view: View,
    },
    /// The claim is written, and the facts aren't: only if that is broken.
    FactsLate {
        view: View,
    },
    Adopt {
        effect: Effect,
    },
    Move {
        effect: Effect,
        from: Entity,
        to: Option<Entity>,
    },
    /// The second of two writes: only if that is broken.
    MoveDelete {
        effect: Effect,
    },
    Flush {
        effect: Effect,
    },
    Deliver {
        effect: Effect,
        outbox: Outbox,
        sent: Option<u8>,
    },
    /// The outbox is empty, and its actions aren't sent: only if that is broken.
    SendLate {
        outbox: Outbox,
    },
    Fail {
        contended: bool,
        unsent: bool,
    },
    Bury {
        unsent: bool,
    },
    Delete,
}

impl State {
    /// Whether a message of the event exists.
    pub fn holds(&self, event: u8) -> bool {
        self.queue.iter().any(|message| message.event == event)
            || self.dead.iter().any(|letter| letter.message.event == event)
            || self.workers.iter().any(|work| work.step != Doing::Idle && work.message.event == event)
    }

    /// Nothing moves by itself any more.
    pub fn is_quiet(&self) -> bool {
        self.queue.is_empty()
            && self.workers.iter().all(|work| work.step == Doing::Idle)
            && self.requests.iter().all(|request| matches!(request.step, Receiving::Succeeded | Receiving::Failed))
    }

    /// Which of several equal invocations is which doesn't matter: they are sorted, so that states that differ only in that
    /// are one state. The same holds for requests and messages.
    pub fn sorted(mut self) -> Self {
        self.requests.sort_unstable();
        self.queue.sort_unstable();
        self.dead.sort_unstable();
        self.workers.sort_unstable();
        self
    }
}
