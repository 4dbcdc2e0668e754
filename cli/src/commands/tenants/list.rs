//! `tidings tenants list`.

use super::shown;
use crate::Failure;
use crate::limits::{MAX_TENANTS_LISTED, TENANTS_LISTED, TENANTS_PAGE};
use crate::style::{BAD, GOOD, data, note, paint, say};
use crate::target::{TargetOptions, now, tenants, unreadable};
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;
use tidings_core::ports::TenantStore;
use tidings_core::tenant::{TenantKey, TenantRecord};

#[derive(Debug, Args)]
#[command(after_help = "The whole table is read: 10,000 tenants take about two seconds.\n\nExamples:\n  \
        tidings tenants list --stack tidings\n  \
        tidings tenants list stripe --stack tidings --json")]
pub struct TenantsList {
    /// Only tenants of this source
    pub source: Option<String>,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = TENANTS_LISTED, value_parser = number)]
    pub limit: usize,
    #[command(flatten)]
    pub target: TargetOptions,
}

fn number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_TENANTS_LISTED).contains(number));
    number.ok_or_else(|| format!("allowed: 1 to {MAX_TENANTS_LISTED}"))
}

pub(crate) async fn run(options: TenantsList) -> Result<ExitCode, Failure> {
    let at = &options.target.at;
    let (table, now) = (tenants(at).await?, now(at).await);
    let (mut found, mut from) = (Vec::<(TenantKey, TenantRecord)>::new(), None);
    loop {
        let page = table.list(options.source.as_deref(), from.as_ref(), TENANTS_PAGE).await;
        let page = page.map_err(|error| unreadable(at, &error))?;
        found.extend(page.tenants);
        from = page.next;
        if from.is_none() || found.len() > options.limit {
            break;
        }
    }
    let more = found.len() > options.limit;
    found.truncate(options.limit);
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    if options.target.json {
        data(&Value::from(found.iter().map(|(key, record)| shown(key, record, now)).collect::<Vec<_>>()));
    } else {
        for (key, record) in &found {
            let state = if record.is_active() { paint(GOOD, "active") } else { paint(BAD, "disabled") };
            say!("{}  {state}", key.partition());
        }
    }
    if found.is_empty() {
        note("there is no tenant; `tidings tenants add SOURCE TENANT` adds one");
    } else if more {
        note(&format!("only {} are shown; for more use --limit", found.len()));
    }
    Ok(ExitCode::SUCCESS)
}
