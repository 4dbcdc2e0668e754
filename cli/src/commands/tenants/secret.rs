//! Where a tenant's secret comes from.

use crate::Failure;
use crate::files;
use clap::Args;
use receiver::verify::Key;
use std::path::PathBuf;
use tidings_config::limits::{MAX_TENANT_SECRET_BYTES, MIN_KEY_BYTES};
use tidings_config::source::{OWN, Source};
use tidings_core::tenant::TenantSecret;
use zeroize::Zeroizing;

/// The environment variable with a secret. An argument would be in the shell's history and in the list of processes.
pub(super) const VARIABLE: &str = "TIDINGS_TENANT_SECRET";

/// The secret of a command.
#[derive(Debug, Args)]
pub struct SecretOptions {
    /// File with the secret; standard input if it is -. A line feed at its end is ignored. If left out, the secret is in the
    /// environment variable TIDINGS_TENANT_SECRET
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
}

impl SecretOptions {
    /// The secret, and a warning if its key is short. Errors: it doesn't fit the source's scheme.
    pub(super) fn read(&self, source: &Source) -> Result<(TenantSecret, Option<String>), Failure> {
        let text = match &self.secret_file {
            Some(path) => {
                let bytes = Zeroizing::new(files::read_or_stdin(path, MAX_TENANT_SECRET_BYTES)?);
                let text = std::str::from_utf8(&bytes).map_err(|_| Failure::new(format!("{}: not UTF-8", path.display())))?;
                Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            None => std::env::var(VARIABLE).map(Zeroizing::new).map_err(|_| {
                Failure::new("no secret is given")
                    .hint(format!("--secret-file FILE, --secret-file - for standard input, or {VARIABLE} in the environment"))
                    .status(2)
            })?,
        };
        if text.len() > MAX_TENANT_SECRET_BYTES {
            return Err(Failure::new(format!("the secret has {} bytes, allowed: {MAX_TENANT_SECRET_BYTES}", text.len())));
        }
        if let Err(error) = Key::prepare(&source.scheme, &text) {
            let hint = match source.provider.as_str() {
                OWN => "its form is described by `key` of the source's scheme in sources.yaml".to_owned(),
                preset => format!("what the secret is, and where to get it: tidings providers show {preset}"),
            };
            return Err(Failure::new(format!("it isn't a valid secret for {}: {error}", source.name)).hint(hint));
        }
        let short = Key::is_short(&source.scheme, &text).map(|bytes| {
            format!("the secret makes a key of {bytes} bytes; a key under {MIN_KEY_BYTES} bytes can be guessed from one signed request")
        });
        Ok((TenantSecret::new(text), short))
    }
}
