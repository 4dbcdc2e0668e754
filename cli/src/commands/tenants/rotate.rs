//! `tidings tenants rotate`: a new secret, beside which the old one is accepted for a while.

use super::secret::SecretOptions;
use super::{Named, replace, stored, told};
use crate::Failure;
use crate::confirm::{Confirm, Confirmed};
use crate::limits::{MAX_TENANT_ROTATION, TENANT_ROTATION};
use crate::style::{FAINT, data, note, paint, say};
use crate::target::{Place, TargetOptions, now};
use clap::Args;
use serde_json::json;
use std::process::ExitCode;
use tidings_config::rules::Span;
use tidings_core::aws::DynamoTenants;
use tidings_core::tenant::{TenantKey, TenantRecord};

#[derive(Debug, Args)]
#[command(after_help = "A tenant has two secrets at most: the one before the old one ends at once. A receiver reads the new \
        one when a signature doesn't match, a minute later at most.\n\n\
        Exit status: 0 rotated or a dry run, 1 not, 2 invalid arguments.\n\nExamples:\n  \
        tidings tenants rotate stripe acme --secret-file new.txt     dry run\n  \
        tidings tenants rotate stripe acme --secret-file new.txt --yes\n  \
        tidings tenants rotate stripe acme --secret-file - --keep 0s --yes < new.txt")]
pub struct TenantsRotate {
    #[command(flatten)]
    pub named: Named,
    #[command(flatten)]
    pub secret: SecretOptions,
    /// How long the old secret is accepted as well, 30 days at most; 1 day if left out
    #[arg(long, value_name = "TIME")]
    pub keep: Option<Span>,
    #[command(flatten)]
    pub confirm: Confirm,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: TenantsRotate) -> Result<ExitCode, Failure> {
    let (at, key) = (&options.target.at, options.named.key());
    let keep = options.keep.map_or(TENANT_ROTATION, |span| span.duration());
    if keep > MAX_TENANT_ROTATION {
        return Err(Failure::new("--keep is longer than allowed: 30d").status(2));
    }
    let source = options.named.configured()?;
    let (secret, warning) = options.secret.read(&source)?;
    let now = now(at).await;
    let (table, record) = stored(&options.named, at).await?;
    if record.secret == secret {
        return Err(Failure::new(format!("{} already has that secret", key.partition())).hint("nothing was changed"));
    }
    let rotated = record.rotated(secret, keep, now);
    match options.confirm.ask() {
        Some(confirmed) => {
            write(&table, &key, &rotated, at, confirmed).await?;
            told(&key, &rotated, "rotated", now, &options.target);
        }
        None if options.target.json => {
            data(&json!({ "source": key.source, "tenant": key.name, "dry_run": true, "previous_until": now.plus(keep) }));
        }
        None => {
            say!("{} would get a new secret; the present one would be accepted until {}", key.partition(), now.plus(keep));
            say!("{}", paint(FAINT, "dry run, nothing was changed: --yes applies the change"));
        }
    }
    warning.iter().for_each(|warning| note(warning));
    Ok(ExitCode::SUCCESS)
}

async fn write(table: &DynamoTenants, key: &TenantKey, record: &TenantRecord, at: &Place, _: Confirmed) -> Result<(), Failure> {
    replace(table, key, record, at).await
}
