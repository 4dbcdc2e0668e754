//! `tidings rules check`: what the build would refuse, what can never happen, and what expressions cost.

use super::expressions::{Placed, of_all, of_rule};
use super::{given, rules, sources, text};
use crate::Failure;
use crate::arguments::RulesCheck;
use crate::style::{BAD, FAINT, GOOD, WARN, data, paint, say};
use processor::plan::without_payload;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_saphyr::Spanned;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::LazyLock;
use tidings_core::config::OneOrMany;
use tidings_core::config::files::read_rules;
use tidings_core::config::rules::{Rule, Rules, TypePattern, is_about};
use tidings_core::config::source::Source;
use tidings_core::envelope::Envelope;
use tidings_core::rules::{Expression, Scope, Variables};
use tidings_events::samples;

/// Something that the build takes and that is probably not meant.
#[derive(Debug, Serialize)]
pub(super) struct Warning {
    line: u64,
    column: u64,
    message: String,
}

/// An expression and the steps that it takes at most.
#[derive(Debug, Serialize)]
pub(super) struct Cost {
    place: String,
    steps: usize,
}

/// The most expensive that are shown.
const SHOWN: usize = 5;

pub(crate) fn run(options: RulesCheck) -> Result<ExitCode, Failure> {
    let (path, file) = (&options.file.rules, options.file.rules.display().to_string());
    let written = text(path)?;
    if let Err(report) = read_rules(&file, &written, &sources(&options.file)?) {
        if options.file.json {
            let errors: Vec<String> = report.0.iter().map(ToString::to_string).collect();
            data(&serde_json::json!({ "errors": errors, "warnings": [], "costs": [] }));
        } else {
            report.0.iter().for_each(|problem| say!("{} {problem}", paint(BAD, "error")));
        }
        return Ok(ExitCode::FAILURE);
    }
    let rules = rules(path, &options.file)?;
    let (warnings, costs) = look(&rules, &written, given::of_corpus(given::noon())?);
    if options.file.json {
        data(&serde_json::json!({ "errors": [], "warnings": warnings, "costs": costs }));
    } else {
        for Warning { line, column, message } in &warnings {
            say!("{} {file}:{line}:{column}: {message}", paint(WARN, "warning"));
        }
        say!("{}", paint(FAINT, format!("{} expressions; the most expensive, in steps:", costs.len())));
        costs.iter().take(SHOWN).for_each(|Cost { place, steps }| say!("{steps:>8}  {place}"));
        let (rules, joins) = (rules.rules.len(), rules.joins.len());
        match warnings.len() {
            0 => say!("{}", paint(GOOD, format!("{rules} rules, {joins} joins: nothing to complain of"))),
            n => say!("{}", paint(WARN, format!("{rules} rules, {joins} joins: {n} to look at"))),
        }
    }
    Ok(if warnings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `written` is what the rules were read of, `events` are what they may be about.
pub(super) fn look(rules: &Rules, written: &str, events: Vec<Envelope>) -> (Vec<Warning>, Vec<Cost>) {
    (warnings(rules, &Places::of(written), &known(&events), &with_variables(events)), costs(rules))
}

/// Source and type of all events that the corpus, a schema or the samples of a source's preset know.
type Known = BTreeSet<(String, String)>;

/// Read once: the samples of all shipped sources are some thousand.
static SAMPLED: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let of_source = |source: Source| {
        let events = samples::of_preset(&source.provider).into_iter().flat_map(|sample| sample.events);
        events.map(|event| (source.name.clone(), event.event_type)).collect::<BTreeSet<_>>()
    };
    receiver::configured::sources().into_iter().flat_map(of_source).collect()
});

fn known(events: &[Envelope]) -> Known {
    let mut known: Known = events.iter().map(|event| (event.source_name().to_owned(), event.event_type.clone())).collect();
    let schemas = processor::configured::schemas();
    known.extend(schemas.types().map(|(source, event_type)| (source.to_owned(), event_type.to_owned())));
    known.extend(SAMPLED.iter().cloned());
    known
}

fn with_variables(events: Vec<Envelope>) -> Vec<(Envelope, Variables)> {
    let variables = |event: &Envelope| {
        let data: Value = serde_json::from_str(event.data.get()).unwrap_or_default();
        Variables::of_event(&data, &without_payload(event))
    };
    events.into_iter().map(|event| (event.clone(), variables(&event))).collect()
}

/// Where the entries of a file stand.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Places {
    conversations: Vec<Spanned<IgnoredAny>>,
    rules: Vec<Spanned<IgnoredAny>>,
    joins: Vec<Spanned<IgnoredAny>>,
}

impl Places {
    /// Of a file that was read before.
    fn of(text: &str) -> Self {
        serde_saphyr::from_str(text).unwrap_or_default()
    }
}

fn warning(places: &[Spanned<IgnoredAny>], index: usize, message: String) -> Warning {
    let (line, column) = places.get(index).map_or((1, 1), |place| (place.referenced.line(), place.referenced.column()));
    Warning { line, column, message }
}

fn warnings(rules: &Rules, places: &Places, known: &Known, events: &[(Envelope, Variables)]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (n, entry) in rules.conversations.iter().enumerate() {
        if let Some(why) = unheard(&entry.on, &entry.source, known) {
            warnings.push(warning(&places.conversations, n, format!("this entry is about no event: {why}")));
        }
        let first = rules.conversations[..n]
            .iter()
            .position(|other| (&other.on, &other.source, &other.whose) == (&entry.on, &entry.source, &entry.whose));
        if let Some(first) = first {
            warnings.push(warning(&places.conversations, n, format!("entry {} says the same already", first + 1)));
        }
    }
    for (n, rule) in rules.rules.iter().enumerate() {
        if let Some(why) = unheard(&rule.on, &rule.source, known) {
            warnings.push(warning(&places.rules, n, format!("rule {:?} is about no event: {why}", rule.name)));
        }
        if rule.when.as_deref() == Some("false") {
            warnings.push(warning(&places.rules, n, format!("rule {:?} never is: `when` is false", rule.name)));
        }
        warnings.extend(valueless(rule, events).into_iter().map(|message| warning(&places.rules, n, message)));
        for (fact, later) in shadowed(rule, &rules.rules[n + 1..]) {
            let message = format!(
                "rule {:?} sets {fact:?} in vain: rule {later:?} is about the same events, comes later, and sets it too",
                rule.name
            );
            warnings.push(warning(&places.rules, n, message));
        }
    }
    for (n, join) in rules.joins.iter().enumerate() {
        for (leg, entry) in join.all.iter().enumerate() {
            if let Some(why) = unheard(&entry.on, &entry.source, known) {
                warnings.push(warning(
                    &places.joins,
                    n,
                    format!("join {:?} never completes: event {} of `all`: {why}", join.name, leg + 1),
                ));
            }
        }
    }
    warnings.sort_by_key(|warning| (warning.line, warning.column));
    warnings
}

/// Why no event that is known is what this is about.
fn unheard(on: &OneOrMany<TypePattern>, sources: &OneOrMany<String>, known: &Known) -> Option<String> {
    // Of a source that nobody knows an event of, nothing can be said.
    let silent = |source: &String| !known.iter().any(|(known, _)| known == source);
    if known.iter().any(|(source, event_type)| is_about(on, sources, source, event_type)) || sources.0.iter().any(silent) {
        return None;
    }
    let of_these = known.iter().filter(|(source, _)| sources.is_empty() || sources.0.contains(source));
    let types: BTreeSet<&str> = of_these.map(|(_, event_type)| event_type.as_str()).collect();
    let patterns: Vec<String> = on.0.iter().map(ToString::to_string).collect();
    let whose = if sources.is_empty() { "no source".to_owned() } else { format!("no event of {}", sources.0.join(", ")) };
    let types: Vec<&str> = types.into_iter().collect();
    Some(format!("{whose} is known to send {}; known: {}", patterns.join(", "), types.join(", ")))
}

/// The facts of a rule that a later one always sets too.
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

/// The expressions of a rule that have no value for any event that it is known to be about: a name that isn't there, a type that
/// doesn't fit.
fn valueless(rule: &Rule, events: &[(Envelope, Variables)]) -> Vec<String> {
    let about = events.iter().filter(|(event, _)| is_about(&rule.on, &rule.source, event.source_name(), &event.event_type));
    let when = rule.when.as_ref().and_then(|text| Expression::parse(text, Scope::Event).ok());
    // What `when` itself can't say of an event isn't for the others to say.
    let holds = |variables: &Variables| when.as_ref().is_none_or(|when| when.evaluate(variables) == Ok(Value::Bool(true)));
    let (all, those): (Vec<&Variables>, Vec<&Variables>) = (
        about.clone().map(|(_, variables)| variables).collect(),
        about.map(|(_, variables)| variables).filter(|v| holds(v)).collect(),
    );
    let mut told = Vec::new();
    for Placed { place, text, scope } in of_rule(rule) {
        // What will be fetched, and what completes a join, nobody knows here.
        let events = if place.ends_with(", when") { &all } else { &those };
        if scope != Scope::Event || events.is_empty() {
            continue;
        }
        let Ok(expression) = Expression::parse(text, scope) else { continue };
        let errors: Vec<String> =
            events.iter().filter_map(|v| expression.evaluate(v).err()).map(|error| error.to_string()).collect();
        if errors.len() == events.len()
            && let Some(error) = errors.first()
        {
            told.push(format!("{place}: {text} has no value for any known event: {error}"));
        }
    }
    told
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
