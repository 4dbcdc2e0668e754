//! `tidings tenants disable` and `enable`.

use super::{Named, replace, stored, told};
use crate::Failure;
use crate::target::{TargetOptions, now};
use clap::Args;
use std::process::ExitCode;
use tidings_config::time::Timestamp;
use tidings_core::tenant::TenantRecord;

#[derive(Debug, Args)]
#[command(after_help = "A receiver that knows the tenant accepts its requests for five minutes more.\n\nExample:\n  \
        tidings tenants disable stripe acme --stack tidings")]
pub struct TenantsDisable {
    #[command(flatten)]
    pub named: Named,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "A receiver that refused the tenant just now does so for a minute more.\n\nExample:\n  \
        tidings tenants enable stripe acme --stack tidings")]
pub struct TenantsEnable {
    #[command(flatten)]
    pub named: Named,
    #[command(flatten)]
    pub target: TargetOptions,
}

async fn change(
    named: &Named,
    target: &TargetOptions,
    word: &str,
    change: impl FnOnce(TenantRecord, Timestamp) -> TenantRecord,
) -> Result<ExitCode, Failure> {
    let (at, key) = (&target.at, named.key());
    let now = now(at).await;
    let (table, record) = stored(named, at).await?;
    let record = change(record, now);
    replace(&table, &key, &record, at).await?;
    told(&key, &record, word, now, target);
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn disable(options: TenantsDisable) -> Result<ExitCode, Failure> {
    change(&options.named, &options.target, "disabled", TenantRecord::disabled).await
}

pub(crate) async fn enable(options: TenantsEnable) -> Result<ExitCode, Failure> {
    change(&options.named, &options.target, "enabled", |record, _| record.enabled()).await
}
