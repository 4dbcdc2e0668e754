//! `tidings rules check`: reports what the build would refuse, what can never happen, and what expressions cost.

use super::absent;
use super::expressions::{Placed, of_all};
use super::files::RulesFile;
use super::files::chosen_here;
use super::known::{self, KnownEvent};
use super::warning::{Places, Warning};
use super::{given, types};
use crate::Failure;
use crate::style::{BAD, FAINT, GOOD, WARN, count, data, paint, say};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeSet;
use std::process::ExitCode;
use tidings_config::OneOrMany;
use tidings_config::rules::{Rule, Rules, TypePattern, is_about};
use tidings_config::schemas::{EventSchema, EventSchemas};
use tidings_config::source::Source;
use tidings_expressions::Expression;
use tidings_project::{Configuration, ProjectFile, ProjectFiles, Report, did_you_mean};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidings rules check\n  tidings rules check --rules new.yaml --json")]
pub struct RulesCheck {
    #[command(flatten)]
    pub file: RulesFile,
}

/// An expression, and the maximum number of steps that it takes.
#[derive(Debug, Serialize)]
pub(super) struct Cost {
    place: String,
    steps: usize,
}

/// The findings in rules that are valid.
struct Findings {
    warnings: Vec<Warning>,
    notes: Vec<Warning>,
    /// The most expensive first.
    costs: Vec<Cost>,
}

/// Number of expressions that are shown, the most expensive first.
const SHOWN: usize = 5;

/// Maximum number of known types listed beside a type that nobody sends: `tidings providers show` lists all types of a
/// preset.
const SHOWN_KNOWN: usize = 8;

/// Maximum number of types suggested for a type that nobody sends.
const SHOWN_ALIKE: usize = 3;

/// Maximum number of warnings shown for one entry, rule or join. `--json` has all.
const SHOWN_OF_ONE: usize = 8;

pub(crate) fn run(options: RulesCheck) -> Result<ExitCode, Failure> {
    let files = chosen_here(&options.file)?;
    let Configuration { sources, rules, schemas, .. } = match files.read() {
        Ok(configuration) => configuration,
        Err(report) => return Ok(refused(&report, options.file.json)),
    };
    let ProjectFile { shown: file, text: written, .. } = files.rules;
    let Findings { warnings, notes, costs } = findings(&rules, &written, &sources, schemas)?;
    if options.file.json {
        data(&serde_json::json!({ "errors": [], "warnings": warnings, "notes": notes, "costs": costs }));
    } else {
        for of_one in warnings.chunk_by(|one, next| (one.line, one.column) == (next.line, next.column)) {
            for Warning { line, column, message, .. } in of_one.iter().take(SHOWN_OF_ONE) {
                say!("{} {file}:{line}:{column}: {message}", paint(WARN, "warning"));
            }
            if let Some(more @ [Warning { line, column, .. }, ..]) = of_one.get(SHOWN_OF_ONE..) {
                say!("{} {file}:{line}:{column}: and {} more; --json prints all", paint(WARN, "warning"), more.len());
            }
        }
        for Warning { line, column, message, .. } in &notes {
            say!("{} {file}:{line}:{column}: {message}", paint(FAINT, "note"));
        }
        say!("{}", paint(FAINT, format!("{}; the most expensive, in steps:", count(costs.len(), "expression"))));
        costs.iter().take(SHOWN).for_each(|Cost { place, steps }| say!("{steps:>8}  {place}"));
        let (rules, joins) = (count(rules.rules.len(), "rule"), count(rules.joins.len(), "join"));
        match warnings.len() {
            0 => say!("{}", paint(GOOD, format!("{rules}, {joins}: no warning"))),
            n => say!("{}", paint(WARN, format!("{rules}, {joins}: {n}"))),
        }
    }
    Ok(if warnings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn findings(rules: &Rules, written: &str, sources: &[Source], schemas: Vec<EventSchema>) -> Result<Findings, Failure> {
    let corpus = known::of_corpus(sources, given::noon())?;
    let (found, costs) = look(rules, written, corpus, sources, &EventSchemas::new(schemas));
    let (notes, warnings) = found.into_iter().partition(|warning| warning.is_note);
    Ok(Findings { warnings, notes, costs })
}

/// Warnings and notes of a project's rules, a line each: `FILE:LINE:COLUMN: message`.
pub(crate) fn lines(files: &ProjectFiles, configuration: &Configuration) -> Result<(Vec<String>, Vec<String>), Failure> {
    let Configuration { sources, rules, schemas, .. } = configuration;
    let ProjectFile { shown: file, text: written, .. } = &files.rules;
    let Findings { warnings, notes, costs: _ } = findings(rules, written, sources, schemas.clone())?;
    let line = |Warning { line, column, message, .. }: Warning| format!("{file}:{line}:{column}: {message}");
    Ok((warnings.into_iter().map(line).collect(), notes.into_iter().map(line).collect()))
}

/// Prints what the build would refuse.
fn refused(report: &Report, json: bool) -> ExitCode {
    if json {
        let errors: Vec<String> = report.0.iter().map(ToString::to_string).collect();
        data(&serde_json::json!({ "errors": errors, "warnings": [], "notes": [], "costs": [] }));
    } else {
        report.0.iter().for_each(|problem| say!("{} {problem}", paint(BAD, "error")));
    }
    ExitCode::FAILURE
}

/// `written` is the text of the rules. `corpus` has events that the rules may match, in addition to those of the
/// samples.
pub(super) fn look(
    rules: &Rules,
    written: &str,
    corpus: Vec<KnownEvent>,
    sources: &[Source],
    schemas: &EventSchemas,
) -> (Vec<Warning>, Vec<Cost>) {
    let places = Places::of(written);
    let known = known(&corpus, sources, schemas);
    let mut events = corpus;
    events.extend(known::of_samples(sources, |source, event_type| is_read(rules, source, event_type)));
    let mut warnings = warnings(rules, &places, &known, sources);
    warnings.extend(absent::look(rules, &places, &events, schemas, given::noon()));
    warnings.sort_by_key(|warning| (warning.line, warning.column));
    (warnings, costs(rules))
}

/// Whether rules read events of that type. An entry of `conversations` counts too.
fn is_read(rules: &Rules, source: &str, event_type: &str) -> bool {
    rules.rules.iter().any(|rule| is_about(&rule.on, &rule.source, source, event_type))
        || rules.joins.iter().flat_map(|join| &join.all).any(|leg| is_about(&leg.on, &leg.source, source, event_type))
        || rules.conversations.iter().any(|entry| is_about(&entry.on, &entry.source, source, event_type))
}

/// Source and type of all events that the corpus, a schema or the samples of a source's preset contain.
type Known = BTreeSet<(String, String)>;

fn known(events: &[KnownEvent], sources: &[Source], schemas: &EventSchemas) -> Known {
    let owned = |(source, event_type): (&str, &str)| (source.to_owned(), event_type.to_owned());
    let of_events = events.iter().map(|known| owned((known.envelope.source_name(), &known.envelope.event_type)));
    of_events.chain(schemas.types().map(owned)).chain(known::sampled_types(sources).map(owned)).collect()
}

fn warnings(rules: &Rules, places: &Places, known: &Known, configured: &[Source]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let unheard = |on: &OneOrMany<TypePattern>, sources: &OneOrMany<String>| unheard(on, sources, known, configured);
    for (n, entry) in rules.conversations.iter().enumerate() {
        if let Some((why, may_be)) = unheard(&entry.on, &entry.source) {
            let message = format!("this entry {}: {why}", matches_none(may_be));
            warnings.push(Warning::at(&places.conversations, n, message).noted(may_be));
        }
        let first = rules.conversations[..n]
            .iter()
            .position(|other| (&other.on, &other.source, &other.whose) == (&entry.on, &entry.source, &entry.whose));
        if let Some(first) = first {
            warnings.push(Warning::at(&places.conversations, n, format!("entry {} already says the same", first + 1)));
        }
    }
    for (n, rule) in rules.rules.iter().enumerate() {
        if let Some((why, may_be)) = unheard(&rule.on, &rule.source) {
            let message = format!("rule {:?} {}: {why}", rule.name, matches_none(may_be));
            warnings.push(Warning::at(&places.rules, n, message).noted(may_be));
        }
        if rule.when.as_deref() == Some("false") {
            warnings.push(Warning::at(&places.rules, n, format!("rule {:?} never applies: `when` is false", rule.name)));
        }
        for (fact, later) in shadowed(rule, &rules.rules[n + 1..]) {
            let message = format!(
                "rule {:?} sets {fact:?} without effect: the later rule {later:?} matches the same events and also sets it",
                rule.name
            );
            warnings.push(Warning::at(&places.rules, n, message));
        }
    }
    for (n, join) in rules.joins.iter().enumerate() {
        for (leg, entry) in join.all.iter().enumerate() {
            if let Some((why, may_be)) = unheard(&entry.on, &entry.source) {
                let never = if may_be { "may never complete" } else { "never completes" };
                let message = format!("join {:?} {never}: event {} of `all`: {why}", join.name, leg + 1);
                warnings.push(Warning::at(&places.joins, n, message).noted(may_be));
            }
        }
    }
    warnings
}

fn matches_none(may_be: bool) -> &'static str {
    if may_be { "matches no known event" } else { "matches no event" }
}

/// Returns why the patterns match no known event, and whether a source may still send such an event, because it reads
/// the event type from the payload. A pattern that is close to a known type counts as a typing error. If events of
/// one of the sources aren't known, only a typing error is returned, and the source may still send the event.
fn unheard(
    on: &OneOrMany<TypePattern>,
    sources: &OneOrMany<String>,
    known: &Known,
    configured: &[Source],
) -> Option<(String, bool)> {
    if known.iter().any(|(source, event_type)| is_about(on, sources, source, event_type)) {
        return None;
    }
    let listened = || configured.iter().filter(|source| sources.is_empty() || sources.0.contains(&source.name));
    let is_unknown = |source: &Source| !known.iter().any(|(known, _)| *known == source.name);
    let some_unknown = listened().any(is_unknown);
    let of_these = known.iter().filter(|(source, _)| sources.is_empty() || sources.0.contains(source));
    let types: BTreeSet<&str> = of_these.map(|(_, event_type)| event_type.as_str()).collect();
    let patterns: Vec<String> = on.0.iter().map(ToString::to_string).collect();
    let of = if sources.is_empty() { String::new() } else { format!(" of {}", sources.0.join(", ")) };
    let slip = patterns.iter().map(|pattern| did_you_mean(pattern, types.iter().copied())).find(|hint| !hint.is_empty());
    if some_unknown && slip.is_none() {
        return None;
    }
    let mut templates = listened().flat_map(|source| &source.events).flat_map(|event| &event.event_type.0);
    let may_be =
        some_unknown || slip.is_none() && templates.any(|template| on.0.iter().any(|pattern| types::may_give(template, pattern)));
    let near = slip.or_else(|| alike(&patterns, &types)).unwrap_or_default();
    let more = types.len().saturating_sub(SHOWN_KNOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let known: Vec<&str> = types.into_iter().take(SHOWN_KNOWN).collect();
    Some((
        format!("none of the known events{of} has the type {}{near}; known: {}{more}", patterns.join(", "), known.join(", ")),
        may_be,
    ))
}

/// The types that begin with the same word.
fn alike(patterns: &[String], types: &BTreeSet<&str>) -> Option<String> {
    let word = |text: &str| text.split('.').next().unwrap_or_default().to_owned();
    let alike = |pattern: &String| -> Vec<&str> {
        types.iter().copied().filter(|event_type| word(event_type) == word(pattern)).take(SHOWN_ALIKE).collect()
    };
    let alike = patterns.iter().map(alike).find(|alike| !alike.is_empty())?;
    Some(format!("; did you mean {}?", alike.join(" or ")))
}

/// The facts of a rule that a later rule always sets, too.
fn shadowed<'r>(rule: &'r Rule, later: &'r [Rule]) -> Vec<(&'r str, &'r str)> {
    let covers = |other: &&Rule| {
        let types =
            rule.on.0.iter().all(|pattern| other.on.0.contains(pattern) || other.on.0.iter().any(|p| p.to_string() == "*"));
        let sources =
            other.source.is_empty() || (!rule.source.is_empty() && rule.source.0.iter().all(|s| other.source.0.contains(s)));
        other.when.is_none() && types && sources && other.effects.entity == rule.effects.entity
    };
    let always =
        |other: &Rule, fact: &str| other.effects.set.get(fact).is_some_and(|assignment| !assignment.value.contains("null"));
    let mut shadowed = Vec::new();
    for fact in rule.effects.set.keys() {
        if let Some(other) = later.iter().filter(covers).find(|other| always(other, fact)) {
            shadowed.push((fact.as_str(), other.name.as_str()));
        }
    }
    shadowed
}

/// All expressions, the most expensive first.
fn costs(rules: &Rules) -> Vec<Cost> {
    let steps = |Placed { place, text, scope }: Placed<'_>| {
        let steps = Expression::parse(text, scope).map_or(0, |expression| expression.cost());
        Cost { place, steps }
    };
    let mut costs: Vec<Cost> = of_all(rules).into_iter().map(steps).collect();
    costs.sort_by(|a, b| b.steps.cmp(&a.steps).then_with(|| a.place.cmp(&b.place)));
    costs
}
