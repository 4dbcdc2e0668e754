//! Writes `tidings.json`: a project's checked configuration for the functions ([`tidings_config::artefact`] reads it).

use crate::Configuration;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use tidings_config::artefact::FORMAT;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchema;
use tidings_config::source::Source;

#[derive(Serialize)]
struct Artefact<'a> {
    format: u32,
    /// The version of the program that wrote it.
    tidings: &'a str,
    hash: &'a str,
    /// The project's files by path, each with its hash.
    files: &'a BTreeMap<String, String>,
    #[serde(flatten)]
    content: Content<'a>,
}

/// The functions' behaviour depends on this alone.
#[derive(Clone, Copy, Serialize)]
struct Content<'a> {
    sources: &'a [Source],
    rules: &'a Rules,
    schemas: &'a [EventSchema],
}

impl<'a> From<&'a Configuration> for Content<'a> {
    fn from(of: &'a Configuration) -> Self {
        Self { sources: &of.sources, rules: &of.rules, schemas: &of.schemas }
    }
}

/// SHA-256 of the content, in hex.
pub fn hash(configuration: &Configuration) -> String {
    let content = serde_json::to_vec(&Content::from(configuration)).expect("configuration is JSON");
    hex::encode(Sha256::new().chain_update(FORMAT.to_be_bytes()).chain_update(content).finalize())
}

/// The text of the file. `tidings` is the version of the program that writes it.
pub fn write(configuration: &Configuration, tidings: &str) -> String {
    let hash = hash(configuration);
    let (files, content) = (&configuration.files, Content::from(configuration));
    let artefact = Artefact { format: FORMAT, tidings, hash: &hash, files, content };
    serde_json::to_string(&artefact).expect("configuration is JSON") + "\n"
}
