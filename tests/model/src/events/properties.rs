//! What must hold in every state.

use super::Events;
use super::decided::Kind;
use super::state::{EVENTS, FORGED, IDENTITY, State};
use stateright::Property;
use tidings_core::claim::ClaimState;

/// An event with a 2xx is processed, or its message is in a queue, in an invocation, or in the dead-letter queue.
pub const DURABLE: &str = "acknowledged means durable";
/// No event counts twice, in any conversation.
pub const ONCE: &str = "an event takes effect at most once";
/// A processed event's effect is stored, unless it was erased.
pub const STORED: &str = "what is processed is stored";
/// When nothing moves any more: what was acknowledged is processed or dead-lettered, and its promises are kept.
pub const ENDS: &str = "everything ends, with its promises kept";
/// A dead-lettered event has its reason in its claim, unless that call failed or a process died.
pub const REASON: &str = "a dead-lettered event has a reason";
/// A forged request leaves no trace.
pub const FORGERY: &str = "a forged request changes nothing";
/// The first copies of a conversation's actions come in the order of their commits.
pub const ORDER: &str = "actions are sent in order";
/// An action is sent only of a processed event.
pub const CAUSE: &str = "an action has a processed cause";
/// What was erased doesn't come back.
pub const ERASED: &str = "what is erased stays erased";

pub(super) fn all() -> Vec<Property<Events>> {
    vec![
        Property::always(DURABLE, |_, state: &State| {
            each(state.history.acknowledged).all(|e| is_done(state, e) || state.holds(bit(e)))
        }),
        Property::always(ONCE, |_, state: &State| (0..EVENTS).all(|event| counted(state, event) <= 1)),
        Property::always(STORED, is_stored),
        Property::always(ENDS, ends),
        Property::always(REASON, has_reason),
        Property::always(FORGERY, |model: &Events, state: &State| {
            !model.setup.forged
                || state.claims[usize::from(FORGED)].is_none() && !state.holds(FORGED) && !is_done(state, usize::from(FORGED))
        }),
        Property::always(ORDER, |_, state: &State| !state.history.disordered),
        Property::always(CAUSE, |_, state: &State| state.history.sent & !state.history.done == 0),
        Property::always(ERASED, stays_erased),
    ]
}

fn bit(event: usize) -> u8 {
    u8::try_from(event).unwrap_or(u8::MAX)
}

fn each(events: u8) -> impl Iterator<Item = usize> {
    (0..EVENTS).filter(move |event| events & (1 << event) != 0)
}

fn is_done(state: &State, event: usize) -> bool {
    state.history.done & (1 << event) != 0
}

fn is_erased(state: &State, event: usize) -> bool {
    state.history.erased & (1 << event) != 0
}

fn counted(state: &State, event: usize) -> u8 {
    state.partitions.iter().filter_map(|partition| partition.entity).map(|entity| entity.counts[event]).sum()
}

fn has_facts(state: &State, event: usize) -> bool {
    state.partitions.iter().filter_map(|partition| partition.entity).any(|entity| entity.facts & (1 << event) != 0)
}

fn is_stored(model: &Events, state: &State) -> bool {
    let late = |event: usize| {
        // Only without that protection the claim comes first, and then this is what goes wrong if the process stops.
        state
            .workers
            .iter()
            .any(|work| usize::from(work.message.event) == event && matches!(work.step, super::Doing::FactsLate { .. }))
    };
    each(state.history.done & !state.history.erased).all(|event| match model.setup.kinds[event] {
        Kind::Noted | Kind::Link => true,
        Kind::Facts => has_facts(state, event) || late(event),
        Kind::Action | Kind::OfIdentity => counted(state, event) >= 1,
    })
}

fn ends(_: &Events, state: &State) -> bool {
    if !state.is_quiet() {
        return true;
    }
    let is_dead = |event: usize| state.dead.iter().any(|letter| usize::from(letter.message.event) == event);
    let has_ended = each(state.history.acknowledged).all(|event| is_done(state, event) || is_dead(event));
    // A dead letter of a processed event is what a redrive finishes it by.
    let unfinished = each(state.history.done).any(|event| is_dead(event) || state.history.dropped & (1 << event) != 0);
    let outboxes = state.partitions.iter().filter_map(|partition| partition.outbox).all(|outbox| outbox.is_sent());
    let identity = &state.partitions[usize::from(IDENTITY)];
    let moved = identity.link.is_none() || identity.entity.is_none();
    has_ended && (unfinished || outboxes && moved && actions_sent(state))
}

/// Every action that left an outbox was sent.
fn actions_sent(state: &State) -> bool {
    let added: u8 = state.partitions.iter().filter_map(|partition| partition.outbox).map(|outbox| outbox.next).sum();
    u32::from(added) <= state.history.sent.count_ones()
}

fn has_reason(_: &Events, state: &State) -> bool {
    state.dead.iter().filter(|letter| !letter.excused).all(|letter| {
        let claim = state.claims[usize::from(letter.message.event)];
        claim.is_none_or(|claim| matches!(claim.state, ClaimState::Dead | ClaimState::Processed))
            && (claim.is_some() || state.age > 0)
    })
}

fn stays_erased(_: &Events, state: &State) -> bool {
    let waits = |event: usize| {
        let outboxes = state.partitions.iter().filter_map(|partition| partition.outbox);
        outboxes.flat_map(|outbox| outbox.waiting).any(|waiting| usize::from(waiting) == event + 1)
    };
    state.history.returned == 0
        && each(state.history.erased)
            .all(|event| is_erased(state, event) && counted(state, event) == 0 && !has_facts(state, event) && !waits(event))
}
