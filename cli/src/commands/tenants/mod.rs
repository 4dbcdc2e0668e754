//! `tidings tenants`: the customers of a source with `tenants: true`, and their secrets.
//!
//! Promises: a secret comes from a file, standard input or the environment, never from an argument, and is never printed. A
//! record that another writer changed after it was read is never overwritten.

mod add;
mod change;
mod list;
mod remove;
mod rotate;
mod secret;
mod show;

use crate::Failure;
use crate::sources;
use crate::subcommands::subcommands;
use crate::target::{Place, TargetOptions, tenants, unreadable};
use add::TenantsAdd;
use change::{TenantsDisable, TenantsEnable};
use clap::Args;
use list::TenantsList;
use remove::TenantsRemove;
use rotate::TenantsRotate;
use serde_json::{Value, json};
use show::TenantsShow;
use tidings_config::source::Source;
use tidings_config::tenant::TenantName;
use tidings_config::time::Timestamp;
use tidings_core::aws::DynamoTenants;
use tidings_core::ports::{Replaced, TenantReader, TenantStore};
use tidings_core::tenant::{TenantKey, TenantRecord};

subcommands! {
    pub enum TenantsCommand {
        /// Add a tenant of a source, with its first secret
        Add(options: TenantsAdd) => add::run(options).await,
        /// List the tenants, with their state
        List(options: TenantsList) => list::run(options).await,
        /// Show a tenant's state, without its secrets
        Show(options: TenantsShow) => show::run(options).await,
        /// Replace a tenant's secret; the old one is accepted as well for a while
        Rotate(options: TenantsRotate) => rotate::run(options).await,
        /// Refuse a tenant's requests; its secrets stay
        Disable(options: TenantsDisable) => change::disable(options).await,
        /// Accept a tenant's requests again
        Enable(options: TenantsEnable) => change::enable(options).await,
        /// Delete a tenant and its secrets
        Remove(options: TenantsRemove) => remove::run(options).await,
    }
}

/// One tenant of one source.
#[derive(Debug, Args)]
pub struct Named {
    /// A source with `tenants: true`
    pub source: String,
    /// The tenant: 1 to 64 of A-Z, a-z, 0-9, - and _
    pub tenant: TenantName,
}

impl Named {
    fn key(&self) -> TenantKey {
        TenantKey { source: self.source.clone(), name: self.tenant.clone() }
    }

    /// Its source in the project here, for a secret that must fit its scheme.
    fn configured(&self) -> Result<Source, Failure> {
        let source = sources::configured(&self.source)?;
        if source.tenants {
            Ok(source)
        } else {
            Err(Failure::new(format!("source {} has no tenants", source.name))
                .hint("set `tenants: true` in sources.yaml: docs/tenants.md"))
        }
    }
}

/// The table, and the tenant's record in it.
async fn stored(named: &Named, at: &Place) -> Result<(DynamoTenants, TenantRecord), Failure> {
    let table = tenants(at).await?;
    let record = table.tenant(&named.key()).await.map_err(|error| unreadable(at, &error))?;
    Ok((table, record.ok_or_else(|| unknown(&named.key()))?))
}

/// Writes a record whose version was read.
async fn replace(table: &DynamoTenants, key: &TenantKey, record: &TenantRecord, at: &Place) -> Result<(), Failure> {
    match table.put(key, record).await.map_err(|error| unreadable(at, &error))? {
        Replaced::Yes => Ok(()),
        Replaced::Changed => Err(Failure::new(format!("{} was changed by another writer; nothing was changed", key.partition()))
            .hint("check that change with `tidings tenants show`, and run the command again")),
    }
}

/// The failure for a tenant that doesn't exist.
fn unknown(key: &TenantKey) -> Failure {
    Failure::new(format!("source {} has no tenant {}", key.source, key.name)).hint("`tidings tenants list` shows them")
}

/// A tenant as JSON, without its secrets.
fn shown(key: &TenantKey, record: &TenantRecord, now: Timestamp) -> Value {
    let mut shown = json!({
        "source": key.source,
        "tenant": key.name,
        "path": format!("/webhooks/{}", key.partition()),
        "state": if record.is_active() { "active" } else { "disabled" },
        "created": record.created,
    });
    let previous = record.previous.as_ref().map(|previous| previous.until).filter(|until| now < *until);
    let times = [("disabled_since", record.disabled), ("rotated", record.rotated), ("previous_until", previous)];
    for (name, time) in times {
        if let Some(time) = time {
            shown[name] = json!(time);
        }
    }
    shown
}

/// Says what was changed, as JSON or to people.
fn told(key: &TenantKey, record: &TenantRecord, word: &str, now: Timestamp, target: &TargetOptions) {
    if target.json {
        crate::style::data(&shown(key, record, now));
    } else {
        crate::style::say!("{} {}", crate::style::paint(crate::style::GOOD, word), key.partition());
    }
}
