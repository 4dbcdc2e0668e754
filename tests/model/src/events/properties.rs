//! What must hold in every state, and rare states that must be reached.

use super::{Held, Kind, Protocol, State, Weeks};
use crate::broken::Broken;
use stateright::Property;
use tidings_core::claim::ClaimState;

const ONCE: &str = "an event has its effect at most once";
const KEPT: &str = "what was acknowledged has its effect or is in a queue";
const WHOLE: &str = "a processed claim has its effect";
const DEAD: &str = "a claim that is dead has no effect";
const PROMISED: &str = "a promised action is sent, or a message exists that sends it";
const SAID: &str = "an effect with an action has promised or sent it";
const CAUSED: &str = "an action is sent only after its event's effect";
const UNHARMED: &str = "a claim is dead only after a call without an answer, or after weeks";

pub(super) fn all() -> Vec<Property<Protocol>> {
    let mut all = vec![
        Property::<Protocol>::always(ONCE, |_, state| state.context.effects.iter().all(|times| *times <= 1)),
        Property::<Protocol>::always(KEPT, |protocol, state| {
            events(protocol).all(|event| {
                !state.acknowledged[event]
                    || state.claims[event] == Some(ClaimState::Processed)
                    || has_effect(state, event)
                    || state.is_anywhere(event)
                    || is_only_noted(protocol, state, event)
            })
        }),
        Property::<Protocol>::always(WHOLE, |protocol, state| {
            events(protocol).all(|event| {
                state.claims[event] != Some(ClaimState::Processed) || has_effect(state, event) || changes_nothing(protocol, event)
            })
        }),
        Property::<Protocol>::always(DEAD, |protocol, state| {
            events(protocol).all(|event| {
                // Facts may be there before their claim: the next receive adds it.
                state.claims[event] != Some(ClaimState::Dead)
                    || !has_effect(state, event)
                    || is_repeatable(protocol, event)
                    || state.weeks == Weeks::ClaimsExpire
            })
        }),
        Property::<Protocol>::always(PROMISED, |protocol, state| {
            let is_watched = || events(protocol).any(|event| state.is_anywhere(event));
            events(protocol).all(|event| !state.context.outbox[event] || state.acted[event]) || is_watched()
        }),
        Property::<Protocol>::always(SAID, |protocol, state| {
            events(protocol).all(|event| {
                let acts = protocol.configuration.kinds[event] == (Kind::Acts, Kind::Acts);
                !acts || !has_effect(state, event) || state.context.outbox[event] || state.acted[event]
            })
        }),
        Property::<Protocol>::always(CAUSED, |protocol, state| {
            events(protocol).all(|event| !state.acted[event] || has_effect(state, event))
        }),
        Property::<Protocol>::always(UNHARMED, |_, state| {
            !state.claims.contains(&Some(ClaimState::Dead)) || state.failures > 0 || state.weeks != Weeks::Now
        }),
    ];
    all.extend(reached());
    all
}

fn reached() -> [Property<Protocol>; 8] {
    [
        Property::<Protocol>::sometimes("all events have their effect and nothing is left", |protocol, state| {
            let is_empty = state.queue.is_empty() && state.processors.is_empty() && state.receivers.is_empty();
            is_empty && events(protocol).all(|event| state.claims[event] == Some(ClaimState::Processed))
        }),
        Property::<Protocol>::sometimes("an acknowledged delivery whose claim is still received", |protocol, state| {
            events(protocol).any(|event| state.acknowledged[event] && state.claims[event] == Some(ClaimState::Received))
        }),
        Property::<Protocol>::sometimes("a queued event without a claim", |protocol, state| {
            events(protocol).any(|event| state.claims[event].is_none() && state.is_anywhere(event))
        }),
        Property::<Protocol>::sometimes("two processors have the same event", |_, state| {
            state
                .processors
                .iter()
                .enumerate()
                .any(|(n, one)| state.processors[..n].iter().any(|other| other.message.event == one.message.event))
        }),
        Property::<Protocol>::sometimes("a message that is visible again while it is processed", |_, state| {
            state.processors.iter().any(|processor| processor.held == Held::VisibleAgain)
        }),
        Property::<Protocol>::sometimes("two messages of one event in the queue", |_, state| {
            state.queue.windows(2).any(|two| two[0].event == two[1].event)
        }),
        Property::<Protocol>::sometimes("a dead-lettered message", |_, state| !state.dead.is_empty()),
        Property::<Protocol>::sometimes("a dead claim", |_, state| state.claims.contains(&Some(ClaimState::Dead))),
    ]
}

fn events(protocol: &Protocol) -> std::ops::Range<usize> {
    0..protocol.configuration.kinds.len()
}

fn has_effect(state: &State, event: usize) -> bool {
    state.context.effects[event] > 0
}

fn changes_nothing(protocol: &Protocol, event: usize) -> bool {
    let (before, after) = protocol.configuration.kinds[event];
    before == Kind::Nothing || after == Kind::Nothing
}

/// Its claim is deleted, and it had no effect but the claim.
fn is_only_noted(protocol: &Protocol, state: &State, event: usize) -> bool {
    changes_nothing(protocol, event) && state.claims[event].is_none() && state.weeks == Weeks::ClaimsExpire
}

fn is_repeatable(protocol: &Protocol, event: usize) -> bool {
    let (before, after) = protocol.configuration.kinds[event];
    before == Kind::Facts || after == Kind::Facts
}

/// The property that doesn't hold without this protection.
pub fn expected(broken: Broken) -> &'static str {
    match broken {
        Broken::ReceivedIsDuplicate
        | Broken::UnknownClaimIsDuplicate
        | Broken::MarkBeforeSend
        | Broken::MarkUnsent
        | Broken::UnknownSendIsSent
        | Broken::OneQueuedIsEnough
        | Broken::DeleteBeforeCommit
        | Broken::UnknownCommitIsDone
        | Broken::FailureNotReported
        | Broken::RequeueDeletesFirst
        | Broken::DeadIsDeleted => KEPT,
        Broken::ClaimWithoutCondition
        | Broken::MarkWithoutCondition
        | Broken::CommitWithoutMarker
        | Broken::CounterBeforeClaim
        | Broken::NoHorizon
        | Broken::ShortLivedClaims => ONCE,
        Broken::CommitWithoutVersion => WHOLE,
        Broken::DeadWithoutCondition => DEAD,
        Broken::RecoveryForgets | Broken::RecoveryPlansAgain => PROMISED,
        Broken::EmptyBeforeSend => SAID,
        Broken::SendBeforeCommit => CAUSED,
        Broken::ContentionIsDead => UNHARMED,
    }
}
