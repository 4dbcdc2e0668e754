//! Finds events that a schema allows and that have no value for a rule. Each is shown by a payload: a known one, or one
//! generated from the schema, is changed at one place in a way that the schema allows, and stays valid.

use super::super::known::KnownEvent;
use super::declared::{at, fill, instance, others};
use super::probe::{Found, Probe, ProbeResult};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use tidings_config::schemas::EventSchemas;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_expressions::{Expression, Lack, Place, Scope, Step};

/// Maximum number of payloads of a schema that are changed.
const MAX_BASES: usize = 4;

/// Maximum number of failing places that are replaced in one payload.
const MAX_REPLACED: usize = 4;

/// Maximum number of changes that are tried to make a payload for which a rule holds.
const MAX_TRIES: usize = 256;

/// A value that a schema allows at a place, and for which a part fails.
#[derive(Debug)]
pub(super) struct Allowed {
    /// As in `orders/order.shipped/1`.
    pub(super) schema: String,
    pub(super) found: Found,
}

/// The failures of one probe, with the schemas of one event type.
pub(super) fn allowed(
    probe: &Probe<'_>,
    schemas: &EventSchemas,
    (source, event_type): (&str, &str),
    known: &[KnownEvent],
    now: Timestamp,
) -> Vec<Allowed> {
    let places: BTreeSet<Place> = probe
        .expressions()
        .iter()
        .filter_map(|placed| Expression::parse(placed.text, Scope::Event).ok())
        .flat_map(|expression| expression.reads(Scope::Event))
        .filter(|place| place.variable == "data")
        .collect();
    let mut all = Vec::new();
    for (version, text) in schemas.texts(source, event_type) {
        let Ok(root) = serde_json::from_str::<Value>(text.get()) else { continue };
        let tried = Schema { schemas, root: &root, version };
        let mut found = Vec::new();
        for base in tried.bases(probe, known, &made(source, event_type, &root, now), &places) {
            for place in &places {
                for found_here in tried.changed(&base, place).iter().flat_map(|changed| failures(probe, changed, place)) {
                    found.push(found_here);
                }
            }
        }
        let schema = format!("{source}/{event_type}/{version}");
        all.extend(found.into_iter().map(|found| Allowed { schema: schema.clone(), found }));
    }
    all
}

fn failures(probe: &Probe<'_>, changed: &Envelope, place: &Place) -> Vec<Found> {
    match probe.try_event(changed) {
        ProbeResult::Passed | ProbeResult::Held => Vec::new(),
        // Keeps only the failures that the change causes: the others say nothing about the schema.
        ProbeResult::Failed(found) => {
            found.into_iter().filter(|found| found.place.as_ref() == Some(place) && found.lack != Lack::Value).collect()
        }
    }
}

fn made(source: &str, event_type: &str, root: &Value, now: Timestamp) -> Envelope {
    Envelope::new(NewEnvelope {
        id: "made".to_owned(),
        source: source.to_owned(),
        event_type: event_type.to_owned(),
        subject: Some(ANY_NAME.to_owned()),
        time: Some(now),
        conversation: Some(ANY_NAME.to_owned()),
        sequence: Some(1),
        received: now,
        claim_key: ClaimKey::new(source, "made"),
        traceparent: None,
        payload: Payload::Json(raw(&instance(root))),
    })
}

const ANY_NAME: &str = "x";

fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A known event, with all other fields that the schema names.
fn filled(known: &Envelope, made: &Envelope) -> Envelope {
    let read = |envelope: &Envelope| serde_json::from_str::<Value>(envelope.data.get()).unwrap_or_default();
    let mut data = read(known);
    fill(&mut data, &read(made));
    with_data(known, raw(&data))
}

fn with_data(event: &Envelope, data: Box<RawValue>) -> Envelope {
    let mut event = event.clone();
    event.data = data;
    event
}

struct Schema<'s> {
    schemas: &'s EventSchemas,
    root: &'s Value,
    version: &'s str,
}

impl Schema<'_> {
    /// The event with this schema version, if it is valid.
    fn valid(&self, mut envelope: Envelope) -> Option<Envelope> {
        envelope.dataschema = Some(self.version.to_owned());
        envelope.validate(self.schemas).is_none().then_some(envelope)
    }

    /// Valid events for which nothing fails. Events for which the rule holds come first.
    fn bases(&self, probe: &Probe<'_>, known: &[KnownEvent], made: &Envelope, places: &BTreeSet<Place>) -> Vec<Envelope> {
        let (mut held, mut passed) = (Vec::new(), Vec::new());
        let is_one = |event: &&Envelope| event.source == made.source && event.event_type == made.event_type;
        let known = known.iter().map(|known| &known.envelope).filter(is_one);
        let filled = known.clone().take(MAX_BASES).map(|event| filled(event, made));
        for event in known.cloned().chain(filled).chain([made.clone()]) {
            match self.valid(event).and_then(|event| self.sound(probe, event)) {
                Some((true, event)) => held.push(event),
                Some((false, event)) => passed.push(event),
                None => {}
            }
        }
        if held.is_empty() {
            held.extend(passed.iter().find_map(|event| self.led_to(probe, event, places)));
        }
        // The generated event, which has all fields of the schema, is the last one.
        let made = held.pop();
        held.truncate(MAX_BASES - 1);
        held.extend(made);
        passed.truncate(MAX_BASES - held.len().min(MAX_BASES));
        held.extend(passed);
        held
    }

    /// Returns the event, and whether the rule holds for it. Values that fail are replaced by others that the schema
    /// allows.
    fn sound(&self, probe: &Probe<'_>, mut event: Envelope) -> Option<(bool, Envelope)> {
        for _ in 0..MAX_REPLACED {
            let place = match probe.try_event(&event) {
                ProbeResult::Held => return Some((true, event)),
                ProbeResult::Passed => return Some((false, event)),
                ProbeResult::Failed(found) => found.first()?.place.clone()?,
            };
            let fails_there = |event: &Envelope| match probe.try_event(event) {
                ProbeResult::Held | ProbeResult::Passed => false,
                ProbeResult::Failed(found) => found.iter().any(|found| found.place.as_ref() == Some(&place)),
            };
            event = self.changed(&event, &place).into_iter().find(|event| !fails_there(event))?;
        }
        None
    }

    /// The event with one or two values replaced by texts that expressions have in quotes, so that the rule holds for
    /// it.
    fn led_to(&self, probe: &Probe<'_>, event: &Envelope, places: &BTreeSet<Place>) -> Option<Envelope> {
        let texts: BTreeSet<&str> = probe.expressions().into_iter().flat_map(|placed| quoted(placed.text)).collect();
        let data: Value = serde_json::from_str(event.data.get()).ok()?;
        let changes: Vec<(&Place, &str)> = places.iter().flat_map(|place| texts.iter().map(move |text| (place, *text))).collect();
        let pairs = changes.iter().flat_map(|one| changes.iter().map(move |other| [one, other]));
        let once = changes.iter().map(|one| [one, one]);
        for pair in once.chain(pairs).take(MAX_TRIES) {
            let mut data = data.clone();
            for (place, text) in pair {
                if let Some(value) = find(&mut data, &place.steps) {
                    *value = Value::String((*text).to_owned());
                }
            }
            let led = self.valid(with_data(event, raw(&data)));
            if let Some(led) = led.filter(|led| matches!(probe.try_event(led), ProbeResult::Held)) {
                return Some(led);
            }
        }
        None
    }

    /// The event with other values at that place that the schema explicitly allows, and without the place.
    fn changed(&self, base: &Envelope, place: &Place) -> Vec<Envelope> {
        let declared = at(self.root, &place.steps);
        let Ok(mut data) = serde_json::from_str::<Value>(base.data.get()) else { return Vec::new() };
        let Some(there) = (if declared.is_empty() { None } else { find(&mut data, &place.steps).cloned() }) else {
            return Vec::new();
        };
        let mut changed = Vec::new();
        if let Some((Step::Field(last), before)) = place.steps.split_last() {
            let mut without = data.clone();
            if let Some(Value::Object(fields)) = find(&mut without, before) {
                fields.remove(last);
                changed.push(raw(&without));
            }
        }
        for other in others(&declared, &there) {
            if let Some(value) = find(&mut data, &place.steps) {
                *value = other;
            }
            changed.push(raw(&data));
        }
        let event = |data| self.valid(with_data(base, data));
        changed.into_iter().filter_map(event).collect()
    }
}

/// The value at a place. Of a list it takes the first element.
fn find<'v>(value: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get_mut(name),
        Step::Index(index) => value.get_mut(usize::try_from(*index).ok()?),
        Step::Each => value.get_mut(0),
    })
}

/// The texts in quotes.
fn quoted(expression: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find(['\'', '"']) {
        let (quote, after) = rest[at..].split_at(1);
        let Some((text, after)) = after.split_once(quote) else { break };
        found.push(text);
        rest = after;
    }
    found
}
