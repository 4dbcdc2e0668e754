//! `tidings rules diff`: compares what two sets of rules do with the same events.

use super::files::RulesFile;
use super::files::{chosen, chosen_here, other_rules, rules, schemas};
use super::given;
use super::world::{World, values};
use crate::Failure;
use crate::project::refused;
use crate::style::{BAD, FAINT, GOOD, STRONG, count, data_of, paint, say};
use clap::Args;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_config::time::Timestamp;
use tidings_core::claim::Claim;
use tidings_core::envelope::Envelope;

#[derive(Debug, Args)]
#[command(
    after_help = "To compare with a stack's events: tidings replay --stack S --against FILE --diff, with its stored events \
        (KeepEvents=true) or, with --dlq, its dead-letter queue.\n\nExamples:\n  \
        tidings rules diff --against new.yaml\n  \
        git show HEAD~1:./rules.yaml > old.yaml && \\\n      tidings rules diff --rules old.yaml --against rules.yaml"
)]
pub struct RulesDiff {
    /// The other rules
    #[arg(long, value_name = "FILE")]
    pub against: PathBuf,
    /// Events instead of the corpus: envelopes, batches as SQS gives them, or captured deliveries
    #[arg(long = "events", value_name = "FILE")]
    pub events: Vec<PathBuf>,
    #[command(flatten)]
    pub file: RulesFile,
}

/// One difference between the two sets of rules. `None`: it doesn't exist.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    /// An event, a conversation's node or fact, or an action.
    what: String,
    now: Option<String>,
    then: Option<String>,
}

pub(crate) async fn run(options: RulesDiff) -> Result<ExitCode, Failure> {
    let mut events = Vec::new();
    for path in &options.events {
        events.extend(given::of_file(path)?);
    }
    if options.events.is_empty() {
        let sources = chosen_here(&options.file)?.read_sources().map_err(|report| refused(&report))?;
        events = given::of_corpus(&sources, given::noon())?;
    }
    differences(&options.file, &options.against, &events).await
}

/// Prints how the results of the rules in `against` differ from those of `--rules`.
pub(crate) async fn differences(file: &RulesFile, against: &Path, events: &[Envelope]) -> Result<ExitCode, Failure> {
    let (ours, theirs) = (rules(file)?, other_rules(against, file)?);
    let (now, then) = (played(ours, schemas(file)?, events).await, played(theirs, schemas(file)?, events).await);
    let names: BTreeSet<&String> = now.keys().chain(then.keys()).collect();
    let changes: Vec<Change> = names
        .into_iter()
        .filter(|name| now.get(*name) != then.get(*name))
        .map(|name| Change { what: name.clone(), now: now.get(name).cloned(), then: then.get(name).cloned() })
        .collect();
    if file.json {
        data_of(&changes)?;
    } else {
        for Change { what, now, then } in &changes {
            say!("{}", paint(STRONG, what));
            now.iter().for_each(|now| say!("  {}", paint(BAD, format!("- {now}"))));
            then.iter().for_each(|then| say!("  {}", paint(GOOD, format!("+ {then}"))));
        }
        let (rules, against) = (chosen(file)?.rules.shown, against.display());
        say!(
            "{}",
            paint(
                FAINT,
                format!(
                    "{} of {against} from {rules}, over {}",
                    count(changes.len(), "difference"),
                    count(events.len(), "event")
                )
            )
        );
    }
    Ok(if changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The time of receipt of the first event.
pub(crate) fn begin(events: &[Envelope]) -> Timestamp {
    events.iter().map(|event| event.receivedtime).min().unwrap_or(given::noon())
}

/// All results of rules for these events, by name.
async fn played(rules: Rules, schemas: EventSchemas, events: &[Envelope]) -> BTreeMap<String, String> {
    let mut world = World::new(rules, schemas, begin(events));
    world.play(events.iter().cloned()).await;
    let mut all = BTreeMap::new();
    for claim in world.claims() {
        all.insert(format!("event {}", claim.key), end(&claim));
    }
    for conversation in world.conversations() {
        let (node, entities) = values(&world.context(&conversation));
        if let Some(node) = node {
            all.insert(format!("context {conversation}, node"), node);
        }
        for (entity, facts) in entities {
            for (name, value) in facts {
                all.insert(format!("context {conversation}, {entity}, {name}"), value.to_string());
            }
        }
    }
    for (to, action) in world.actions() {
        all.insert(
            format!("action {} of {}, {}", action.rule, action.cause, action.action_type),
            format!("to {to}: {}", action.data),
        );
    }
    all
}

/// The final state of an event, in one line.
pub(crate) fn end(claim: &Claim) -> String {
    match (&claim.reason, claim.outcome) {
        (Some(reason), _) => format!("dead: {reason}"),
        (None, outcome) => {
            let (outcome, whose) = (outcome.map_or("none", |o| o.as_str()), claim.conversation.as_deref().unwrap_or("nobody"));
            format!(
                "{outcome} for {whose} by {}",
                if claim.rules.is_empty() { "no rule".to_owned() } else { claim.rules.join(", ") }
            )
        }
    }
}
