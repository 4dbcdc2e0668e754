//! What the sender reads at its start: its part of `tidings.json`, and its role.

use serde::Deserialize;
use std::path::Path;
use tidings_config::artefact::{ArtefactError, CHANNELS, read_part};
use tidings_core::settings::Lookup;
use tidings_outgoing::{AwsIdentity, ConfiguredChannel};
use zeroize::Zeroizing;

/// The sender's part of the artefact.
#[derive(Clone, Debug, Deserialize)]
pub struct SenderPart {
    /// SHA-256 of the configuration, in hex. Comments in the project's files don't change it.
    pub hash: String,
    /// The channels of `channels.yaml`. Without the file there are none: everything goes on to the bot.
    #[serde(default)]
    pub channels: Vec<ConfiguredChannel>,
}

impl SenderPart {
    /// Reads the sender's part. Errors: see [`ArtefactError`].
    pub fn read(path: &Path) -> Result<Self, ArtefactError> {
        read_part(path, &[CHANNELS])
    }
}

/// The function's role, which signs requests to AWS's own channels. `None`: the environment has no credentials.
pub fn role(lookup: Lookup<'_>) -> Option<AwsIdentity> {
    Some(AwsIdentity {
        access_key_id: lookup("AWS_ACCESS_KEY_ID")?,
        secret_access_key: Zeroizing::new(lookup("AWS_SECRET_ACCESS_KEY")?),
        session_token: lookup("AWS_SESSION_TOKEN").map(Zeroizing::new),
        region: lookup("AWS_REGION").or_else(|| lookup("AWS_DEFAULT_REGION"))?,
    })
}
