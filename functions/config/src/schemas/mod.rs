//! How a payload must look: JSON Schemas of events, by source, type and version.
//!
//! `tidings build` checks them ([`check`]) and refuses everything that could make validation slow: circular
//! references, patterns that backtrack, schemas without end. The time to validate a payload is then bounded by the
//! sizes of the schema and the payload. A violation is reported with its path and the expectation, never with a
//! value.

pub mod check;
mod mismatch;
mod version;

pub use mismatch::Mismatch;
pub use version::is_version;

use jsonschema::{PatternOptions, ValidationOptions, Validator};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::OnceLock;

/// Our own keyword in a schema.
pub const KEYWORD: &str = "x-tidings";

/// Bytes that a compiled pattern may take.
const PATTERN_SIZE: usize = 1 << 20;

/// What happens to an event whose payload violates its schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnMismatch {
    /// The event is processed, and the violation is counted.
    #[default]
    Accept,
    /// The event is dead-lettered. A redrive applies it again once the schema or the sender has changed.
    Reject,
}

/// A file of a project's `schemas/`, checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSchema {
    pub source: String,
    #[serde(rename = "type")]
    pub event_type: String,
    pub version: String,
    pub on_mismatch: OnMismatch,
    /// Parsed when an event first needs it.
    pub schema: Box<RawValue>,
}

/// The schema that a payload was validated against, and the violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub version: String,
    pub on_mismatch: OnMismatch,
    pub mismatch: Mismatch,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schema {}: {}", self.version, self.mismatch)
    }
}

/// All schemas, ready to use: by source and type, the newest version last.
#[derive(Debug, Default)]
pub struct EventSchemas(BTreeMap<(String, String), Vec<Ready>>);

struct Ready {
    version: String,
    on_mismatch: OnMismatch,
    text: Box<RawValue>,
    compiled: OnceLock<Compiled>,
}

struct Compiled {
    schema: Value,
    validator: Validator,
    /// The names that the schema contains. Other names come from the payload and aren't printed.
    names: BTreeSet<String>,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("version", &self.version).field("on_mismatch", &self.on_mismatch).finish_non_exhaustive()
    }
}

impl EventSchemas {
    pub fn new(schemas: Vec<EventSchema>) -> Self {
        let mut all: BTreeMap<(String, String), Vec<Ready>> = BTreeMap::new();
        for EventSchema { source, event_type, version, on_mismatch, schema } in schemas {
            let ready = Ready { version, on_mismatch, text: schema, compiled: OnceLock::new() };
            all.entry((source, event_type)).or_default().push(ready);
        }
        all.values_mut().for_each(|versions| versions.sort_by(|a, b| version::compare(&a.version, &b.version)));
        Self(all)
    }

    /// Validates the payload of an event. `None`: the payload is valid, or its source and type have no schema.
    ///
    /// `dataschema` names the version; without it the newest is used. An unknown version is a violation itself, under
    /// the newest version's policy.
    pub fn validate(&self, source: &str, event_type: &str, dataschema: Option<&str>, data: &Value) -> Option<Finding> {
        let versions = self.0.get(&(source.to_owned(), event_type.to_owned()))?;
        let newest = versions.last()?;
        let named = match dataschema {
            None => Some(newest),
            Some(wanted) => versions.iter().find(|ready| version::is_named(&ready.version, wanted)),
        };
        let (ready, mismatch) = match named {
            Some(ready) => (ready, ready.mismatch(data)?),
            None => {
                let known = versions.iter().map(|ready| ready.version.as_str()).collect::<Vec<_>>().join(", ");
                (newest, Mismatch::Version { known })
            }
        };
        Some(Finding { version: ready.version.clone(), on_mismatch: ready.on_mismatch, mismatch })
    }

    /// The versions of a type, the newest last.
    pub fn versions(&self, source: &str, event_type: &str) -> impl Iterator<Item = (&str, OnMismatch)> {
        let versions = self.0.get(&(source.to_owned(), event_type.to_owned()));
        versions.into_iter().flatten().map(|ready| (ready.version.as_str(), ready.on_mismatch))
    }

    /// The schemas of a type, with their versions, the newest last.
    pub fn texts(&self, source: &str, event_type: &str) -> impl Iterator<Item = (&str, &RawValue)> {
        let versions = self.0.get(&(source.to_owned(), event_type.to_owned()));
        versions.into_iter().flatten().map(|ready| (ready.version.as_str(), &*ready.text))
    }

    /// The newest schema of a type.
    pub fn newest(&self, source: &str, event_type: &str) -> Option<&RawValue> {
        let versions = self.0.get(&(source.to_owned(), event_type.to_owned()))?;
        versions.last().map(|ready| &*ready.text)
    }

    /// Source and type of each.
    pub fn types(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.keys().map(|(source, event_type)| (source.as_str(), event_type.as_str()))
    }
}

impl Ready {
    fn mismatch(&self, data: &Value) -> Option<Mismatch> {
        let compiled = self.compiled.get_or_init(|| Compiled::new(&self.text));
        let error = compiled.validator.validate(data).err()?;
        Some(Mismatch::of(&error, &compiled.schema, &compiled.names))
    }
}

impl Compiled {
    fn new(text: &RawValue) -> Self {
        let schema: Value = serde_json::from_str(text.get()).expect("tidings build checked it");
        let validator = options().build(&schema).expect("tidings build checked it");
        Self { names: check::names(&schema), validator, schema }
    }
}

/// Options of the validator: nothing is fetched, and patterns take linear time.
fn options() -> ValidationOptions<'static> {
    jsonschema::options()
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE))
        .should_validate_formats(true)
}
