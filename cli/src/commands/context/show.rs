//! `tidings context show`: what the chatbot knows of a conversation.

use crate::Failure;
use crate::style::{FAINT, NAME, STRONG, WARN, data, note, paint, say, short};
use crate::target::TargetOptions;
use crate::target::{now, reader, unreadable};
use clap::Args;
use serde_json::json;
use std::process::ExitCode;
use tidings_config::time::{Clock, SystemClock};
use tidings_core::action::{Preference, Preferences};
use tidings_core::claim::Claim;
use tidings_core::context::{Context, Order, PREFERENCES};
use tidings_core::manual::{self, Correction, ManualChange};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings context show whatsapp:491713920012\n  \
        tidings context show slack:C0SUPPORT1 --stack tidings --json")]
pub struct ContextShow {
    /// As rules.yaml and the presets name it
    pub conversation: String,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: ContextShow) -> Result<ExitCode, Failure> {
    let reader = reader(&options.target).await?;
    let failed = |error| unreadable(&options.target.at, &error);
    let context = reader.conversation(&options.conversation, now(&options.target.at).await).await.map_err(failed)?;
    let timeline = reader.timeline(&context).await.map_err(failed)?;
    if options.target.json {
        let mut shown = json!({ "context": context, "timeline": timeline });
        let unreadable = unreadable_preferences(&context);
        if !unreadable.is_empty() {
            shown["unreadable_preferences"] = json!(unreadable);
        }
        data(&shown);
        return Ok(ExitCode::SUCCESS);
    }
    if context.entities.is_empty() && context.node.is_none() && timeline.is_empty() {
        return Err(Failure::new(format!("nothing is known of {:?}", options.conversation))
            .hint("an event shows its conversation: tidings events show KEY"));
    }
    if context.conversation != options.conversation {
        note(&format!("{:?} is an identity of {:?}", options.conversation, context.conversation));
    }
    facts(&context);
    if !timeline.is_empty() {
        say!("  {}", paint(STRONG, "timeline"));
        timeline.iter().for_each(entry);
    }
    Ok(ExitCode::SUCCESS)
}

/// A conversation's facts and node, for people.
pub(crate) fn facts(context: &Context) {
    let node = context.node.as_ref().and_then(|fact| fact.value.as_str());
    let by_hand = context.node.as_ref().is_some_and(|fact| Correction::is_key(&fact.order.key));
    let by_hand = if by_hand { paint(FAINT, " by hand") } else { String::new() };
    let stands = node.map(|node| format!("  at {}{by_hand}", paint(NAME, node))).unwrap_or_default();
    say!("{}{stands}", paint(STRONG, &context.conversation));
    if !context.identities.is_empty() {
        say!("  {} {}", paint(FAINT, "also"), paint(NAME, context.identities.join(", ")));
    }
    let unreadable = unreadable_preferences(context);
    let width = context.entities.values().flat_map(|facts| facts.keys()).map(|name| name.chars().count()).max().unwrap_or(0);
    for (entity, facts) in &context.entities {
        say!("  {}", paint(NAME, entity));
        for (name, fact) in facts {
            let from = from(&fact.order);
            let value = short(&fact.value.to_string(), 48);
            say!("    {name:<width$}  {value:<48}  {}", paint(FAINT, from));
            if entity == PREFERENCES && unreadable.iter().any(|preference| preference.as_str() == name) {
                let what = "can't be read, so notifications are withheld; docs/configuration.md has the forms";
                say!("    {:<width$}  {}", "", paint(WARN, what));
            }
        }
    }
}

/// Those that are there and silence, because nobody knows what they say. What has expired isn't in a context.
fn unreadable_preferences(context: &Context) -> Vec<Preference> {
    Preferences::read(context.entities.get(PREFERENCES), SystemClock.now()).unreadable()
}

/// The event that a fact comes from, or that a person has set it by hand.
fn from(order: &Order) -> String {
    let Order { time, key, .. } = order;
    match manual::applied_again(key) {
        _ if Correction::is_key(key) => format!("{time} by hand: {key}"),
        Some(event) => format!("{time} by {}, applied again", short(event, 40)),
        None => format!("{time} by {}", short(key.as_str(), 40)),
    }
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
