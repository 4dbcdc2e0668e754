//! `tidings replay`: replays recorded deliveries, and a stack's events.
//!
//! Promises: without --url it sends nothing to another machine and changes nothing anywhere. With --url it sends each
//! delivery once and in order, and to another machine only with --yes. With --apply it changes a stack's contexts, and
//! only with --yes. It uses only payloads from a file, from a claim that stores them, or from the dead-letter queue:
//! they are stored nowhere else.

mod apply;
pub(crate) mod here;
mod options;
mod sending;
mod timeline;

pub(crate) use options::ReplayOptions;

use crate::Failure;
use crate::captures::read_all;
use crate::commands::dlq::{Found, envelopes};
use crate::commands::rules::diff::differences;
use crate::style::{count, note};
use std::process::ExitCode;
use tidings_core::envelope::Envelope;

pub(crate) async fn run(options: ReplayOptions) -> Result<ExitCode, Failure> {
    if options.apply {
        let events = timeline::events(&options).await?;
        return apply::run(&options, events).await;
    }
    if options.confirm.ask().is_some() && options.url.is_none() {
        return Err(Failure::new("--yes requires --url or --apply").status(2));
    }
    if options.dlq {
        let Found { events, unreadable, cut } = envelopes(&options.filter.dead_letters(), &options.at).await?;
        let more = if cut { ", and there are more" } else { "" };
        let (events_read, unreadable) = (count(events.len(), "event"), count(unreadable, "unreadable message"));
        note(&format!("{events_read} of the dead-letter queue{more}, {unreadable}"));
        return received(&options, events).await;
    }
    if options.from.is_empty() {
        let events = timeline::events(&options).await?;
        return received(&options, events).await;
    }
    if !options.filter.is_empty() {
        return Err(Failure::new(
            "--since, --until, --source, --type, --reason, --conversation and --key select events of a stack",
        )
        .hint("select recorded deliveries by their file names"));
    }
    let recorded = read_all(&options.from)?;
    match (&options.url, &options.against) {
        (Some(url), _) => sending::run(&options, url, &recorded).await,
        (None, Some(against)) if options.diff => {
            let mut events = Vec::new();
            for (file, one) in &recorded {
                events.extend(one.events().map_err(|failure| Failure::new(format!("{file}: {failure}")))?);
            }
            differences(&options.file, against, &events).await
        }
        (None, _) => here::deliveries(&options, &recorded).await,
    }
}

/// Replays events that were received before, or prints what other rules do with them.
async fn received(options: &ReplayOptions, events: Vec<Envelope>) -> Result<ExitCode, Failure> {
    match &options.against {
        Some(against) if options.diff => differences(&options.file, against, &events).await,
        Some(_) | None => here::events(options, events).await,
    }
}
