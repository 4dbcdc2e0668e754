//! `tidings dlq redrive`: sends dead-lettered events to the events queue again, and external links to the links queue.
//! Each message is deleted from the dead-letter queue after the other queue has acknowledged it. An interruption in
//! between leaves it in both queues; its claim makes sure that it has one effect.

use super::dead::{Dead, WalkSummary};
use super::filter::DlqFilter;
use super::group::Group;
use super::list::grouped;
use super::print::{groups, json};
use super::sorted::RoutedQueues;
use super::walk::Walk;
use crate::Failure;
use crate::commands::pace::{Pace, progress};
use crate::confirm::{Confirm, Confirmed};
use crate::stack::{DeadLetters, Receipt};
use crate::style::{FAINT, GOOD, WARN, data, paint, safe_json, say};
use crate::target::{Place, TargetOptions};
use crate::target::{events_queue, links_queue, queue_counts};
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use tidings_config::limits::MAX_BATCH_BYTES;
use tidings_config::time::{Clock, SystemClock};
use tidings_core::aws::SqsQueue;
use tidings_core::ports::{EventQueue, Unavailable};

#[derive(Debug, Args)]
#[command(
    after_help = "Without --yes it shows what would be moved. A message leaves the dead-letter queue only after the events \
        queue has acknowledged it, so the command can be interrupted and run again. A message that was received more than 29 \
        days ago is refused.\n\n\
        Exit status: 0 every matching message was moved or refused, 1 some were left.\n\nExamples:\n  \
        tidings dlq redrive --stack tidings --reason \"set.total\"\n  \
        tidings dlq redrive --stack tidings --reason \"set.total\" --yes \\\n      --rate 50 --receipts moved.jsonl"
)]
pub struct DlqRedrive {
    #[command(flatten)]
    pub filter: DlqFilter,
    #[command(flatten)]
    pub confirm: Confirm,
    /// Messages a second, at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=3_000))]
    pub rate: u32,
    /// Append a line of JSON to this file for each moved event
    #[arg(long, value_name = "FILE")]
    pub receipts: Option<PathBuf>,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// The result of a redrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct RedriveCounts {
    /// Acknowledged by the target queue, and deleted from the dead-letter queue.
    pub(super) moved: usize,
    /// Acknowledged, but maybe not deleted here: a second redrive is harmless.
    pub(super) in_both: usize,
    /// Left in the queue, because they were received too long ago.
    pub(super) refused: usize,
    /// Left in the queue, because the target queue didn't acknowledge them.
    pub(super) failed: usize,
}

pub(crate) async fn run(options: DlqRedrive) -> Result<ExitCode, Failure> {
    let at = &options.target.at;
    let walk = super::walk::start(&options.filter, at).await?;
    walk.stop_on_interrupt();
    let Some(confirmed) = options.confirm.ask() else {
        return dry_run(&walk, &options.target, "moved").await;
    };
    let events = target_queues(at).await?;
    let letters = queue_counts(at).await?.iter().find(|count| count.queue == "dead letters").map_or(0, |count| count.messages);
    let mut receipts = options.receipts.as_deref().map(Receipts::open).transpose()?;
    let bar = progress(letters);
    let (walked, moved) = redrive(&walk, &events, options.rate, receipts.as_mut(), &bar, confirmed).await?;
    bar.finish_and_clear();
    if options.target.json {
        data(&summary(&walked, &moved));
    } else {
        told(&walked, &moved);
    }
    Ok(if moved.failed == 0 && !walked.stopped { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The queues that take the messages.
async fn target_queues(at: &Place) -> Result<RoutedQueues<SqsQueue, SqsQueue>, Failure> {
    let events = events_queue(at).await?;
    // A stack from before the links queue takes external links in its events queue.
    Ok(RoutedQueues { events, links: links_queue(at).await.ok() })
}

fn summary(walked: &WalkSummary, moved: &RedriveCounts) -> Value {
    json!({"redrive": moved, "matched": walked.matched, "looked_at": walked.seen, "complete": !walked.stopped})
}

/// Does the same without a line on a terminal, and returns what `--json` prints.
pub(crate) async fn redriven(options: &DlqRedrive) -> Result<Value, Failure> {
    let at = &options.target.at;
    let walk = super::walk::start(&options.filter, at).await?;
    let Some(confirmed) = options.confirm.ask() else { return would_be(&walk).await };
    let mut receipts = options.receipts.as_deref().map(Receipts::open).transpose()?;
    let (events, bar) = (target_queues(at).await?, ProgressBar::hidden());
    let (walked, moved) = redrive(&walk, &events, options.rate, receipts.as_mut(), &bar, confirmed).await?;
    Ok(summary(&walked, &moved))
}

/// What a dry run prints as JSON.
pub(super) async fn would_be(walk: &Walk) -> Result<Value, Failure> {
    let (found, walked) = grouped(walk, |_| Ok(())).await?;
    Ok(would(&found, &walked))
}

fn would(groups: &[Group], walked: &WalkSummary) -> Value {
    json!({"dry_run": true, "groups": groups, "messages": walked.matched, "looked_at": walked.seen, "complete": !walked.stopped})
}

/// Prints what would be done, by reason.
pub(super) async fn dry_run(walk: &Walk, target: &TargetOptions, would_be: &str) -> Result<ExitCode, Failure> {
    let (found, walked) = grouped(walk, |_| Ok(())).await?;
    if target.json {
        data(&would(&found, &walked));
    } else {
        groups(&found, &walked, &target.at);
        say!("{}", paint(FAINT, format!("dry run, nothing was {would_be}: --yes applies the change")));
    }
    Ok(ExitCode::SUCCESS)
}

/// Moves at most `rate` messages a second.
pub(super) async fn redrive(
    walk: &Walk,
    events: &dyn EventQueue,
    rate: u32,
    mut receipts: Option<&mut Receipts>,
    bar: &ProgressBar,
    confirmed: Confirmed,
) -> Result<(WalkSummary, RedriveCounts), Failure> {
    let mut moved = RedriveCounts::default();
    let mut pace = Pace::new(rate);
    let walked = walk
        .all(async |dead| {
            let fits: Vec<usize> = (0..dead.len()).filter(|n| !dead[*n].too_old).collect();
            moved.refused += dead.len() - fits.len();
            let sent = send(events, dead, &fits).await;
            let acknowledged: Vec<usize> =
                fits.iter().copied().zip(&sent).filter(|(_, sent)| sent.is_ok()).map(|(n, _)| n).collect();
            moved.failed += fits.len() - acknowledged.len();
            if let Some(receipts) = receipts.as_mut() {
                acknowledged.iter().try_for_each(|n| receipts.write(&dead[*n], "redriven"))?;
            }
            // A failed delete doesn't stop the redrive: the other queue has acknowledged the messages, and they count
            // as in both queues.
            let gone = delete(walk.queue(), dead, &acknowledged, confirmed).await.unwrap_or_default();
            moved.moved += gone.len();
            moved.in_both += acknowledged.len() - gone.len();
            bar.inc(dead.len() as u64);
            if let Some(Err(error)) = sent.first().filter(|_| acknowledged.is_empty()) {
                return Err(Failure::new(format!("the events queue accepts no messages: {error}"))
                    .hint(format!("{} were moved before; run it again", moved.moved)));
            }
            pace.keep(acknowledged.len()).await;
            Ok(gone)
        })
        .await?;
    Ok((walked, moved))
}

async fn send(events: &dyn EventQueue, dead: &[Dead], which: &[usize]) -> Vec<Result<(), Unavailable>> {
    let bodies: Vec<&str> = which.iter().map(|n| dead[*n].letter.body.as_str()).collect();
    match bodies.iter().map(|body| body.len()).sum::<usize>() {
        0 => Vec::new(),
        bytes if bytes <= MAX_BATCH_BYTES => events.send(&bodies, None).await,
        _ => {
            let mut sent = Vec::new();
            for body in bodies {
                sent.extend(events.send(&[body], None).await);
            }
            sent
        }
    }
}

/// Returns the positions of the deleted messages.
pub(super) async fn delete(
    queue: &DeadLetters,
    dead: &[Dead],
    which: &[usize],
    confirmed: Confirmed,
) -> Result<BTreeSet<usize>, Unavailable> {
    if which.is_empty() {
        return Ok(BTreeSet::new());
    }
    let receipts: Vec<Receipt> = which.iter().map(|n| dead[*n].letter.receipt.clone()).collect();
    let gone = queue.delete(&receipts, confirmed).await?;
    Ok(gone.into_iter().filter_map(|place| which.get(place).copied()).collect())
}

/// A file with a line of JSON for each message that left the queue.
pub(super) struct Receipts(File);

impl Receipts {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::options().create(true).append(true).open(path);
        file.map(Self).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }

    pub(super) fn write(&mut self, dead: &Dead, what: &str) -> Result<(), Failure> {
        let line = json(&json!({"what": what, "at": SystemClock.now(), "event": dead}))?;
        writeln!(self.0, "{}", safe_json(&line)).map_err(|error| Failure::new(format!("the receipts: {error}")))
    }
}

fn told(walked: &WalkSummary, moved: &RedriveCounts) {
    say!("{} moved to the events queue, of {} read", paint(GOOD, moved.moved), walked.seen);
    for (n, what) in [
        (
            moved.in_both,
            "are in both queues: acknowledged by the events queue, but not deleted from this one. Their claims prevent a second \
             effect",
        ),
        (
            moved.refused,
            "refused: received so long ago that their claims may have expired. `tidings dlq show` prints them, `tidings dlq \
             drop` deletes them",
        ),
        (moved.failed, "weren't acknowledged by the events queue, and stay in the dead-letter queue"),
    ] {
        if n > 0 {
            say!("{} {what}", paint(WARN, n));
        }
    }
    if walked.stopped {
        say!("{}", paint(WARN, "it stopped before the end of the queue: run it again for the rest"));
    }
}
