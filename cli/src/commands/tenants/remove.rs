//! `tidings tenants remove`: deletes a tenant and its secrets. Its events stay.

use super::{Named, stored};
use crate::Failure;
use crate::confirm::{Confirm, Confirmed};
use crate::style::{FAINT, GOOD, data, paint, say};
use crate::target::{TargetOptions, unreadable};
use clap::Args;
use serde_json::json;
use std::process::ExitCode;
use tidings_core::aws::DynamoTenants;
use tidings_core::ports::{TenantStore, Unavailable};
use tidings_core::tenant::TenantKey;

#[derive(Debug, Args)]
#[command(after_help = "What its events did stays: docs/tenants.md says how to erase it.\n\nExamples:\n  \
        tidings tenants remove stripe acme --stack tidings    dry run\n  \
        tidings tenants remove stripe acme --stack tidings --yes")]
pub struct TenantsRemove {
    #[command(flatten)]
    pub named: Named,
    #[command(flatten)]
    pub confirm: Confirm,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: TenantsRemove) -> Result<ExitCode, Failure> {
    let (at, key) = (&options.target.at, options.named.key());
    let (table, _) = stored(&options.named, at).await?;
    let confirmed = options.confirm.ask();
    if let Some(confirmed) = confirmed {
        delete(&table, &key, confirmed).await.map_err(|error| unreadable(at, &error))?;
    }
    if options.target.json {
        data(&json!({ "source": key.source, "tenant": key.name, "removed": confirmed.is_some() }));
    } else if confirmed.is_some() {
        say!("{} {}", paint(GOOD, "removed"), key.partition());
    } else {
        say!("would be removed: {}, with its secrets", key.partition());
        say!("{}", paint(FAINT, "dry run, nothing was removed: --yes applies the change"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn delete(table: &DynamoTenants, key: &TenantKey, _: Confirmed) -> Result<(), Unavailable> {
    table.delete(key).await
}
