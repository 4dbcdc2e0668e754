//! `tidings dlq`, as it is called.

use super::{TargetOptions, When};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use tidings_config::rules::TypePattern;

#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// What died, by reason
    List(DlqList),
    /// One dead event
    Show(DlqShow),
    /// Send dead events to the events queue again
    Redrive(DlqRedrive),
    /// Delete dead events for good
    Drop(DlqDrop),
}

/// Which of them: all that is said must be so.
#[derive(Clone, Debug, Default, Args)]
pub struct DlqFilter {
    /// Died at this time or later: RFC 3339, or how long ago, as in 2h
    #[arg(long, value_name = "TIME")]
    pub since: Option<When>,
    /// Died at this time or before
    #[arg(long, value_name = "TIME")]
    pub until: Option<When>,
    /// Of this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Of a type, as rules.yaml names it: order.shipped, order.*
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<TypePattern>,
    /// A part of the reason, in upper or lower case. With `replay --apply`: why, for the record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Of this conversation
    #[arg(long, value_name = "NAME")]
    pub conversation: Option<String>,
    /// The event with this claim key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

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

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings dlq show orders#ord-evt-3666 --stack tidings\n  \
        tidings dlq show orders#ord-evt-3666 --stack tidings --payload\n  \
        tidings dlq show 'orders#unreadable:sha256:…' --stack tidings --bytes > body\n  \
        tidings rules explain orders#ord-evt-3666 --stack tidings     which rules were about it")]
pub struct DlqShow {
    /// The claim key: {source}#{event key}
    pub key: String,
    /// What it carries, too
    #[arg(long)]
    pub payload: bool,
    /// Nothing but what it carries, as it was sent: into a file or a pipe. What couldn't be read as an event is looked at so
    #[arg(long, conflicts_with = "payload")]
    pub bytes: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Without --yes it says what would be moved. A message leaves the dead-letter queue after the events queue has \
        acknowledged it: interrupt it as you like, and run it again. What was received more than 29 days ago is refused.\n\n\
        Exit status: 0 all that matched was moved or refused, 1 something was left.\n\nExamples:\n  \
        tidings dlq redrive --stack tidings --reason \"set.total\"\n  \
        tidings dlq redrive --stack tidings --reason \"set.total\" --yes --rate 50 --receipts moved.jsonl"
)]
pub struct DlqRedrive {
    #[command(flatten)]
    pub filter: DlqFilter,
    /// Do it
    #[arg(long)]
    pub yes: bool,
    /// Messages a second, at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=3_000))]
    pub rate: u32,
    /// Append a line of JSON to this file for each that is moved
    #[arg(long, value_name = "FILE")]
    pub receipts: Option<PathBuf>,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "Without --yes it says what would be dropped. Their claims keep the reason for 30 days.\n\nExamples:\n  \
        tidings dlq drop --stack tidings --key orders#ord-evt-3666\n  \
        tidings dlq drop --stack tidings --until 2026-11-01T00:00:00Z --yes --receipts dropped.jsonl")]
pub struct DlqDrop {
    #[command(flatten)]
    pub filter: DlqFilter,
    /// Do it
    #[arg(long)]
    pub yes: bool,
    /// Append a line of JSON to this file for each that is dropped
    #[arg(long, value_name = "FILE")]
    pub receipts: Option<PathBuf>,
    #[command(flatten)]
    pub target: TargetOptions,
}
