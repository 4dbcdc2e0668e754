//! The decisions of a send. Pure: what is stored, and the time, are arguments.

use std::time::Duration;
use tidings_config::limits::{MAX_SEND_CRASHES, MAX_SEND_WAIT, SENDING_LEASE};
use tidings_config::time::Timestamp;
use tidings_core::send::{SendRecord, SendState};
use tidings_outgoing::Outcome;

/// What is left to do for an action that has a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Done,
    /// The dead-letter queue may not have it.
    DeadLetter,
    /// Another sender may be sending it: look again after this time.
    Wait(Duration),
    Begin(Begin),
    /// It may have been sent, and can't be repeated.
    GiveUp(&'static str),
}

/// A new try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Which one it is.
    pub tries: u32,
    /// The time of the first.
    pub since: Timestamp,
    /// Which idempotency key it has.
    pub key: u32,
    /// Whether an earlier try may have been sent.
    pub may_be_sent: bool,
}

impl Begin {
    /// The first try of an action.
    pub fn first(now: Timestamp) -> Self {
        Self { tries: 1, since: now, key: 0, may_be_sent: false }
    }
}

/// What is left of an action that has this record. `redrive`: which refusal an operator has overruled (0: none).
/// `remembered`: how long the provider remembers an idempotency key (`None`: it takes none).
pub fn left(stored: &SendRecord, redrive: u32, remembered: Option<Duration>, now: Timestamp) -> Left {
    let can_repeat = remembered.is_some_and(|remembered| now.since(stored.since) < remembered);
    let again = |may_be_sent| Left::Begin(Begin { tries: stored.tries + 1, since: stored.since, key: stored.key, may_be_sent });
    match stored.state {
        SendState::Sent => Left::Done,
        SendState::Refused | SendState::Uncertain if redrive > 0 && redrive == stored.dead => {
            // What was certainly not sent gets another key: a provider may answer a known one with what it answered before.
            let key = if stored.state == SendState::Refused { stored.dead } else { stored.key };
            Left::Begin(Begin {
                tries: 1,
                since: now,
                key,
                may_be_sent: stored.state == SendState::Uncertain && remembered.is_some(),
            })
        }
        SendState::Refused | SendState::Uncertain if stored.is_dead_lettered => Left::Done,
        SendState::Refused | SendState::Uncertain => Left::DeadLetter,
        SendState::Waiting if stored.may_be_sent && !can_repeat => {
            Left::GiveUp("it may have been sent, and the provider doesn't remember its idempotency key any more")
        }
        SendState::Waiting => again(stored.may_be_sent),
        SendState::Sending if now < stored.at.plus(SENDING_LEASE) => Left::Wait(stored.at.plus(SENDING_LEASE).since(now)),
        SendState::Sending if stored.tries >= MAX_SEND_CRASHES => Left::GiveUp("its sender died each time that it sent it"),
        SendState::Sending if can_repeat => again(true),
        SendState::Sending => Left::GiveUp("its sender died while it sent it, so it may have been sent"),
    }
}

/// What becomes of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    Sent {
        message: Option<String>,
    },
    /// It is sent again. `after`: the provider's own pause.
    Waiting {
        after: Option<Duration>,
        reason: String,
        may_be_sent: bool,
    },
    Refused {
        reason: String,
    },
    Uncertain {
        reason: String,
    },
}

/// What becomes of a try with this outcome. `remembered`: how long the provider remembers this request's idempotency key.
/// `age`: how long the action has been in the queue.
pub fn conclude(outcome: Outcome, begun: Begin, remembered: Option<Duration>, age: Duration, now: Timestamp) -> Conclusion {
    let can_repeat = remembered.is_some_and(|remembered| now.since(begun.since) < remembered);
    match outcome {
        Outcome::Sent { message } => Conclusion::Sent { message },
        Outcome::Retry { after, reason, hint, .. } => waiting(after, with_hint(reason, hint), begun.may_be_sent, age),
        Outcome::Unsure { reason } if can_repeat => waiting(None, reason, true, age),
        Outcome::Unsure { reason } => Conclusion::Uncertain { reason },
        // An earlier try may have been sent. As refused, a redrive would have another key.
        Outcome::Refused { reason, hint, .. } if begun.may_be_sent => Conclusion::Uncertain { reason: with_hint(reason, hint) },
        Outcome::Refused { reason, hint, .. } => Conclusion::Refused { reason: with_hint(reason, hint) },
    }
}

/// Waits, unless the action is too old for that.
fn waiting(after: Option<Duration>, reason: String, may_be_sent: bool, age: Duration) -> Conclusion {
    if age < MAX_SEND_WAIT {
        return Conclusion::Waiting { after, reason, may_be_sent };
    }
    let reason = given_up(&reason);
    if may_be_sent { Conclusion::Uncertain { reason } } else { Conclusion::Refused { reason } }
}

/// The reason of an action that waited for too long.
pub(crate) fn given_up(reason: &str) -> String {
    format!("not sent within {} h: {reason}", MAX_SEND_WAIT.as_secs() / 3_600)
}

fn with_hint(reason: String, hint: Option<String>) -> String {
    hint.map_or_else(|| reason.clone(), |hint| format!("{reason}: {hint}"))
}
