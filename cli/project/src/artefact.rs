//! Writes `tidings.json`: a project's checked configuration for the functions ([`tidings_config::artefact`] reads it).

use crate::Configuration;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tidings_config::artefact::{CHANNELS, ENDPOINTS, FILES, FORMAT, OUTBOX, RULES, SCHEMAS, SINKS, SOURCES, STATUSES};
use tidings_config::endpoint::Endpoint;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchema;
use tidings_config::source::{DurableBy, Source};
use tidings_config::status::SourceStatus;
use tidings_outgoing::{ConfiguredChannel, ConfiguredSink};

/// The first line.
#[derive(Serialize)]
struct Head<'a> {
    format: u32,
    /// The version of the program that wrote it.
    tidings: &'a str,
    hash: &'a str,
}

/// The functions' behaviour depends on this alone.
#[derive(Clone, Serialize)]
struct Content<'a> {
    sources: &'a [Source],
    rules: &'a Rules,
    schemas: &'a [EventSchema],
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoints: Option<&'a [Endpoint]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sinks: Option<&'a [ConfiguredSink]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<&'a [ConfiguredChannel]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statuses: Vec<SourceStatus>,
}

impl<'a> From<&'a Configuration> for Content<'a> {
    fn from(of: &'a Configuration) -> Self {
        let Configuration { sources, rules, schemas, endpoints, sinks, channels, files: _ } = of;
        let (endpoints, sinks, channels) = (endpoints.as_deref(), sinks.as_deref(), channels.as_deref());
        Self { sources, rules, schemas, endpoints, sinks, channels, statuses: of.statuses() }
    }
}

/// SHA-256 of the content, in hex.
pub fn hash(configuration: &Configuration) -> String {
    let content = serde_json::to_vec(&Content::from(configuration)).expect("configuration is JSON");
    hex::encode(Sha256::new().chain_update(FORMAT.to_be_bytes()).chain_update(content).finalize())
}

/// The file's text: JSON with a line for each part, so that a function finds its own without reading the others'. `tidings` is the
/// version of the program that writes it.
pub fn write(configuration: &Configuration, tidings: &str) -> String {
    let head = json(&Head { format: FORMAT, tidings, hash: &hash(configuration) });
    let Content { sources, rules, schemas, endpoints, sinks, channels, statuses } = configuration.into();
    let mut parts = vec![
        // The project's files by their paths in it, each with its own hash.
        (FILES, json(&configuration.files)),
        (SOURCES, json(sources)),
        (RULES, json(rules)),
        (SCHEMAS, json(schemas)),
    ];
    // Without the file the artefact is as it always was.
    let keeps = sources.iter().any(|source| source.durability == DurableBy::Outbox);
    parts.extend(keeps.then(|| (OUTBOX, json(&keeps))));
    parts.extend(endpoints.map(|endpoints| (ENDPOINTS, json(endpoints))));
    parts.extend(sinks.map(|sinks| (SINKS, json(sinks))));
    parts.extend(channels.map(|channels| (CHANNELS, json(channels))));
    parts.extend((!statuses.is_empty()).then(|| (STATUSES, json(&statuses))));
    let parts: String = parts.iter().map(|(name, part)| format!(",\n\"{name}\":{part}")).collect();
    format!("{}{parts}}}\n", head.trim_end_matches('}'))
}

fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("configuration is JSON")
}
