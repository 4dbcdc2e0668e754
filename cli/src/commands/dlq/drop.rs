//! `tidings dlq drop`: deletes dead events for good. Their claims keep saying that they are dead, and why.

use super::redrive::{Receipts, delete, dry_run};
use super::walk::{Walk, unread};
use crate::Failure;
use crate::arguments::DlqDrop;
use crate::style::{WARN, data, paint, say};
use serde_json::json;
use std::process::ExitCode;

pub(crate) async fn run(options: DlqDrop) -> Result<ExitCode, Failure> {
    let walk = super::walk(&options.filter, &options.target.at).await?;
    walk.stop_on_interrupt();
    if !options.yes {
        return dry_run(&walk, options.target.json, "dropped").await;
    }
    let mut receipts = options.receipts.as_deref().map(Receipts::open).transpose()?;
    let dropped = dropped(&walk, receipts.as_mut()).await?;
    if options.target.json {
        data(&json!({"dropped": dropped}));
    } else {
        say!("{} dropped for good", paint(WARN, dropped));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn dropped(walk: &Walk, mut receipts: Option<&mut Receipts>) -> Result<usize, Failure> {
    let mut dropped = 0;
    walk.all(async |dead| {
        let all: Vec<usize> = (0..dead.len()).collect();
        let gone = delete(walk.queue(), dead, &all).await.map_err(unread)?;
        dropped += gone.len();
        if let Some(receipts) = receipts.as_mut() {
            gone.iter().try_for_each(|n| receipts.write(&dead[*n], "dropped"))?;
        }
        Ok(gone)
    })
    .await?;
    Ok(dropped)
}
