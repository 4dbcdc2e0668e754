//! The format of a test of rules, described in `docs/testing-rules.md`.

use crate::Failure;
use crate::captures::Recorded;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tidings_config::rules::Span;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_events::corpus;
use tidings_project::{did_you_mean, yaml_message};

use super::given;

/// The version of the format.
const FORMAT_VERSION: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CasesFile {
    version: Spanned<u32>,
    tests: Vec<CaseEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseEntry {
    pub(super) name: String,
    /// The receiver's clock at the first event.
    at: Option<Spanned<String>>,
    /// The objects that rules fetch, by URL. Other URLs have no object.
    #[serde(default)]
    fetch: BTreeMap<String, Value>,
    given: Spanned<Vec<Spanned<GivenEntry>>>,
    expect: Spanned<Expect>,
}

/// An event, a case of the corpus, a recorded delivery, or time that passes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenEntry {
    event: Option<String>,
    source: Option<String>,
    id: Option<String>,
    subject: Option<String>,
    time: Option<String>,
    sequence: Option<u64>,
    conversation: Option<String>,
    dataschema: Option<String>,
    data: Option<Value>,
    /// The event repeats one that was given before.
    #[serde(default)]
    repeats: bool,
    corpus: Option<String>,
    /// Path from the folder of the test file.
    capture: Option<PathBuf>,
    wait: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    /// By id, or by claim key.
    #[serde(default)]
    pub(super) events: BTreeMap<String, Spanned<ExpectEvent>>,
    #[serde(default)]
    pub(super) contexts: BTreeMap<String, Spanned<ExpectContext>>,
    /// All actions that are sent; not checked if left out.
    pub(super) actions: Option<Spanned<Vec<Spanned<ExpectAction>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectEvent {
    pub(super) outcome: Option<String>,
    pub(super) conversation: Option<String>,
    pub(super) rules: Option<Vec<String>>,
    /// What was newer already: `ENTITY.FACT`, `node`.
    pub(super) overtaken: Option<Vec<String>>,
    /// The beginning of the reason.
    pub(super) dead: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectContext {
    /// `null`: the context has no node.
    #[serde(default, deserialize_with = "given_or_null")]
    pub(super) node: Option<Spanned<Option<String>>>,
    /// By entity and name. `null`: the fact isn't known.
    #[serde(default)]
    pub(super) facts: BTreeMap<String, BTreeMap<String, Spanned<Value>>>,
    /// By entity: exactly the facts whose values the provider or the rules wrote.
    #[serde(default)]
    pub(super) by_provider: BTreeMap<String, Spanned<Vec<String>>>,
}

/// Distinguishes an explicit `null` from a missing field.
fn given_or_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Spanned<Option<String>>>, D::Error> {
    Spanned::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectAction {
    pub(super) to: Option<String>,
    pub(super) rule: Option<String>,
    #[serde(rename = "type")]
    pub(super) action_type: Option<String>,
    pub(super) text: Option<String>,
    /// The expected fields of the action's data.
    #[serde(default)]
    pub(super) data: BTreeMap<String, Value>,
    /// Exactly the names in its data whose values the provider or the rules wrote.
    pub(super) by_provider: Option<Vec<String>>,
}

/// A step of the test, with its place in the file. Steps run in order.
pub(super) struct Step {
    pub(super) at: Location,
    pub(super) what: StepKind,
}

pub(super) enum StepKind {
    /// An event is received. `repeats`: an event that was received before.
    Event {
        event: Box<Envelope>,
        repeats: Repeats,
    },
    Wait(Span),
}

/// Whether an event repeats one that was given before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeats {
    /// The test declares the repetition.
    Yes,
    /// The corpus declares it for the case: the test may give the repeated event, or leave it out.
    OfTheCorpus,
    No,
}

/// A test that is ready to run.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) at: Timestamp,
    pub(super) fetch: BTreeMap<String, Value>,
    pub(super) steps: Vec<Step>,
    pub(super) expect: Expect,
}

/// Reads a file of tests.
pub(super) fn read(file: &str, text: &str, sources: &[Source]) -> Result<Vec<Case>, Failure> {
    let bad = |line: u64, column: u64, message: String| Failure::new(format!("{file}:{line}:{column}: {message}"));
    let parsed: CasesFile = serde_saphyr::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        bad(line, column, yaml_message(&error))
    })?;
    let place = |at: Location, message: String| bad(at.line(), at.column(), message);
    if parsed.version.value != FORMAT_VERSION {
        let message = format!("version {} of the format, allowed: {FORMAT_VERSION}", parsed.version.value);
        return Err(place(parsed.version.referenced, message));
    }
    if parsed.tests.is_empty() {
        return Err(bad(1, 1, "it contains no test".to_owned()));
    }
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    parsed.tests.into_iter().map(|entry| case(entry, folder, sources, &place)).collect()
}

fn case(
    entry: CaseEntry,
    folder: &Path,
    sources: &[Source],
    place: &impl Fn(Location, String) -> Failure,
) -> Result<Case, Failure> {
    let time = |text: &str, at: Location| {
        Timestamp::parse_rfc3339(text)
            .ok_or_else(|| place(at, format!("{text:?} isn't a time; write it as 2026-11-20T14:00:00Z")))
    };
    let at = entry.at.as_ref().map(|at| time(&at.value, at.referenced)).transpose()?.unwrap_or_else(given::noon);
    expects_something(&entry, place)?;
    let mut steps = Vec::new();
    for (n, Spanned { value: given, referenced: here, .. }) in entry.given.value.into_iter().enumerate() {
        let repeats = if given.repeats { Repeats::Yes } else { Repeats::No };
        let step = |event: Envelope, repeats| Step { at: here, what: StepKind::Event { event: Box::new(event), repeats } };
        match (given.event, given.corpus, given.capture, given.wait) {
            (Some(event_type), None, None, None) => {
                let source = given.source.ok_or_else(|| place(here, "an event without a `source`".to_owned()))?;
                if !sources.iter().any(|known| known.name == source) {
                    let names: Vec<&str> = sources.iter().map(|s| s.name.as_str()).collect();
                    let near = did_you_mean(&source, names.iter().copied());
                    return Err(place(here, format!("unknown source {source:?}, configured: {}{near}", names.join(", "))));
                }
                let id = given.id.unwrap_or_else(|| format!("e{}", n + 1));
                let data = given.data.unwrap_or(Value::Null).to_string();
                let mut envelope = Envelope::new(NewEnvelope {
                    claim_key: ClaimKey::new(&source, &id),
                    id,
                    source,
                    event_type,
                    subject: given.subject,
                    time: given.time.as_deref().map(|text| time(text, here)).transpose()?,
                    conversation: given.conversation,
                    sequence: given.sequence,
                    received: at,
                    traceparent: None,
                    payload: Payload::Json(RawValue::from_string(data).expect("a value is JSON")),
                });
                envelope.dataschema = given.dataschema;
                steps.push(step(envelope, repeats));
            }
            (None, Some(name), None, None) => {
                let near = || did_you_mean(&name, corpus().cases.iter().map(|case| case.name.as_str()));
                let known =
                    corpus().case(&name).ok_or_else(|| place(here, format!("the corpus has no case {name:?}{}", near())))?;
                let repeats = if known.repeats && !given.repeats { Repeats::OfTheCorpus } else { repeats };
                let events = given::of_case(known, sources, at).map_err(|failure| place(here, failure.to_string()))?;
                let before = steps.len();
                steps.extend(events.into_iter().map(|event| step(event, repeats)));
                holds_an_event(steps.len() - before, here, place)?;
            }
            (None, None, Some(path), None) => {
                let recorded = Recorded::read(&folder.join(path)).and_then(|recorded| recorded.events());
                let recorded = recorded.map_err(|failure| place(here, failure.to_string()))?;
                let before = steps.len();
                steps.extend(recorded.into_iter().map(|event| step(event, repeats)));
                holds_an_event(steps.len() - before, here, place)?;
            }
            (None, None, None, Some(span)) => steps.push(Step { at: here, what: StepKind::Wait(span) }),
            (None, None, None, None)
            | (Some(_), Some(_), _, _)
            | (Some(_), None, Some(_), _)
            | (Some(_), None, None, Some(_))
            | (None, Some(_), Some(_), _)
            | (None, Some(_), None, Some(_))
            | (None, None, Some(_), Some(_)) => {
                return Err(place(here, "an entry of `given` has one of `event`, `corpus`, `capture` and `wait`".to_owned()));
            }
        }
    }
    Ok(Case { name: entry.name, at, fetch: entry.fetch, steps, expect: entry.expect.value })
}

/// A test that can't fail checks nothing: it is refused, and so is an empty expectation.
fn expects_something(entry: &CaseEntry, place: &impl Fn(Location, String) -> Failure) -> Result<(), Failure> {
    let Expect { events, contexts, actions } = &entry.expect.value;
    if events.is_empty() && contexts.is_empty() && actions.is_none() {
        let message = "nothing is expected: give at least one of `events`, `contexts` and `actions`";
        return Err(place(entry.expect.referenced, message.to_owned()));
    }
    let is_empty = |context: &ExpectContext| {
        context.node.is_none() && context.facts.values().all(BTreeMap::is_empty) && context.by_provider.is_empty()
    };
    if let Some((name, context)) = contexts.iter().find(|(_, context)| is_empty(&context.value)) {
        return Err(place(context.referenced, format!("nothing is expected of {name}: give its `node` or one of its `facts`")));
    }
    let is_event = |given: &Spanned<GivenEntry>| given.value.wait.is_none();
    if !entry.given.value.iter().any(is_event) {
        return Err(place(entry.given.referenced, "no event is given, so nothing can happen".to_owned()));
    }
    Ok(())
}

fn holds_an_event(events: usize, here: Location, place: &impl Fn(Location, String) -> Failure) -> Result<(), Failure> {
    if events == 0 { Err(place(here, "it contains no event".to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz;

    #[test]
    fn no_file_of_tests_makes_a_command_panic() {
        let sources = tidings_events::project::sources();
        let enriching = include_bytes!("../../../tests/rules/enriching.yaml");
        let failing = include_bytes!("../../../tests/rules/failing.yaml");
        let captured = include_bytes!("../../../tests/captures/delivered.yaml");
        fuzz::never_panics(&[enriching, failing, captured], |bytes| {
            let _ = read("cli/tests/captures/test.yaml", &fuzz::text(bytes), &sources);
        });
    }
}
