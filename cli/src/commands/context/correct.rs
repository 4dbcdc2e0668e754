//! `tidings context set` and `unset`: change facts, or the dialogue node, by hand. Without `--yes` they print what
//! would change and write nothing. Each change has a claim that records who, when, why, and the values before.

use crate::Failure;
use crate::commands::manual::{AppliedChange, ManualProcessor, not_done, operator, tell};
use crate::confirm::Confirm;
use crate::project::{Location, Project};
use crate::style::{FAINT, GOOD, STRONG, WARN, data, paint, say};
use crate::target::TargetOptions;
use crate::target::{tables, unreadable};
use clap::Args;
use processor::failure::Failure as Unprocessed;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::str::FromStr;
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_core::context::Context;
use tidings_core::manual::{Correction, NodeChange};

#[derive(Debug, Args)]
#[command(
    after_help = "A dry run unless --yes is given: it prints the stored and the new values. The new value replaces the stored \
        one, whatever its time; a later event replaces the new value. A counter takes a whole number, a set a list, a ladder \
        one of its values. The claim records who made the change, when and why, and the previous values: tidings events show \
        '@manual#…'.\n\
        docs/operating.md lists the permissions that the credentials need.\n\n\
        Exit status: 0 done, or a dry run; 1 not done; 2 invalid arguments.\n\nExamples:\n  \
        tidings context set whatsapp:491713920012 order/1042 status=packed \\\n      --stack tidings\n  \
        tidings context set whatsapp:491713920012 order/1042 status=packed \\\n      total=48.90 --stack tidings --reason 'rule order-moved' --yes\n  \
        tidings context set whatsapp:491713920012 preferences opt_in=false \\\n      --stack tidings --reason 'asked by phone' --yes\n  \
        tidings context set whatsapp:491713920012 --node delivery \\\n      --stack tidings --reason 'stuck' --yes"
)]
pub struct ContextSet {
    /// Conversation, as rules.yaml and the presets name it; for a linked identity, its conversation
    pub conversation: String,
    /// Entity that has the facts, as order/1042
    #[arg(required_unless_present = "node", requires = "values")]
    pub entity: Option<String>,
    /// A fact and its value: JSON, otherwise text
    #[arg(value_name = "NAME=VALUE")]
    pub values: Vec<Assignment>,
    /// Dialogue node
    #[arg(long, value_name = "NODE")]
    pub node: Option<String>,
    /// Allow a conversation or an entity that is unknown so far
    #[arg(long)]
    pub create: bool,
    #[command(flatten)]
    pub manual: ManualOptions,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(
    after_help = "A dry run unless --yes is given. A removed fact stays removed until a later event sets it again. A counter \
        then starts at 0, a set empty.\n\n\
        Exit status: 0 done, or a dry run; 1 not done; 2 invalid arguments.\n\nExamples:\n  \
        tidings context unset whatsapp:491713920012 order/1042 carrier tracking \\\n      --stack tidings\n  \
        tidings context unset whatsapp:491713920012 order/1042 carrier \\\n      --stack tidings --reason 'rule order-moved' --yes\n  \
        tidings context unset whatsapp:491713920012 --node --stack tidings \\\n      --reason 'stuck' --yes"
)]
pub struct ContextUnset {
    /// Conversation, as rules.yaml and the presets name it; for a linked identity, its conversation
    pub conversation: String,
    /// Entity that has the facts, as order/1042
    #[arg(required_unless_present = "node", requires = "names")]
    pub entity: Option<String>,
    /// Facts to forget
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Forget the dialogue node, too
    #[arg(long)]
    pub node: bool,
    #[command(flatten)]
    pub manual: ManualOptions,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// Confirmation, operator and reason of a manual change.
#[derive(Debug, Args)]
pub struct ManualOptions {
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who you are, for the record; the user's name if left out. For a stack, the ARN of the AWS credentials is added
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    #[command(flatten)]
    pub confirm: Confirm,
}

/// `status=packed`: a fact and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    pub name: String,
    pub value: Value,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("no NAME=VALUE, such as status=packed")?;
        match serde_json::from_str(value) {
            Ok(Value::Null) => Err(format!("null isn't a value; `tidings context unset` removes {name}")),
            Ok(value) => Ok(Self { name: name.to_owned(), value }),
            Err(_) => Ok(Self { name: name.to_owned(), value: Value::from(value) }),
        }
    }
}

/// Placeholder for a dry run, which needs no reason and records none.
const NO_REASON: &str = "(none given)";

pub(crate) async fn set(options: ContextSet) -> Result<ExitCode, Failure> {
    let ContextSet { conversation, entity, values, node, create, manual, target } = options;
    let mut facts = BTreeMap::new();
    for assignment in values {
        if facts.insert(assignment.name.clone(), assignment.value).is_some() {
            return Err(Failure::new(format!("{} is set twice", assignment.name)).status(2));
        }
    }
    let facts = entity.map(|entity| (entity, facts)).into_iter().collect();
    correct(Said { conversation, facts, node: node.map(NodeChange::To), creates: create, forgets: false }, &manual, &target).await
}

pub(crate) async fn unset(options: ContextUnset) -> Result<ExitCode, Failure> {
    let ContextUnset { conversation, entity, names, node, manual, target } = options;
    let facts = names.into_iter().map(|name| (name, Value::Null)).collect();
    let facts = entity.map(|entity| (entity, facts)).into_iter().collect();
    let node = node.then_some(NodeChange::Nowhere);
    correct(Said { conversation, facts, node, creates: false, forgets: true }, &manual, &target).await
}

/// The requested change.
struct Said {
    conversation: String,
    facts: BTreeMap<String, BTreeMap<String, Value>>,
    node: Option<NodeChange>,
    creates: bool,
    forgets: bool,
}

async fn correct(said: Said, manual: &ManualOptions, target: &TargetOptions) -> Result<ExitCode, Failure> {
    let now = SystemClock.now();
    let confirmed = manual.confirm.ask();
    if confirmed.is_some() && manual.reason.is_none() {
        return Err(Failure::new("no reason is given; add --reason TEXT, which is recorded").status(2));
    }
    let correction = Correction {
        of: said.conversation.clone(),
        by: operator(&target.at, manual.by.as_deref()).await?,
        reason: manual.reason.clone().unwrap_or_else(|| NO_REASON.to_owned()),
        facts: said.facts.clone(),
        node: said.node.clone(),
    };
    correction.check().map_err(Failure::new)?;
    let tables = tables(&target.at).await?;
    let location = if target.at.stack.is_some() { Location::here()? } else { Location::here_or_demo()? };
    let project = Project::open(location)?;
    let by = (project.rules(), project.schemas());
    let hand = match confirmed {
        Some(confirmed) => ManualProcessor::real(&tables, by, None, confirmed).keeping(),
        None => ManualProcessor::dry(&tables, by),
    };
    let failed = |failure: Unprocessed| not_done(&target.at, &failure);
    let work = hand.processor().correction(correction.clone(), now).map_err(failed)?;
    let conversation = hand.processor().conversation_of(&work).await.map_err(failed)?;
    let context = tables.reader().context(&conversation, now).await.map_err(|error| unreadable(&target.at, &error))?;
    is_known(&said, &context)?;
    let came = hand.apply(&work).await.map_err(failed)?;
    if target.json {
        data(&json!({
            "dry_run": confirmed.is_none(),
            "conversation": conversation,
            "claim_key": work.claim_key(),
            "by": correction.by,
            "reason": correction.reason,
            "changes": came.changes,
            "dropped": came.actions,
        }));
    } else {
        people(&said, &correction, &conversation, &came, now, confirmed.is_some());
        if confirmed.is_some() {
            say!("  {}", paint(FAINT, target.at.command(&format!("tidings events show '{}'", work.claim_key()))));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An unknown conversation or entity is most often a typing error.
fn is_known(said: &Said, context: &Context) -> Result<(), Failure> {
    let name = &context.conversation;
    let is_nothing = context.entities.is_empty() && context.node.is_none() && context.identities.is_empty();
    let create = |failure: Failure| {
        if said.forgets {
            failure
        } else {
            failure.hint("if that is intended, create it with --create; `tidings context show` lists what exists")
        }
    };
    if is_nothing && !said.creates {
        let failure = Failure::new(format!("there is no context for {name:?}"));
        return Err(if said.forgets {
            failure.hint("find an event's conversation with: tidings events show KEY")
        } else {
            create(failure)
        });
    }
    for (entity, facts) in &said.facts {
        let Some(known) = context.entities.get(entity) else {
            if said.creates {
                continue;
            }
            let all: Vec<&str> = context.entities.keys().map(String::as_str).collect();
            let there = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
            return Err(create(Failure::new(format!("{name:?} has no entity {entity:?}; known: {there}"))));
        };
        if let Some(unknown) = facts.keys().find(|fact| said.forgets && !known.contains_key(*fact)) {
            let all: Vec<&str> = known.keys().map(String::as_str).collect();
            return Err(Failure::new(format!("{entity} has no fact {unknown:?}; known: {}", all.join(", "))));
        }
    }
    if said.node == Some(NodeChange::Nowhere) && context.node.as_ref().is_none_or(|node| node.value.is_null()) {
        return Err(Failure::new(format!("{name:?} is at no node")));
    }
    Ok(())
}

fn people(said: &Said, correction: &Correction, conversation: &str, came: &AppliedChange, now: Timestamp, is_done: bool) {
    let word = match (is_done, said.forgets) {
        (false, false) => paint(WARN, "would set"),
        (false, true) => paint(WARN, "would forget"),
        (true, false) => paint(GOOD, "set"),
        (true, true) => paint(GOOD, "forgotten"),
    };
    say!("{word} {}", paint(STRONG, conversation));
    if conversation != said.conversation {
        say!("  {}", paint(FAINT, format!("{} is one of its identities", said.conversation)));
    }
    came.changes.iter().for_each(tell);
    for change in came.changes.iter().filter(|change| change.before_time.is_some_and(|time| time > now)) {
        let what = &change.what;
        say!("  {}", paint(WARN, format!("{what} has a time in the future; it is replaced anyway")));
    }
    for dropped in &came.actions {
        say!("  {}", paint(WARN, dropped));
    }
    say!("  {:<9} {}", "by", correction.by);
    say!("  {:<9} {}", "reason", correction.reason);
    say!("  {:<9} an event after {now} replaces it", "until");
    if !is_done {
        say!("{}", paint(FAINT, "dry run, nothing was changed: --yes and --reason apply the change"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_json_otherwise_text() {
        for (text, expected) in [
            ("status=packed", json!("packed")),
            ("status=\"3\"", json!("3")),
            ("n=3", json!(3)),
            ("ok=true", json!(true)),
            ("tags=[\"a\", 1]", json!(["a", 1])),
            ("link=https://x.example/?a=1&b=2", json!("https://x.example/?a=1&b=2")),
            ("empty=", json!("")),
            ("id=007", json!("007")),
        ] {
            assert_eq!(text.parse::<Assignment>().map(|assignment| assignment.value), Ok(expected), "{text}");
        }
        assert_eq!("total=48.90".parse::<Assignment>().unwrap().value.to_string(), "48.90", "its digits stay");
        assert!("status".parse::<Assignment>().is_err());
        assert!("status=null".parse::<Assignment>().is_err_and(|said| said.contains("context unset")));
    }
}
