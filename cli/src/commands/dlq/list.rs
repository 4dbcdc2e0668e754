//! `tidings dlq list`: what died, by reason.

use super::filter::DlqFilter;
use super::print::{groups, when};
use super::walk::{Dead, Walk, Walked};
use crate::Failure;
use crate::limits::MAX_REASON_GROUPS;
use crate::style::{FAINT, NAME, WARN, data, data_of, paint, say, short};
use crate::target::TargetOptions;
use clap::Args;
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use tidings_config::time::Timestamp;

#[derive(Debug, Args)]
#[command(after_help = "What is looked at is hidden from others until the walk ends, and then shown again.\n\nExamples:\n  \
        tidings dlq list --stack tidings\n  \
        tidings dlq list --stack tidings --reason \"set.total\" --each\n  \
        tidings dlq list --stack tidings --since 2h --json")]
pub struct DlqList {
    #[command(flatten)]
    pub filter: DlqFilter,
    /// A line each, instead of a group a reason
    #[arg(long)]
    pub each: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// What died for one reason. Numbers in it count as the same: "257 bytes" and "300 bytes" are one reason.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Group {
    pub(super) reason: String,
    pub(super) messages: usize,
    pub(super) sources: BTreeSet<String>,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    /// Of these, what a redrive refuses.
    pub(super) too_old: usize,
    /// One of them.
    pub(super) example: Option<String>,
}

/// Bounded, whatever is in the queue.
#[derive(Default)]
pub(super) struct Groups(BTreeMap<String, Group>);

const OTHERS: &str = "other reasons";

impl Groups {
    pub(super) fn add(&mut self, dead: &Dead) {
        let numbers = dead.reason.chars().map(|c| if c.is_ascii_digit() { '#' } else { c });
        let mut kind: String = numbers.collect();
        while kind.contains("##") {
            kind = kind.replace("##", "#");
        }
        if self.0.len() >= MAX_REASON_GROUPS && !self.0.contains_key(&kind) {
            OTHERS.clone_into(&mut kind);
        }
        let reason = if kind == OTHERS { OTHERS } else { &dead.reason };
        let group = self.0.entry(kind).or_insert_with(|| Group { reason: reason.to_owned(), ..Group::default() });
        group.messages += 1;
        group.too_old += usize::from(dead.too_old);
        if group.sources.len() < MAX_REASON_GROUPS {
            group.sources.insert(dead.source.clone());
        }
        group.first = [group.first, dead.at].into_iter().flatten().min();
        group.last = group.last.max(dead.at);
        if group.example.is_none() {
            group.example = dead.key.as_ref().map(ToString::to_string);
        }
    }

    /// The most first.
    pub(super) fn finish(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.0.into_values().collect();
        groups.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.reason.cmp(&b.reason)));
        groups
    }
}

pub(crate) async fn run(options: DlqList) -> Result<ExitCode, Failure> {
    let walk = super::walk::start(&options.filter, &options.target.at).await?;
    walk.stop_on_interrupt();
    listed(&walk, options.each, options.target.json).await
}

/// What a walk comes to, by reason. `each` is shown every one of it.
pub(super) async fn grouped(
    walk: &Walk,
    mut each: impl FnMut(&Dead) -> Result<(), Failure>,
) -> Result<(Vec<Group>, Walked), Failure> {
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

pub(super) async fn listed(walk: &Walk, each: bool, as_json: bool) -> Result<ExitCode, Failure> {
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
        (true, false) => {
            data(&json!({"groups": found, "messages": walked.matched, "looked_at": walked.seen, "complete": !walked.stopped}))
        }
        (false, _) => groups(&found, &walked),
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
