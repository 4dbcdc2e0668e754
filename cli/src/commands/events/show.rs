//! `tidings events show`: shows an event by its claim and by the queue that should have its message. With `--payload`
//! it also shows the event itself, if it is stored.

use super::message::Whereabouts;
use crate::Failure;
use crate::commands::manual;
use crate::style::{BAD, FAINT, GOOD, STRONG, WARN, data, note, paint, pretty, say};
use crate::target::TargetOptions;
use crate::target::{reader, unreadable};
use anstyle::Style;
use clap::Args;
use std::process::ExitCode;
use tidings_config::limits::MAX_STORED_EVENT_BYTES;
use tidings_config::time::Timestamp;
use tidings_core::claim::{Claim, ClaimKey, ClaimState, Outcome};
use tidings_core::manual::ManualChange;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings events show stripe#evt_1TidingsCheckout1042\n  \
        tidings events show orders#ord-evt-3666 --stack tidings --json\n  \
        tidings events show orders#ord-evt-3001 --stack tidings --payload     the event itself, where the stack has KeepEvents=true")]
pub struct EventsShow {
    /// The claim key: {source}#{event key}
    pub key: String,
    /// Also print the payload, if it is stored
    #[arg(long)]
    pub payload: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: EventsShow) -> Result<ExitCode, Failure> {
    if !options.key.contains('#') {
        return Err(Failure::new(format!("{:?} is no claim key", options.key))
            .hint("as in stripe#evt_1TidingsCheckout1042: {source}#{event key}"));
    }
    let key = ClaimKey::from(options.key.clone());
    let record = reader(&options.target).await?.record(&key).await.map_err(|error| unreadable(&options.target.at, &error))?;
    let Some((claim, event)) = record else {
        return Err(Failure::new(format!("no claim {key}"))
            .hint("it never came, it couldn't be verified, or it is more than 30 days since it was processed"));
    };
    let event = event.filter(|_| options.payload);
    if options.payload && event.is_none() {
        let kib = MAX_STORED_EVENT_BYTES / 1_024;
        note(&format!("its event isn't kept with it: what is processed while a stack has KeepEvents=true is, up to {kib} KiB"));
    }
    let mut shown = claim.with_event(event.as_ref());
    let whereabouts = Whereabouts::of(&claim, &options.target.at).await;
    if options.target.json {
        if let Some(whereabouts) = whereabouts {
            shown["message"] = serde_json::to_value(whereabouts).map_err(|error| Failure::new(error.to_string()))?;
        }
        data(&shown);
    } else {
        print(&claim);
        row("message", whereabouts.map(|whereabouts| whereabouts.said(&claim)));
        shown.get("event").into_iter().for_each(pretty);
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a claim, for people.
pub(crate) fn print(claim: &Claim) {
    let (style, meaning) = meaning(claim);
    say!("{}  {}  {}", paint(STRONG, &claim.key), paint(style, claim.state), paint(FAINT, meaning));
    let since = |t: Timestamp| match claim.received {
        Some(received) => format!("{t}, {:.3} s after it was received", t.since(received).as_secs_f64()),
        None => t.to_string(),
    };
    row("type", Some(claim.event_type.clone()));
    row("id", claim.event_id.clone());
    row("subject", claim.subject.clone());
    row("received", claim.received.map(|t| t.to_string()));
    row("enqueued", claim.enqueued.map(since));
    row("processed", claim.processed.map(since));
    row("conversation", claim.conversation.clone());
    row("outcome", claim.outcome.map(|o| o.to_string()));
    row("rules", Some(claim.rules.join(", ")));
    row("node", claim.node.clone());
    row("overtaken", Some(claim.overtaken.join(", ")));
    row("off schema", claim.off_schema.clone());
    row("actions", Some(claim.action_lines().join("; ")));
    row("joins", Some(claim.joins.join(", ")));
    row("reason", claim.reason.clone());
    row("receives", claim.receive_count.map(|n| n.to_string()));
    row("dead", claim.dead.map(since));
    if let Some(ManualChange { by, reason, again, changes }) = &claim.manual {
        row("by hand", Some(by.clone()));
        row("why", Some(reason.clone()));
        row("again", again.as_ref().map(|event| format!("{event}, applied once more")));
        changes.iter().for_each(|change| row("changed", Some(manual::line(change))));
    }
    for again in &claim.applied_again {
        row("applied again", Some(format!("as {again}")));
    }
    row("trace", claim.trace_id.clone());
    row("body", claim.body_sha256.clone());
    for other in &claim.other_bodies {
        row("another body", Some(paint(WARN, format!("{other}, of a later delivery under the same key"))));
    }
    let unread: Vec<&str> = claim.unread.iter().map(|field| field.as_str()).collect();
    row("unread", (!unread.is_empty()).then(|| paint(WARN, format!("{}: sent, and not to be read", unread.join(", ")))));
    row("event", claim.event_bytes.map(|bytes| format!("kept, {bytes} bytes")));
    row("erased", claim.erased.map(|t| t.to_string()));
    row("kept until", claim.expires.map(|t| t.to_string()));
}

/// What the claim's state means. The context has only a part, or nothing, of an event that was overtaken.
fn meaning(claim: &Claim) -> (Style, &'static str) {
    if claim.erased.is_some() {
        return (FAINT, "erased with its conversation: only the key is left, so that no duplicate brings it back");
    }
    match (claim.state, claim.outcome) {
        (ClaimState::Received, _) => (WARN, "waiting for the processor. A further delivery is queued again"),
        (ClaimState::Enqueued, _) => (WARN, "queued, waiting for the processor. A further delivery is a duplicate"),
        (ClaimState::Dead, _) => (BAD, "given up: its message went to the dead-letter queue"),
        (ClaimState::Processed, Some(Outcome::Noted)) => (WARN, "noted: no rule is about it, and nothing came of it"),
        (ClaimState::Processed, Some(Outcome::Stale)) => (WARN, "stale: all that it would have set was newer already"),
        (ClaimState::Processed, Some(Outcome::Applied) | None) if !claim.overtaken.is_empty() => {
            (WARN, "part of its effect is in the context: what is overtaken was newer already")
        }
        (ClaimState::Processed, Some(Outcome::Applied) | None) => (GOOD, "its effect is in the context"),
    }
}

fn row(name: &str, value: Option<String>) {
    if let Some(value) = value.filter(|v| !v.is_empty()) {
        say!("  {name:<13} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_was_partly_overtaken_is_not_reported_as_in_the_context() {
        let processed = |outcome, overtaken: &[&str]| Claim {
            state: ClaimState::Processed,
            outcome: Some(outcome),
            overtaken: overtaken.iter().map(|&name| name.to_owned()).collect(),
            ..Claim::new(ClaimKey::from("orders#1".to_owned()))
        };
        for (claim, said) in [
            (processed(Outcome::Applied, &[]), "its effect is in the context"),
            (processed(Outcome::Applied, &["order/1.status"]), "part of its effect"),
            (processed(Outcome::Applied, &["node"]), "part of its effect"),
            (processed(Outcome::Stale, &["order/1.status"]), "all that it would have set was newer already"),
            (processed(Outcome::Noted, &[]), "nothing came of it"),
        ] {
            assert!(meaning(&claim).1.contains(said), "{:?}", meaning(&claim));
        }
    }
}
