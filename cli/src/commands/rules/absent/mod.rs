//! Finds where rules have no value for an event of the samples, or for an event that a schema allows: a field that may
//! be missing, null or of another type. Such an event ends in the dead-letter queue.
//!
//! The search doesn't guess from the text of an expression. It gives events, known ones and ones that a schema allows,
//! to the planner that is deployed, and reports what fails. So a guard that works in production also works here.

mod declared;
mod probe;
mod witness;

use super::known::KnownEvent;
use super::warning::{Absent, Places, Reason, Warning};
use probe::{Found, Probe, ProbeResult, ProbeSubject};
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::rules::Rules;
use tidings_config::schemas::{EventSchemas, OnMismatch};
use tidings_config::time::Timestamp;
use tidings_expressions::{Lack, Place, Step};
use witness::{Allowed, allowed};

/// The part that fails, where, and in which way. Each key gives one warning.
type Key = (String, Option<Place>, Lack);

/// A failure that known events show.
#[derive(Debug)]
struct ObservedFailure {
    found: Found,
    first: String,
    without: usize,
}

/// Checks all of these rules. `known` are events that the rules may match.
pub(super) fn look(rules: &Rules, places: &Places, known: &[KnownEvent], schemas: &EventSchemas, now: Timestamp) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for probe in Probe::all(rules) {
        let about = |known: &&KnownEvent| probe.is_about(known.envelope.source_name(), &known.envelope.event_type);
        let refused = |known: &&KnownEvent| {
            known.envelope.validate(schemas).is_some_and(|finding| finding.on_mismatch == OnMismatch::Reject)
        };
        let events: Vec<&KnownEvent> = known.iter().filter(about).filter(|known| !refused(known)).collect();
        let mut tally = Tally::of(&probe, &events);
        let valueless = tally.take_valueless();
        for (found, sample) in &valueless {
            let message = format!("{}: {} has no value for any known event: {}", found.part, found.expression, found.what);
            let absent = Absent { sample: Some(sample.clone()), ..absent(&probe, found) };
            warnings.push(warning(&probe, found, places, message, absent));
        }
        for seen in tally.seen.values() {
            let of = tally.about(&seen.found);
            let as_in = format!("for example in {} ({} of {of} known events)", seen.first, seen.without);
            let known = (Some(seen.first.clone()), Some(seen.without), Some(of));
            let absent = Absent { sample: known.0, without: known.1, of: known.2, ..absent(&probe, &seen.found) };
            warnings.push(warning(&probe, &seen.found, places, said(&seen.found, &as_in), absent));
        }
        let mut known_already: BTreeSet<Key> = tally.seen.into_keys().collect();
        known_already.extend(valueless.iter().map(|(found, _)| key(found)));
        for (source, event_type) in schemas.types().filter(|(source, event_type)| probe.is_about(source, event_type)) {
            for Allowed { schema, found } in allowed(&probe, schemas, (source, event_type), known, now) {
                if known_already.insert(key(&found)) {
                    let message = said(&found, &format!("as schema {schema} allows"));
                    let absent = Absent { schema: Some(schema), ..absent(&probe, &found) };
                    warnings.push(warning(&probe, &found, places, message, absent));
                }
            }
        }
    }
    warnings
}

fn key(found: &Found) -> Key {
    (found.part.clone(), found.place.clone(), found.lack)
}

/// The results of the known events.
#[derive(Default)]
struct Tally {
    seen: BTreeMap<Key, ObservedFailure>,
    /// For each part, the number of events that it fails for.
    failed: BTreeMap<String, usize>,
    /// The number of events that `when` is evaluated for, and of those for which it holds.
    asked: usize,
    held: usize,
}

impl Tally {
    fn of(probe: &Probe<'_>, events: &[&KnownEvent]) -> Self {
        let mut tally = Self { asked: events.len(), ..Self::default() };
        for event in events {
            match probe.try_event(&event.envelope) {
                ProbeResult::Passed => {}
                ProbeResult::Held => tally.held += 1,
                ProbeResult::Failed(found) => {
                    tally.held += usize::from(!found.iter().any(Found::is_condition));
                    tally.fails(event, found);
                }
            }
        }
        tally
    }

    fn fails(&mut self, event: &KnownEvent, found: Vec<Found>) {
        let parts: BTreeSet<String> = found.iter().map(|found| found.part.clone()).collect();
        parts.into_iter().for_each(|part| *self.failed.entry(part).or_default() += 1);
        // The first result of each key stays.
        let keys: BTreeMap<Key, Found> = found.into_iter().rev().map(|found| (key(&found), found)).collect();
        for (key, found) in keys {
            let seen = self.seen.entry(key).or_insert_with(|| ObservedFailure { found, first: event.name.clone(), without: 0 });
            seen.without += 1;
        }
    }

    /// The number of events that a part is evaluated for.
    fn about(&self, found: &Found) -> usize {
        if found.is_condition() { self.asked } else { self.held }
    }

    /// Takes out the parts that fail for every known event, each part once.
    fn take_valueless(&mut self) -> Vec<(Found, String)> {
        let mut taken: Vec<(Found, String)> = Vec::new();
        for (key, seen) in std::mem::take(&mut self.seen) {
            if self.failed.get(&seen.found.part).copied().unwrap_or_default() < self.about(&seen.found) {
                self.seen.insert(key, seen);
            } else if !taken.iter().any(|(other, _)| other.part == seen.found.part) {
                taken.push((seen.found, seen.first));
            }
        }
        taken
    }
}

fn absent(probe: &Probe<'_>, found: &Found) -> Absent {
    let rule = match probe.of {
        ProbeSubject::Conversations(_) => None,
        ProbeSubject::Rule(_, rule) => Some(rule.name.clone()),
        ProbeSubject::Leg(_, join, _) => Some(join.name.clone()),
    };
    let field = match probe.of {
        ProbeSubject::Conversations(_) | ProbeSubject::Rule(..) => found.field.clone(),
        ProbeSubject::Leg(_, _, leg) => found.field.replacen("all[0]", &format!("all[{leg}]"), 1),
    };
    let reason = match found.lack {
        Lack::Missing => Reason::Missing,
        Lack::Null => Reason::Null,
        Lack::Kind(_) => Reason::Type,
        Lack::Value => Reason::Value,
    };
    let path = found.place.as_ref().map(Place::to_string);
    Absent { rule, field, path, reason, sample: None, without: None, of: None, schema: None }
}

fn warning(probe: &Probe<'_>, found: &Found, places: &Places, message: String, absent: Absent) -> Warning {
    let (list, index) = match probe.of {
        ProbeSubject::Conversations(_) => (&places.conversations, found.entry),
        ProbeSubject::Rule(index, _) => (&places.rules, index),
        ProbeSubject::Leg(index, ..) => (&places.joins, index),
    };
    Warning::at(list, index, message).of_a_place(absent)
}

/// The text of a warning: the problem, the evidence, and what to do.
fn said(found: &Found, evidence: &str) -> String {
    let Found { part, expression, place, way, lack, what, .. } = found;
    let Some(place) = place else {
        let expression = if expression.is_empty() { "it" } else { expression };
        return format!("{part}: {expression} has no value, {evidence}: {what}");
    };
    let remedy = || match place.to_string() {
        whole if part.ends_with("notify.text") && *expression == whole => {
            format!("give a default: {{{whole}|…}}")
        }
        whole if whole.contains("[*]") => format!("test it first with has(…) and {whole} != null"),
        _ => {
            let way = way.as_ref().filter(|way| !way.steps.contains(&Step::Each)).unwrap_or(place);
            format!("give a default: {}.orValue(…)", way.optional(place.steps.len()))
        }
    };
    match lack {
        Lack::Missing => format!("{part}: {place} may be missing, {evidence}; {}", remedy()),
        Lack::Null => format!("{part}: {place} may be null, {evidence}; {}", remedy()),
        Lack::Kind(kind) => format!("{part}: {place} may be of type {kind}, {evidence}: {what}"),
        Lack::Value => format!("{part}: {place} may have a value that doesn't fit, {evidence}: {what}"),
    }
}
