//! `tidings tenants show`: a tenant's state. No command prints its secrets.

use super::{Named, shown, stored};
use crate::Failure;
use crate::style::{BAD, GOOD, data, paint, say};
use crate::target::{TargetOptions, now};
use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
        tidings tenants show stripe acme --stack tidings")]
pub struct TenantsShow {
    #[command(flatten)]
    pub named: Named,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: TenantsShow) -> Result<ExitCode, Failure> {
    let (at, key) = (&options.target.at, options.named.key());
    let now = now(at).await;
    let (_, record) = stored(&options.named, at).await?;
    if options.target.json {
        data(&shown(&key, &record, now));
        return Ok(ExitCode::SUCCESS);
    }
    let state = match record.disabled {
        None => paint(GOOD, "active"),
        Some(since) => paint(BAD, format!("disabled since {since}")),
    };
    say!("{}  {state}", key.partition());
    say!("  path      /webhooks/{}", key.partition());
    say!("  created   {}", record.created);
    if let Some(rotated) = record.rotated {
        say!("  rotated   {rotated}");
    }
    if let Some(previous) = record.previous.filter(|previous| now < previous.until) {
        say!("  secrets   2; the old one is accepted until {}", previous.until);
    }
    Ok(ExitCode::SUCCESS)
}
