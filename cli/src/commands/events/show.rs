//! `tidings events show`: shows an event by its claim and by the queue that should have its message. With `--payload`
//! it also shows the event itself, if it is stored.

use super::message::MessageLocation;
use crate::Failure;
use crate::commands::manual;
use crate::stack::Send;
use crate::style::{BAD, FAINT, GOOD, STRONG, WARN, data, note, paint, pretty, say};
use crate::target::{Place, TargetOptions};
use crate::target::{reader_at, unreadable};
use anstyle::Style;
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;
use tidings_config::limits::MAX_STORED_EVENT_BYTES;
use tidings_config::status::StatusWord;
use tidings_config::time::Timestamp;
use tidings_core::claim::{Claim, ClaimKey, ClaimState, Outcome};
use tidings_core::manual::ManualChange;
use tidings_core::send::SendState;
use tidings_core::stored_event::StoredEvent;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings events show stripe#evt_1TidingsCheckout1042\n  \
        tidings events show orders#ord-evt-3666 --stack tidings --json\n  \
        tidings events show orders#ord-evt-3001 --stack tidings --payload")]
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
    let mut shown = Shown::found(&ClaimKey::from(options.key.clone()), &options.target.at).await?;
    shown.event = shown.event.filter(|_| options.payload);
    if options.payload && shown.event.is_none() {
        let kib = MAX_STORED_EVENT_BYTES / 1_024;
        note(&format!(
            "its event isn't stored: only events up to {kib} KiB that are processed while the stack has KeepEvents=true are"
        ));
    }
    let json = shown.json()?;
    if options.target.json {
        data(&json);
    } else {
        let Shown { claim, message, sends, .. } = &shown;
        print(claim);
        sends.iter().for_each(|send| row("send", Some(send_line(send))));
        row("message", message.as_ref().map(|message| message.said(claim, &options.target.at)));
        json.get("event").into_iter().for_each(pretty);
    }
    Ok(ExitCode::SUCCESS)
}

/// All that is stored of an event.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) claim: Claim,
    /// The event itself, if it is stored with its claim.
    pub(crate) event: Option<StoredEvent>,
    /// Where its message is. `None`: it has none.
    message: Option<MessageLocation>,
    /// What the sender has said of its actions.
    sends: Vec<Send>,
}

impl Shown {
    /// Errors: it isn't a claim key, or there is no such claim.
    pub(crate) async fn found(key: &ClaimKey, at: &Place) -> Result<Self, Failure> {
        if !key.as_str().contains('#') {
            return Err(Failure::new(format!("{:?} isn't a claim key", key.as_str()))
                .hint("for example stripe#evt_1TidingsCheckout1042: {source}#{event key}"));
        }
        Self::find(key, at).await?.ok_or_else(|| {
            Failure::new(format!("no claim with key {key}"))
                .hint("it was never received, it couldn't be verified, or it was processed more than 30 days ago")
        })
    }

    /// `None`: the event has no claim.
    pub(crate) async fn find(key: &ClaimKey, at: &Place) -> Result<Option<Self>, Failure> {
        let reader = reader_at(at).await?;
        let record = reader.record(key).await.map_err(|error| unreadable(at, &error))?;
        let Some((claim, event)) = record else { return Ok(None) };
        let message = MessageLocation::of(&claim, at).await;
        let sends = reader.sends(key).await.map_err(|error| unreadable(at, &error))?;
        Ok(Some(Self { claim, event, message, sends }))
    }

    /// As `--json` prints it.
    pub(crate) fn json(&self) -> Result<Value, Failure> {
        let mut json = self.claim.with_event(self.event.as_ref());
        if let Some(message) = &self.message {
            json["message"] = serde_json::to_value(message).map_err(|error| Failure::new(error.to_string()))?;
        }
        if !self.sends.is_empty() {
            json["sends"] = serde_json::to_value(&self.sends).map_err(|error| Failure::new(error.to_string()))?;
        }
        Ok(json)
    }
}

/// An action that the sender has: its channel, its state, and why; and what its provider says of the message.
pub(crate) fn send_line(Send { record: send, status }: &Send) -> String {
    let style = match send.state {
        SendState::Sent => GOOD,
        SendState::Sending | SendState::Waiting => WARN,
        SendState::Refused | SendState::Uncertain => BAD,
    };
    let tries = if send.tries == 1 { String::new() } else { format!(", {} tries", send.tries) };
    let message = send.message.as_ref().map(|message| format!(", {message}")).unwrap_or_default();
    let reason = send.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let status = status.as_ref().map(|status| {
        let style = match status.is {
            StatusWord::Delivered | StatusWord::Read => GOOD,
            StatusWord::Failed => BAD,
        };
        let reason = status.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("; {} {}{reason}", paint(style, status.is), status.at)
    });
    let status = status.unwrap_or_default();
    format!("{} {}{tries}{message}, {}{reason}{status}", send.channel, paint(style, send.state), send.at)
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
    row("violation", claim.off_schema.clone());
    row("actions", Some(claim.action_lines().join("; ")));
    let (turns, others): (Vec<&str>, Vec<&str>) =
        claim.joins.iter().map(String::as_str).partition(|name| name.starts_with("turn#"));
    let (reminders, joins): (Vec<&str>, Vec<&str>) = others.into_iter().partition(|name| name.starts_with("reminder#"));
    row("joins", Some(joins.join(", ")));
    row("turns", Some(turns.join(", ")));
    row("reminders", Some(reminders.join(", ")));
    row("reason", claim.reason.clone());
    row("receives", claim.receive_count.map(|n| n.to_string()));
    row("dead", claim.dead.map(since));
    if let Some(ManualChange { by, reason, again, changes }) = &claim.manual {
        row("manual, by", Some(by.clone()));
        row("reason", Some(reason.clone()));
        row("again", again.as_ref().map(|event| format!("{event}, applied again")));
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
    row("unread", (!unread.is_empty()).then(|| paint(WARN, format!("{}: present, but not readable", unread.join(", ")))));
    row("event", claim.event_bytes.map(|bytes| format!("stored, {bytes} bytes")));
    row("erased", claim.erased.map(|t| t.to_string()));
    row("expires", claim.expires.map(|t| t.to_string()));
}

/// What the claim's state means. The context has only a part, or nothing, of an event that was overtaken.
fn meaning(claim: &Claim) -> (Style, &'static str) {
    if claim.erased.is_some() {
        return (FAINT, "erased with its conversation: only the key is stored, so that duplicates are recognised");
    }
    match (claim.state, claim.outcome) {
        (ClaimState::Received, _) => (WARN, "waiting for the processor. Another delivery is queued again"),
        (ClaimState::Enqueued, _) => (WARN, "queued, waiting for the processor. Another delivery is a duplicate"),
        (ClaimState::Dead, _) => (BAD, "dead-lettered: its message was moved to the dead-letter queue"),
        (ClaimState::Processed, Some(Outcome::Noted)) => (WARN, "noted: no rule matches it, so it had no effect"),
        (ClaimState::Processed, Some(Outcome::Stale)) => (WARN, "stale: the context already had newer values for all its facts"),
        (ClaimState::Processed, Some(Outcome::Applied) | None) if !claim.overtaken.is_empty() => {
            (WARN, "part of its effect is in the context: the overtaken facts already had newer values")
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
            (processed(Outcome::Stale, &["order/1.status"]), "the context already had newer values for all its facts"),
            (processed(Outcome::Noted, &[]), "it had no effect"),
        ] {
            assert!(meaning(&claim).1.contains(said), "{:?}", meaning(&claim));
        }
    }
}
