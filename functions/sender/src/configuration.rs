//! What the sender reads at its start: its part of `tidings.json`.

use serde::Deserialize;
use std::path::Path;
use tidings_config::artefact::{ArtefactError, CHANNELS, read_part};
use tidings_outgoing::ConfiguredChannel;

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
