//! Rare states that a run must have reached. A simulation that never reaches one of them says nothing about it.

use std::collections::BTreeMap;

macro_rules! states {
    ($($name:ident: $text:literal,)+) => {
        /// A rare state.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum State { $($name,)+ }

        impl State {
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What is the case.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

states! {
    // The receiver.
    ClaimRefused: "the put of a claim is throttled",
    ClaimAnswerLost: "the answer to the put of a claim is lost",
    ClaimConflict: "the put of a claim meets a transaction",
    SendRefused: "a batch to the events queue is refused as a whole",
    SendAnswerLost: "a batch is queued and its answer is lost",
    SendPartRefused: "one message of a batch is refused",
    SendPartLost: "one message of a batch is queued and its answer is lost",
    LostThenDuplicate: "a batch is queued, its answer is lost, and the delivery comes again",
    QueuedTwice: "one event is in the queue twice",
    KnownAlready: "an event is answered as a duplicate",
    KeptWithoutQueue: "the queue refuses an event that its claim keeps, and the answer is 2xx",
    AcceptedAfterRefusal: "a delivery is accepted after a 5xx",
    TwoReceivers: "two receivers have one event at the same time",
    SeveralEvents: "a delivery holds several events",
    OtherBody: "a known event comes with another body",
    ForgedRefused: "a forged request is refused",
    ForgedTwin: "a forged copy of a genuine event is refused",
    ReceiverDiedBeforeClaim: "a receiver dies before its claim is put",
    ReceiverDiedAfterClaim: "a receiver dies between claim and queue",
    ReceiverDiedAfterSend: "a receiver dies when the queue has the event",
    SecretsAway: "the secrets can't be fetched",
    // The processor.
    LoadFailed: "a read of the context fails",
    CommitRefused: "a commit is throttled",
    CommitAnswerLost: "a commit's answer is lost",
    CommitLostOnLastReceive: "a commit's answer is lost on the last receive",
    CommitConflict: "a commit meets another transaction",
    ConflictThenDeath: "a commit meets another transaction, and its processor dies",
    VersionMoved: "an item was changed after it was read",
    EffectBefore: "a commit finds that its effect exists",
    RewriteConflict: "the outbox is emptied against another writer",
    RewriteAnswerLost: "the outbox is emptied and the answer is lost",
    ActionRefused: "the actions queue refuses an action",
    ActionAnswerLost: "an action is queued and the answer is lost",
    ActionSentAgain: "an action is sent a second time and the queue drops it",
    TimerRefused: "a timer can't be set",
    TimerAnswerLost: "a timer is set and the answer is lost",
    TimerStored: "a timer is stored in its table",
    TimerSwept: "a sweep sends a stored timer",
    TimerBeforeRetry: "a timer comes before its delivery is sent again",
    DiedBeforeCommit: "a processor dies before its commit",
    DiedAfterCommit: "a processor dies after its commit and before its answer",
    DiedAfterAction: "a processor dies when an action is sent and still in the outbox",
    DiedInPause: "a processor dies while it waits to try again",
    DiedInBatch: "a processor dies with several events",
    TimedOut: "an invocation ends at its timeout",
    TwoHold: "two processors hold one message",
    VisibleWhileHeld: "a message is visible again while its first processor lives",
    CopyAfterDelete: "the queue delivers a message that was deleted",
    OutOfOrder: "a message overtakes an older one",
    Postponed: "a suspect is hidden for longer",
    HideFailed: "a suspect can't be hidden",
    RulesBetween: "a message is received again under other rules",
    Dead: "an event is dead-lettered with its reason",
    DeadUnrecorded: "the reason of a dead letter can't be recorded",
    DeadWasProcessed: "a failed last receive finds that its effect exists",
    RedrivenApplied: "a dead letter is redriven and applied",
    PoisonDead: "an unreadable delivery ends as a dead letter",
    Linked: "an identity's items move to its conversation",
    JoinThen: "a join is complete",
    JoinElse: "a join is given up",
    SweptKept: "a sweep queues an event that its claim kept",
    SweepDied: "a sweep dies between its send and its mark",
    TwoSweeps: "two sweeps run at the same time",
    // Time and operators.
    Slow: "a call takes seconds",
    SkewedClocks: "two processes' clocks differ by more than a minute",
    ErasedInFlight: "a conversation is erased while an event of it is in flight",
    CopyAfterErasure: "a copy of an erased event is received",
    ExpiredThenRedriven: "claims expire, and a dead letter is redriven",
    // The sender.
    SendRecordRefused: "the record of a send is refused",
    SendRecordLost: "the record of a send is written and the answer is lost",
    SaidAnswerLost: "a channel takes a message and the answer is lost",
    SaidAgainByKey: "a channel is asked again with the same key and answers that it knows",
    Uncertain: "a send is marked uncertain",
    SenderDied: "a sender dies after a channel took its message",
    Forwarded: "an action goes on to the bot's queue",
    ForwardFailed: "the bot's queue refuses an action",
}

/// How often each state was reached, by simulations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached(BTreeMap<State, u64>);

impl Reached {
    /// Once more.
    pub fn add(&mut self, state: State) {
        *self.0.entry(state).or_default() += 1;
    }

    /// The states of another simulation, each once.
    pub fn merge_once(&mut self, other: &Self) {
        other.0.keys().for_each(|state| self.add(*state));
    }

    /// The counts of other simulations.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(state, count)| *self.0.entry(*state).or_default() += count);
    }

    pub fn count(&self, state: State) -> u64 {
        self.0.get(&state).copied().unwrap_or(0)
    }

    /// The states that weren't reached.
    pub fn missed(&self) -> Vec<State> {
        State::ALL.iter().copied().filter(|state| self.count(*state) == 0).collect()
    }
}
