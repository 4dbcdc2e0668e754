//! Patterns of `matches`: regular expressions, in a time bounded by the sizes of the pattern and the text.
//!
//! For each byte of a text, the engine takes at most as many steps as its automaton has states. A pattern gets a
//! weight when it is compiled; matching uses that much work for each byte.

use super::fault::Fault;
use super::meter::Meter;
use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::NFA;
use tidings_config::limits::{MAX_AUTOMATON_BYTES, MAX_EVENT_AUTOMATON_BYTES, MAX_MATCHER_BYTES, MAX_PATTERN_BYTES};

/// States of a rule's own pattern that count as one unit of work for each byte. Most of its states encode the letters
/// in `\w`, of which one is tried at a time; the sender of the text doesn't choose the pattern.
const STATES_PER_WORK: usize = 256;

/// The same for a pattern from an event: all of its states may be tried at each byte.
const EVENT_STATES_PER_WORK: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: Box<str>,
    regex: Regex,
    /// Work for each byte of a text.
    weight: usize,
}

impl Pattern {
    /// A pattern in a rule. `None`: it isn't a valid pattern, or its automaton is too large.
    pub(super) fn of_a_rule(pattern: &str) -> Option<Self> {
        Self::compile(pattern, MAX_AUTOMATON_BYTES, STATES_PER_WORK)
    }

    /// A pattern that contains event data.
    pub(super) fn of_an_event(pattern: &str, meter: &mut Meter<'_>) -> Result<Self, Fault> {
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(Fault::Pattern(pattern.len()));
        }
        meter.spend(MAX_EVENT_AUTOMATON_BYTES)?;
        Self::compile(pattern, MAX_EVENT_AUTOMATON_BYTES, EVENT_STATES_PER_WORK).ok_or(Fault::Argument("matches"))
    }

    fn compile(pattern: &str, automaton_bytes: usize, states_per_work: usize) -> Option<Self> {
        let bounded = NFA::config().nfa_size_limit(Some(automaton_bytes));
        let states = NFA::compiler().configure(bounded).build(pattern).ok()?.states().len();
        let bounded = Regex::config().nfa_size_limit(Some(automaton_bytes)).hybrid_cache_capacity(MAX_MATCHER_BYTES);
        let regex = Regex::builder().configure(bounded).build(pattern).ok()?;
        Some(Self { text: pattern.into(), regex, weight: 1 + states / states_per_work })
    }

    /// As it is written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn matches(&self, text: &str, meter: &mut Meter<'_>) -> Result<bool, Fault> {
        meter.spend(self.weight.saturating_mul(text.len().saturating_add(1)))?;
        Ok(self.regex.is_match(text))
    }
}
