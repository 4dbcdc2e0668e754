//! What must hold of the sends in every state.

use super::Sends;
use super::state::{ACTIONS, Kind, State};
use stateright::Property;

/// An action is said once, plus once for each redrive of what may have been sent.
pub const ONCE: &str = "an action is said once";
/// Actions are said in their order, but for those that an operator redrives.
pub const ORDER: &str = "actions are said in order";
/// An action is in the queue, or sent, or in the dead-letter queue.
pub const KEPT: &str = "no action disappears";
/// `sent` was said. `refused` wasn't; what an operator redrove although it may have been sent doesn't count.
pub const HONEST: &str = "a record is true";

pub(super) fn all() -> Vec<Property<Sends>> {
    vec![
        Property::always(ONCE, |_, state: &State| (0..ACTIONS).all(|n| state.said[n] <= 1 + state.may_repeat[n])),
        Property::always(ORDER, |_, state: &State| !state.disordered),
        Property::always(KEPT, |_, state: &State| (0..ACTIONS).all(|n| is_kept(state, n))),
        Property::always(HONEST, |_, state: &State| (0..ACTIONS).all(|n| is_honest(state, n))),
    ]
}

fn is_kept(state: &State, action: usize) -> bool {
    let is_sent = state.said[action] > 0 && !state.records[action].is_some_and(|record| record.is_uncertain());
    (state.queued | state.taken) & (1 << action) != 0 || is_sent || state.dead[action].is_some()
}

fn is_honest(state: &State, action: usize) -> bool {
    state.records[action].is_none_or(|record| match record.kind {
        Kind::Sent => state.said[action] > 0,
        Kind::Refused => state.said[action] <= state.may_repeat[action],
        Kind::Sending | Kind::Waiting | Kind::Uncertain => true,
    })
}
