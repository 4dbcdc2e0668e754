//! `tidings rules explain`: shows which rules match an event, and why the others don't.

use super::files::RulesFile;
use super::files::chosen;
use super::world::World;
use super::{given, on_record};
use crate::Failure;
use crate::commands::events::show;
use crate::project::{Location, refused};
use crate::style::{BAD, FAINT, GOOD, NAME, STRONG, data_of, paint, say, short};
use crate::target::Place;
use clap::Args;
use processor::planner::without_payload;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use tidings_config::OneOrMany;
use tidings_config::limits::MAX_TURN;
use tidings_config::rules::{Rules, TypePattern, is_about};
use tidings_config::schemas::{EventSchema, EventSchemas};
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_config::written_by::WrittenBy;
use tidings_core::action::{Action, ActionNote, Became};
use tidings_core::claim::Claim;
use tidings_core::envelope::Envelope;
use tidings_core::manual::applied_again;
use tidings_events::corpus;
use tidings_expressions::{Expression, Scope, Variables};
use tidings_project::{Configuration, did_you_mean};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings rules explain orders-shipped-late\n  \
        tidings rules explain message.json --rules new.yaml\n  \
        tidings rules explain orders#ord-evt-3666\n  \
        tidings rules explain orders#ord-evt-3666 --stack tidings    as recorded\n  \
        tidings rules explain orders#ord-evt-3666 --endpoint-url http://127.0.0.1:8788")]
pub struct RulesExplain {
    /// A case of the corpus, a claim key of one of its events, or a file: an envelope, a batch as SQS gives it, or a
    /// captured delivery. With --stack or --endpoint-url a claim key of an event there
    pub event: String,
    #[command(flatten)]
    pub at: Place,
    #[command(flatten)]
    pub file: RulesFile,
}

#[derive(Debug, Serialize)]
struct Explained {
    key: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    /// `None`: the event has no schema.
    schema: Option<String>,
    conversations: Vec<Reason>,
    rules: Vec<Reason>,
    joins: Vec<Reason>,
    claim: Option<Claim>,
    /// The facts that it has set, and who wrote each.
    facts: Vec<ExplainedFact>,
    actions: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ExplainedFact {
    entity: String,
    name: String,
    by: WrittenBy,
}

/// An event of a deployment.
#[derive(Debug, Serialize)]
struct OnRecord {
    claim: Claim,
    /// `None`: the event isn't stored, and its message isn't in the dead-letter queue.
    explained: Option<Explained>,
}

#[derive(Debug, Serialize)]
struct Reason {
    name: String,
    is_about: bool,
    why: String,
}

pub(crate) async fn run(options: RulesExplain) -> Result<ExitCode, Failure> {
    if options.names_a_stored_event() {
        let found = on_record(&options).await?;
        if options.file.json {
            data_of(&found)?;
            return Ok(ExitCode::SUCCESS);
        }
        let OnRecord { claim, explained } = found;
        show::print(&claim);
        match &explained {
            Some(explained) => {
                say!("");
                say!("{}", paint(FAINT, "the event, with this project's rules"));
                print(explained);
            }
            None => {
                say!("");
                let is_ours = claim.key.is_ours() && applied_again(&claim.key).is_none();
                say!("{}", paint(FAINT, if is_ours { on_record::OURS } else { on_record::NO_PAYLOAD }));
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let all = all(&options).await?;
    if options.file.json {
        data_of(&all)?;
    } else {
        all.iter().for_each(print);
    }
    Ok(ExitCode::SUCCESS)
}

impl RulesExplain {
    fn names_a_stored_event(&self) -> bool {
        (self.at.stack.is_some() || self.at.endpoint_url.is_some()) && self.event.contains('#')
    }
}

async fn on_record(options: &RulesExplain) -> Result<OnRecord, Failure> {
    let Configuration { rules, schemas, .. } = chosen(&options.file)?.read().map_err(|report| refused(&report))?;
    let (claim, event) = on_record::find(&options.event, &options.at).await?;
    let explained = match event {
        Some(event) => Some(explain(&rules, &schemas, event).await),
        None => None,
    };
    Ok(OnRecord { claim, explained })
}

async fn all(options: &RulesExplain) -> Result<Vec<Explained>, Failure> {
    let Configuration { sources, rules, schemas, .. } = chosen(&options.file)?.read().map_err(|report| refused(&report))?;
    let mut all = Vec::new();
    for event in named(&options.event, &sources)? {
        all.push(explain(&rules, &schemas, event).await);
    }
    Ok(all)
}

/// What `--json` prints for these arguments.
pub(crate) async fn json_of(options: &RulesExplain) -> Result<Value, Failure> {
    let json = if options.names_a_stored_event() {
        serde_json::to_value(on_record(options).await?)
    } else {
        serde_json::to_value(all(options).await?)
    };
    json.map_err(|error| Failure::new(error.to_string()))
}

/// How the rules of a project match an event: as `--json` prints it.
pub(crate) async fn json(location: &Location, event: Envelope) -> Result<Value, Failure> {
    let Configuration { rules, schemas, .. } = location.files()?.read().map_err(|report| refused(&report))?;
    let explained = explain(&rules, &schemas, event).await;
    serde_json::to_value(explained).map_err(|error| Failure::new(error.to_string()))
}

/// The events of a case, of a claim key, or of a file.
fn named(named: &str, sources: &[Source]) -> Result<Vec<Envelope>, Failure> {
    if let Some(case) = corpus().case(named) {
        return given::of_case(case, sources, given::noon());
    }
    if Path::new(named).is_file() {
        return given::of_file(Path::new(named));
    }
    let events: Vec<Envelope> =
        given::of_corpus(sources, given::noon())?.into_iter().filter(|event| event.claimkey.as_str() == named).collect();
    if events.is_empty() {
        let near = did_you_mean(named, corpus().cases.iter().map(|case| case.name.as_str()));
        return Err(Failure::new(format!("{named:?} isn't a case of the corpus, one of its claim keys, or a file{near}")).hint(
            "`tidings send --list` lists the cases. For an event of a deployment add --stack or --endpoint-url to its claim \
             key, or give its message from the queue as a file",
        ));
    }
    Ok(events)
}

async fn explain(rules: &Rules, schemas: &[EventSchema], event: Envelope) -> Explained {
    let all = || EventSchemas::new(schemas.to_vec());
    let mut world = World::new(rules.clone(), all(), event.receivedtime.max(event.order().time));
    world.receive(event.clone()).await;
    let claim = world.claims().into_iter().next();
    let said = |world: &World| {
        let actions = world.actions().into_iter();
        actions.map(|(to, action)| (action.rule.clone(), explained_action(&to, &action))).collect::<Vec<_>>()
    };
    let mut actions: Vec<String> = said(&world).into_iter().map(|(_, action)| action).collect();
    let conversations = world.conversations();
    let entities = conversations.iter().flat_map(|conversation| world.context(conversation).entities);
    let facts = entities.flat_map(|(entity, facts)| {
        facts.into_iter().map(move |(name, fact)| ExplainedFact { entity: entity.clone(), name, by: fact.by })
    });
    let facts = facts.collect();
    // The action of a turn with this event alone, and of a reminder at its time.
    let notes = claim.iter().flat_map(|claim| claim.actions.iter().filter_map(ActionNote::outcome));
    let now = world.now();
    let later: BTreeMap<String, Timestamp> =
        notes.filter_map(|outcome| Some((outcome.rule.clone(), made_at(&outcome.became, now)?))).collect();
    if let Some(last) = later.values().max() {
        world.wait(last.since(now)).await;
        let made = said(&world).into_iter().filter(|(rule, action)| later.contains_key(rule) && !actions.contains(action));
        actions.extend(made.map(|(_, action)| action).collect::<Vec<_>>());
    }

    let data: Value = serde_json::from_str(event.data.get()).unwrap_or_default();
    let variables = Variables::of_event(&data, &without_payload(&event));
    let reason = |name: String, on, source, when: Option<&String>| about(&event, &variables, name, on, source, when);
    let mut conversations = Vec::new();
    for (n, entry) in rules.conversations.iter().enumerate() {
        let mut one = reason(format!("entry {}", n + 1), &entry.on, &entry.source, None);
        if one.is_about {
            one.why = evaluated(entry.whose.expression(), &variables);
        }
        conversations.push(one);
    }
    let joins = rules.joins.iter().flat_map(|join| {
        join.all
            .iter()
            .enumerate()
            .map(|(n, leg)| reason(format!("{}, event {}", join.name, n + 1), &leg.on, &leg.source, leg.when.as_ref()))
    });
    let schemas = all();
    let has_schema = schemas.versions(event.source_name(), &event.event_type).next().is_some();
    Explained {
        key: event.claimkey.to_string(),
        source: event.source_name().to_owned(),
        event_type: event.event_type.clone(),
        schema: has_schema.then(|| event.validate(&schemas).map_or("as it says".to_owned(), |finding| finding.to_string())),
        conversations,
        joins: joins.collect(),
        rules: rules.rules.iter().map(|rule| reason(rule.name.clone(), &rule.on, &rule.source, rule.when.as_ref())).collect(),
        claim,
        facts,
        actions,
    }
}

/// When an action that isn't made now is made at the latest. `None`: it is, or waits for something else than time.
fn made_at(became: &Became, now: Timestamp) -> Option<Timestamp> {
    match became {
        Became::Collected => Some(now.plus(MAX_TURN)),
        Became::Scheduled(due) => Some(*due),
        Became::Queued
        | Became::WaitsUntil(_)
        | Became::WaitsForLink
        | Became::NoDate
        | Became::Digest { .. }
        | Became::Withheld(_)
        | Became::PutOff(_) => None,
    }
}

fn explained_action(to: &str, action: &Action) -> String {
    let by = match action.by_provider.join(", ") {
        names if names.is_empty() => String::new(),
        names => format!(" (by provider: {names})"),
    };
    format!("{} {} to {to}: {}{by}", action.rule, action.action_type, action.data)
}

fn about(
    event: &Envelope,
    variables: &Variables,
    name: String,
    on: &OneOrMany<TypePattern>,
    source: &OneOrMany<String>,
    when: Option<&String>,
) -> Reason {
    let not = |why: String| Reason { name: name.clone(), is_about: false, why };
    if !source.is_empty() && !source.0.iter().any(|s| s == event.source_name()) {
        return not(format!("another source: {}", source.0.join(", ")));
    }
    if !is_about(on, source, event.source_name(), &event.event_type) {
        return not(format!("another type: {}", on.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")));
    }
    match when.map(|text| (text, evaluated(text, variables))) {
        None => Reason { name, is_about: true, why: "source and type".to_owned() },
        Some((text, value)) if value == "true" => Reason { name, is_about: true, why: format!("when: {text}") },
        Some((text, value)) => not(format!("when: {text} is {value}")),
    }
}

/// The value of an expression, or why it has none.
fn evaluated(text: &str, variables: &Variables) -> String {
    let parsed = Expression::parse(text, Scope::Event).map_err(|error| error.to_string());
    match parsed.and_then(|expression| expression.evaluate(variables).map_err(|error| error.to_string())) {
        Ok(value) => value.to_string(),
        Err(error) => format!("an error: {error}"),
    }
}

fn print(event: &Explained) {
    say!("{}  {} of {}", paint(STRONG, &event.key), paint(NAME, &event.event_type), event.source);
    say!("  schema        {}", event.schema.as_deref().unwrap_or("none"));
    for (word, reasons) in [("conversation", &event.conversations), ("rule", &event.rules), ("join", &event.joins)] {
        for Reason { name, is_about, why } in reasons {
            let mark = if *is_about { paint(GOOD, "✓") } else { paint(FAINT, "·") };
            let why = short(why, 90);
            let why = if *is_about { why } else { paint(FAINT, why) };
            say!("  {mark} {word:<12} {name:<24} {why}");
        }
    }
    let Some(claim) = &event.claim else { return };
    match (&claim.reason, claim.outcome) {
        (Some(reason), _) => say!("  {} {reason}", paint(BAD, "dead         ")),
        (None, outcome) => say!("  outcome       {}", outcome.map_or("none", |outcome| outcome.as_str())),
    }
    if let Some(conversation) = &claim.conversation {
        say!("  conversation  {conversation}");
    }
    if let Some(node) = &claim.node {
        say!("  node          {node}");
    }
    for ExplainedFact { entity, name, by } in &event.facts {
        say!("  fact          {entity} {name}, by {by}");
    }
    event.actions.iter().for_each(|action| say!("  action        {action}"));
    claim.actions.iter().filter(|action| !action.is_queued()).for_each(|action| say!("  action        {action}"));
}
