//! `tidings tenants add`: the receivers accept its requests a minute later at most.

use super::secret::SecretOptions;
use super::{Named, told};
use crate::Failure;
use crate::style::{FAINT, note, paint, say};
use crate::target::{TargetOptions, now, tenants, unreadable};
use clap::Args;
use std::process::ExitCode;
use tidings_core::ports::{Replaced, TenantStore};
use tidings_core::tenant::TenantRecord;

#[derive(Debug, Args)]
#[command(after_help = "The source is one of the project here: the secret must fit its scheme.\n\n\
        Exit status: 0 added, 1 not, 2 invalid arguments.\n\nExamples:\n  \
        tidings tenants add stripe acme --secret-file secret.txt --stack tidings\n  \
        tidings tenants add stripe acme --secret-file - --stack tidings < secret.txt\n  \
        TIDINGS_TENANT_SECRET=… tidings tenants add stripe acme     at a `dev`")]
pub struct TenantsAdd {
    #[command(flatten)]
    pub named: Named,
    #[command(flatten)]
    pub secret: SecretOptions,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: TenantsAdd) -> Result<ExitCode, Failure> {
    let (at, key) = (&options.target.at, options.named.key());
    let source = options.named.configured()?;
    let (secret, warning) = options.secret.read(&source)?;
    let now = now(at).await;
    let record = TenantRecord::new(secret, now);
    match tenants(at).await?.put(&key, &record).await.map_err(|error| unreadable(at, &error))? {
        Replaced::Yes => {}
        Replaced::Changed => {
            return Err(Failure::new(format!("{} exists already; nothing was changed", key.partition()))
                .hint("`tidings tenants rotate` replaces its secret"));
        }
    }
    told(&key, &record, "added", now, &options.target);
    if !options.target.json {
        say!("  {}", paint(FAINT, format!("register …/webhooks/{} with the provider", key.partition())));
    }
    warning.iter().for_each(|warning| note(warning));
    Ok(ExitCode::SUCCESS)
}
