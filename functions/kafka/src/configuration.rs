//! What Kafka's function reads at its start: its part of `tidings.json`.

use crate::ports::Target;
use serde::Deserialize;
use std::path::Path;
use tidings_config::artefact::{ArtefactError, SINKS, read_part};
use tidings_outgoing::ConfiguredSink;

/// The part of the artefact.
#[derive(Clone, Debug, Deserialize)]
pub struct KafkaPart {
    /// SHA-256 of the configuration, in hex. Comments in the project's files don't change it.
    pub hash: String,
    #[serde(default)]
    sinks: Vec<ConfiguredSink>,
}

impl KafkaPart {
    /// Reads it. Errors: see [`ArtefactError`].
    pub fn read(path: &Path) -> Result<Self, ArtefactError> {
        read_part(path, &[SINKS])
    }

    /// The sinks on Kafka.
    pub fn targets(&self) -> Vec<Target> {
        let target =
            |sink: &ConfiguredSink| Some(Target { name: sink.endpoint.id.sink()?.to_owned(), kafka: sink.kafka.clone()? });
        self.sinks.iter().filter_map(target).collect()
    }
}
