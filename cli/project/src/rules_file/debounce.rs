//! `debounce` of an emitted action.

use super::effects::SEND;
use super::{Scalar, expression};
use crate::{Checker, Spanned};
use serde::Deserialize;
use std::collections::BTreeMap;
use tidings_config::limits::{DEFAULT_TURN_EVENTS, MAX_TURN, MAX_TURN_EVENTS, MIN_TURN_EVENTS, MIN_TURN_QUIET};
use tidings_config::rules::{Debounce, RESULT_TYPE, Span, TURN_MESSAGE_NAMES, TurnTerms};
use tidings_expressions::Scope;

/// A turn ends as soon as one of its terms says so. Then its events are one action, in order.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DebounceEntry {
    /// Gives what tells turns of one conversation apart, such as a thread. Default: the conversation has one.
    by: Option<Spanned<Scalar>>,
    /// It ends so long after its latest event: `1s` to `15m`.
    quiet: Spanned<Span>,
    /// It ends so long after its first event: `quiet` to `15m`.
    at_most: Spanned<Span>,
    /// It ends with so many events: 2 to 100. Default: 20.
    #[schemars(range(min = MIN_TURN_EVENTS, max = MAX_TURN_EVENTS))]
    collect: Option<Spanned<u32>>,
}

/// `what` is the subject of messages, and `action_type` and `data` are what is emitted.
pub(super) fn debounce(
    checker: &mut Checker<'_>,
    what: &str,
    entry: Spanned<DebounceEntry>,
    scope: Scope,
    action_type: &str,
    data: &BTreeMap<String, String>,
) -> Debounce {
    let Spanned { value: DebounceEntry { by, quiet, at_most, collect }, referenced, .. } = entry;
    if scope == Scope::Join {
        let message =
            format!("{what} is a branch of a join, which ends once and has nothing to collect; `debounce` is for rules");
        checker.problem(referenced, message);
    }
    if [RESULT_TYPE, SEND].contains(&action_type) {
        checker
            .problem(referenced, format!("{action_type} has a form of its own, so it can't be collected; leave `debounce` out"));
    }
    for name in TURN_MESSAGE_NAMES.iter().filter(|name| data.contains_key(**name)) {
        let message = format!("{what} emits {name:?}, which each event of a turn has already; use another name");
        checker.problem(referenced, message);
    }
    let longest = Span::new(MAX_TURN);
    if quiet.value.duration() < MIN_TURN_QUIET || quiet.value > longest {
        let message = format!("`quiet` is {}, allowed: {} to {longest}", quiet.value, Span::new(MIN_TURN_QUIET));
        checker.problem(quiet.referenced, message);
    }
    if at_most.value < quiet.value || at_most.value > longest {
        let message = format!("`at_most` is {}, allowed: `quiet` ({}) to {longest}", at_most.value, quiet.value);
        checker.problem(at_most.referenced, message);
    }
    let events = collect.as_ref().map_or(DEFAULT_TURN_EVENTS, |collect| collect.value);
    if let Some(collect) = collect.filter(|collect| !(MIN_TURN_EVENTS..=MAX_TURN_EVENTS).contains(&collect.value)) {
        let message = format!("`collect` is {}, allowed: {MIN_TURN_EVENTS} to {MAX_TURN_EVENTS}", collect.value);
        checker.problem(collect.referenced, message);
    }
    Debounce {
        by: by.map(|by| expression(checker, by, scope)),
        terms: TurnTerms { quiet: quiet.value, at_most: at_most.value, collect: events },
    }
}
