//! `tidings dlq actions`: lists, shows and redrives dead-lettered actions.
//!
//! Promises: a message is deleted only after the queue of actions has acknowledged it, with its group and its attributes, by
//! which the sender knows that an operator sends it again. Every other message becomes visible again. Never: the text of a
//! message that wasn't asked for.
//!
//! The queue is FIFO: of each conversation the first ten are seen, until they have left it.

use crate::Failure;
use crate::confirm::{Confirm, Confirmed};
use crate::limits::{DEAD_LETTERS_WALK, MAX_DEAD_LETTERS};
use crate::stack::ActionLetters;
use crate::style::{BAD, FAINT, GOOD, NAME, WARN, data, data_of, paint, pretty, say, short};
use crate::target::{TargetOptions, action_letters};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::ExitCode;
use tidings_config::time::Timestamp;

#[derive(Debug, Args)]
#[command(
    after_help = "A message that the sender dead-lettered has a state and a reason; one that your bot has failed with has none. A \
        redrive sends it again, also what is uncertain: you decide that it may be said twice.\n\
        Messages that are read stay invisible to other consumers until the command ends.\n\nExamples:\n  \
        tidings dlq actions --stack tidings\n  \
        tidings dlq actions --stack tidings --state refused --reason blocked --json\n  \
        tidings dlq actions --stack tidings --id 9f4a8cfa… --payload\n  \
        tidings dlq actions --stack tidings --reason \"not sent within\" --redrive --yes"
)]
pub struct DlqActions {
    /// The action with this id, or with an id that begins so
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Actions of this state: refused, uncertain, or none (your bot failed with it)
    #[arg(long, value_name = "STATE", value_parser = ["refused", "uncertain", "none"])]
    pub state: Option<String>,
    /// A part of the reason, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Also print each action with its data
    #[arg(long)]
    pub payload: bool,
    /// Send them to the queue of actions again
    #[arg(long)]
    pub redrive: bool,
    #[command(flatten)]
    pub confirm: Confirm,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// A dead-lettered action.
#[derive(Clone, Debug, Serialize)]
struct DeadAction {
    id: Option<String>,
    #[serde(rename = "type")]
    action_type: Option<String>,
    cause: Option<String>,
    channel: Option<String>,
    state: Option<String>,
    reason: Option<String>,
    at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Value>,
}

impl DeadAction {
    fn of(letter: &crate::stack::ActionLetter) -> Self {
        let action: Value = serde_json::from_str(&letter.body).unwrap_or_default();
        let text = |name: &str| action.get(name).and_then(Value::as_str).map(str::to_owned);
        let attribute = |name: &str| letter.attributes.get(name).cloned();
        Self {
            id: text("id"),
            action_type: text("type"),
            cause: text("cause"),
            channel: attribute(sender::attribute::CHANNEL),
            state: attribute(sender::attribute::STATE),
            reason: attribute(sender::attribute::REASON),
            at: letter.sent,
            action: Some(action),
        }
    }

    fn is_wanted(&self, options: &DlqActions) -> bool {
        let has = |part: &Option<String>, text: &Option<String>| {
            part.as_ref().is_none_or(|part| text.as_ref().is_some_and(|text| text.to_lowercase().contains(&part.to_lowercase())))
        };
        options.id.as_ref().is_none_or(|id| self.id.as_ref().is_some_and(|own| own.starts_with(id.as_str())))
            && options.state.as_ref().is_none_or(|state| self.state.as_deref().unwrap_or("none") == state)
            && has(&options.reason, &self.reason)
    }

    fn without_data(mut self, keep: bool) -> Self {
        self.action = self.action.filter(|_| keep);
        self
    }
}

pub(crate) async fn run(options: DlqActions) -> Result<ExitCode, Failure> {
    let letters = action_letters(&options.target.at).await?.hiding(DEAD_LETTERS_WALK);
    let confirmed = if options.redrive { options.confirm.ask() } else { None };
    let mut found = Found::default();
    let walked = walk(&letters, &options, confirmed, &mut found).await;
    letters.show_again(&found.kept).await;
    walked?;
    let Found { matched, moved, failed, .. } = found;
    if options.target.json {
        data(
            &json!({ "messages": matched, "moved": moved, "failed": failed, "dry_run": options.redrive && confirmed.is_none() }),
        );
    } else {
        match (options.redrive, confirmed) {
            (false, _) => say!("{}", paint(if matched == 0 { GOOD } else { FAINT }, format!("{matched} dead-lettered actions"))),
            (true, None) => say!("{}", paint(FAINT, format!("dry run, {matched} would be moved: --yes applies the change"))),
            (true, Some(_)) => {
                say!("{} moved to the queue of actions", paint(GOOD, moved));
                if failed > 0 {
                    say!("{} weren't acknowledged by it, and stay", paint(WARN, failed));
                }
            }
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Debug, Default)]
struct Found {
    matched: usize,
    moved: usize,
    failed: usize,
    /// The messages to make visible again.
    kept: Vec<String>,
}

async fn walk(
    letters: &ActionLetters,
    options: &DlqActions,
    confirmed: Option<Confirmed>,
    found: &mut Found,
) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    while seen.len() < MAX_DEAD_LETTERS {
        let taken = letters.take().await.map_err(super::walk::unread)?;
        let receipts: Vec<String> = taken.iter().map(|letter| letter.receipt.clone()).collect();
        if taken.iter().all(|letter| !seen.insert(letter.id.clone())) {
            found.kept.extend(receipts);
            return Ok(());
        }
        for letter in taken {
            let dead = DeadAction::of(&letter);
            if !dead.is_wanted(options) {
                found.kept.push(letter.receipt);
                continue;
            }
            found.matched += 1;
            match confirmed {
                None => {
                    found.kept.push(letter.receipt);
                    show(dead, options)?;
                }
                Some(confirmed) => match letters.redrive(&letter, confirmed).await {
                    Ok(()) => found.moved += 1,
                    Err(error) => {
                        found.failed += 1;
                        found.kept.push(letter.receipt);
                        say!("{} {error}", paint(BAD, "not moved:"));
                    }
                },
            }
        }
    }
    Ok(())
}

fn show(dead: DeadAction, options: &DlqActions) -> Result<(), Failure> {
    let dead = dead.without_data(options.payload);
    if options.target.json {
        data_of(&dead)?;
        return Ok(());
    }
    let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.to_owned());
    let state = or(&dead.state, "failed");
    let why = or(&dead.reason, "a consumer failed with it 5 times");
    say!(
        "{}  {}  {:<10} {:<14} {}  {}",
        super::print::when(dead.at),
        paint(NAME, short(&or(&dead.id, "?"), 16)),
        state,
        or(&dead.channel, "-"),
        paint(FAINT, or(&dead.cause, "-")),
        paint(BAD, why)
    );
    if let Some(action) = &dead.action {
        pretty(action);
    }
    Ok(())
}
