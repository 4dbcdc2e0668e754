//! `tidings dlq drop`: permanently deletes dead-lettered events. Their claims still record that they are dead-lettered,
//! and why.

use super::filter::DlqFilter;
use super::redrive::{Receipts, delete, dry_run, would_be};
use super::walk::{Walk, unread};
use crate::Failure;
use crate::confirm::{Confirm, Confirmed};
use crate::style::{WARN, data, paint, say};
use crate::target::TargetOptions;
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "Without --yes it shows what would be dropped. The claims keep the reason for 30 days.\n\nExamples:\n  \
        tidings dlq drop --stack tidings --key orders#ord-evt-3666\n  \
        tidings dlq drop --stack tidings --until 2026-11-01T00:00:00Z --yes \\\n      --receipts dropped.jsonl")]
pub struct DlqDrop {
    #[command(flatten)]
    pub filter: DlqFilter,
    #[command(flatten)]
    pub confirm: Confirm,
    /// Append a line of JSON to this file for each dropped event
    #[arg(long, value_name = "FILE")]
    pub receipts: Option<PathBuf>,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: DlqDrop) -> Result<ExitCode, Failure> {
    let walk = super::walk::start(&options.filter, &options.target.at).await?;
    walk.stop_on_interrupt();
    let Some(confirmed) = options.confirm.ask() else {
        return dry_run(&walk, &options.target, "dropped").await;
    };
    let mut receipts = options.receipts.as_deref().map(Receipts::open).transpose()?;
    let dropped = dropped(&walk, receipts.as_mut(), confirmed).await?;
    if options.target.json {
        data(&json!({"dropped": dropped}));
    } else {
        say!("{} deleted permanently", paint(WARN, dropped));
    }
    Ok(ExitCode::SUCCESS)
}

/// Does the same without a line on a terminal, and returns what `--json` prints.
pub(crate) async fn json(options: &DlqDrop) -> Result<Value, Failure> {
    let walk = super::walk::start(&options.filter, &options.target.at).await?;
    let Some(confirmed) = options.confirm.ask() else { return would_be(&walk).await };
    let mut receipts = options.receipts.as_deref().map(Receipts::open).transpose()?;
    Ok(json!({"dropped": dropped(&walk, receipts.as_mut(), confirmed).await?}))
}

pub(super) async fn dropped(walk: &Walk, mut receipts: Option<&mut Receipts>, confirmed: Confirmed) -> Result<usize, Failure> {
    let mut dropped = 0;
    walk.all(async |dead| {
        let all: Vec<usize> = (0..dead.len()).collect();
        let gone = delete(walk.queue(), dead, &all, confirmed).await.map_err(unread)?;
        dropped += gone.len();
        if let Some(receipts) = receipts.as_mut() {
            gone.iter().try_for_each(|n| receipts.write(&dead[*n], "dropped"))?;
        }
        Ok(gone)
    })
    .await?;
    Ok(dropped)
}
