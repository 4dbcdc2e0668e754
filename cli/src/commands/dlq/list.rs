//! `tidings dlq list`: lists dead-lettered events by reason.

use super::dead::{Dead, WalkSummary};
use super::filter::DlqFilter;
use super::group::{Group, Groups};
use super::print::{groups, when};
use super::walk::Walk;
use crate::Failure;
use crate::limits::MAX_EVENTS_LISTED;
use crate::style::{FAINT, NAME, WARN, data, data_of, paint, say, short};
use crate::target::{Place, TargetOptions};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "Messages that are read stay invisible to other consumers until the command ends.\n\nExamples:\n  \
        tidings dlq list --stack tidings\n  \
        tidings dlq list --stack tidings --reason \"set.total\" --each\n  \
        tidings dlq list --stack tidings --since 2h --json")]
pub struct DlqList {
    #[command(flatten)]
    pub filter: DlqFilter,
    /// Print a line for each event, instead of a group for each reason
    #[arg(long)]
    pub each: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: DlqList) -> Result<ExitCode, Failure> {
    let walk = super::walk::start(&options.filter, &options.target.at).await?;
    walk.stop_on_interrupt();
    listed(&walk, options.each, &options.target).await
}

/// Groups the events of a walk by reason. Calls `each` for every event.
pub(super) async fn grouped(
    walk: &Walk,
    mut each: impl FnMut(&Dead) -> Result<(), Failure>,
) -> Result<(Vec<Group>, WalkSummary), Failure> {
    let mut found = Groups::default();
    let walked = walk
        .all(async |dead| {
            for one in dead {
                found.add(one);
                each(one)?;
            }
            Ok(BTreeSet::new())
        })
        .await?;
    Ok((found.finish(), walked))
}

/// Every group, and the first events in the order of the queue, up to a limit: as `--json` prints them.
pub(crate) async fn json(filter: &DlqFilter, at: &Place) -> Result<Value, Failure> {
    let walk = super::walk::start(filter, at).await?;
    let mut events = Vec::new();
    let (found, walked) = grouped(&walk, |one| {
        if events.len() < MAX_EVENTS_LISTED {
            events.push(serde_json::to_value(one).map_err(|error| Failure::new(error.to_string()))?);
        }
        Ok(())
    })
    .await?;
    let mut json = summary(&found, &walked);
    json["events"] = events.into();
    Ok(json)
}

fn summary(groups: &[Group], walked: &WalkSummary) -> Value {
    json!({"groups": groups, "messages": walked.matched, "looked_at": walked.seen, "complete": !walked.stopped})
}

pub(super) async fn listed(walk: &Walk, each: bool, target: &TargetOptions) -> Result<ExitCode, Failure> {
    let as_json = target.json;
    let show = |one: &Dead| {
        match (each, as_json) {
            (false, _) => {}
            (true, true) => {
                data_of(one)?;
            }
            (true, false) => line(one),
        }
        Ok(())
    };
    let (found, walked) = grouped(walk, show).await?;
    match (as_json, each) {
        (true, true) => {}
        (true, false) => data(&summary(&found, &walked)),
        (false, _) => groups(&found, &walked, &target.at),
    }
    Ok(ExitCode::SUCCESS)
}

fn line(dead: &Dead) {
    let key = dead.key.as_ref().map_or_else(|| dead.letter.id.clone(), ToString::to_string);
    let old = if dead.too_old { paint(WARN, "  too old to redrive") } else { String::new() };
    say!(
        "{}  {}  {:<24} {}{old}",
        when(dead.at),
        paint(NAME, short(&key, 44)),
        short(&dead.event_type, 24),
        paint(FAINT, &dead.reason)
    );
}
