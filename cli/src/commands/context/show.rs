//! `tidings context show`: shows what the chatbot knows of a conversation.

use super::for_llm;
use crate::Failure;
use crate::commands::events::show::send_line;
use crate::facts;
use crate::stack::Send;
use crate::style::{FAINT, STRONG, data, note, paint, say, short};
use crate::target::{Place, TargetOptions};
use crate::target::{now, reader_at, unreadable};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use tidings_core::claim::Claim;
use tidings_core::context::Context;
use tidings_core::manual::ManualChange;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings context show whatsapp:491713920012\n  \
        tidings context show slack:C0SUPPORT1 --stack tidings --json\n  \
        tidings context show slack:C0SUPPORT1 --stack tidings --for-llm")]
pub struct ContextShow {
    /// Conversation, as rules.yaml and the presets name it
    pub conversation: String,
    /// Print a part of a prompt: every text of others in a fence that it can't close, bounded, with who wrote it
    #[arg(long, conflicts_with = "json")]
    pub for_llm: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: ContextShow) -> Result<ExitCode, Failure> {
    let (context, timeline) = found(&options.conversation, &options.target.at).await?;
    let sends = sends(&timeline, &options.target.at).await?;
    if options.target.json {
        let mut shown = json(&context, &timeline);
        if !sends.is_empty() {
            shown["sends"] = json!(sends);
        }
        data(&shown);
        return Ok(ExitCode::SUCCESS);
    }
    is_known(&options.conversation, &context, &timeline)?;
    if options.for_llm {
        for_llm::text(&context)?.lines().for_each(|line| say!("{line}"));
        return Ok(ExitCode::SUCCESS);
    }
    if context.conversation != options.conversation {
        note(&format!("{:?} is an identity of {:?}", options.conversation, context.conversation));
    }
    facts::print(&context);
    if !timeline.is_empty() {
        say!("  {}", paint(STRONG, "timeline"));
        for claim in &timeline {
            entry(claim);
            for send in sends.get(claim.key.as_str()).into_iter().flatten() {
                say!("    {:<24}  {:<8}  {}", "", paint(FAINT, "send"), send_line(send));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A conversation's context, by its name or by that of an identity, and its timeline. Both are empty if nothing is stored.
pub(crate) async fn found(conversation: &str, at: &Place) -> Result<(Context, Vec<Claim>), Failure> {
    let reader = reader_at(at).await?;
    let failed = |error| unreadable(at, &error);
    let context = reader.conversation(conversation, now(at).await).await.map_err(failed)?;
    let timeline = reader.timeline(&context).await.map_err(failed)?;
    Ok((context, timeline))
}

/// The sends of these events, by their keys. Without a sender nothing is read.
async fn sends(timeline: &[Claim], at: &Place) -> Result<BTreeMap<String, Vec<Send>>, Failure> {
    let mut all = BTreeMap::new();
    let acted: Vec<&Claim> = timeline.iter().filter(|claim| !claim.actions.is_empty()).collect();
    if acted.is_empty() {
        return Ok(all);
    }
    let reader = reader_at(at).await?;
    for claim in acted {
        let sends = reader.sends(&claim.key).await.map_err(|error| unreadable(at, &error))?;
        if !sends.is_empty() {
            all.insert(claim.key.to_string(), sends);
        }
    }
    Ok(all)
}

/// Errors: nothing is known of the conversation.
pub(crate) fn is_known(conversation: &str, context: &Context, timeline: &[Claim]) -> Result<(), Failure> {
    if context.entities.is_empty() && context.node.is_none() && timeline.is_empty() {
        return Err(Failure::new(format!("there is no context for {conversation:?}"))
            .hint("find an event's conversation with: tidings events show KEY"));
    }
    Ok(())
}

/// As `--json` prints it.
pub(crate) fn json(context: &Context, timeline: &[Claim]) -> Value {
    let mut shown = json!({ "context": context, "timeline": timeline });
    let unreadable = facts::unreadable_preferences(context);
    if !unreadable.is_empty() {
        shown["unreadable_preferences"] = json!(unreadable);
    }
    shown
}

fn entry(claim: &Claim) {
    let at = claim.happened().map(|at| at.to_string()).unwrap_or_default();
    let outcome = claim.outcome.map_or(claim.state.as_str(), |o| o.as_str());
    say!("    {}  {outcome:<8}  {:<28}  {}", paint(FAINT, at), claim.event_type, paint(FAINT, short(claim.key.as_str(), 48)));
    if let Some(ManualChange { by, reason, .. }) = &claim.manual {
        say!("    {:<24}  {:<8}  {}", "", paint(FAINT, "by hand"), paint(FAINT, format!("{by}: {reason}")));
    }
    for action in &claim.actions {
        say!("    {:<24}  {:<8}  {}", "", paint(FAINT, "action"), paint(FAINT, action));
    }
}
