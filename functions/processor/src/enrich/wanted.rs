//! The objects that a rule fetches for an event. Pure: the same event gives the same objects.

use crate::expression::CompiledOnce;
use crate::failure::RuleError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tidings_config::limits::{MAX_FETCH_VALUE_BYTES, MAX_FETCHED_PATH_BYTES};
use tidings_config::rules::{Enrich, IfGone, PathPart};
use tidings_core::claim::ClaimKey;
use tidings_expressions::{Scope, Variables};

/// All except RFC 3986's unreserved characters, so that a value can't end its segment.
const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One object to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The API's name.
    pub api: String,
    /// The path behind the API's address.
    pub path: String,
    /// Each version is fetched once. Without a version of the object, the event's is used, for its retries and its other rules.
    pub version: Version,
    pub if_gone: IfGone,
}

/// The version of an object at an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The version that the event names.
    Of(String),
    /// No version is known: the object belongs to this event.
    Event(ClaimKey),
}

/// A rule's `enrich`, compiled.
#[derive(Debug)]
pub(crate) struct ReadyEnrich {
    api: String,
    path: Vec<Part>,
    version: Option<CompiledOnce>,
    if_gone: IfGone,
}

#[derive(Debug)]
enum Part {
    Words(String),
    Value(CompiledOnce),
}

impl ReadyEnrich {
    pub(crate) fn new(enrich: &Enrich) -> Self {
        let part = |part: &PathPart| match part {
            PathPart::Words(words) => Part::Words(words.clone()),
            PathPart::Value(text) => Part::Value(CompiledOnce::new(text, Scope::Event)),
        };
        Self {
            api: enrich.from.clone(),
            path: enrich.path.parts().iter().map(part).collect(),
            version: enrich.version.as_ref().map(|text| CompiledOnce::new(text, Scope::Event)),
            if_gone: enrich.if_gone,
        }
    }

    /// The object to fetch. Errors: the field that has no usable value, and why.
    pub(crate) fn wanted(&self, variables: &Variables, key: &ClaimKey) -> Result<Wanted, (&'static str, RuleError)> {
        let mut path = String::new();
        for part in &self.path {
            match part {
                Part::Words(words) => path.push_str(words),
                Part::Value(expression) => {
                    let value = expression.name(variables, MAX_FETCH_VALUE_BYTES).map_err(|what| ("enrich.path", what))?;
                    if value.bytes().all(|b| b == b'.') {
                        return Err(("enrich.path", RuleError::OnlyDots));
                    }
                    path.extend(utf8_percent_encode(&value, IN_A_SEGMENT));
                }
            }
            if path.len() > MAX_FETCHED_PATH_BYTES {
                return Err(("enrich.path", RuleError::LongPath { bytes: path.len() }));
            }
        }
        let version = match &self.version {
            None => Version::Event(key.clone()),
            Some(expression) => {
                let value = expression.evaluate(variables).map_err(|error| ("enrich.version", error.into()))?;
                match value {
                    Value::Null => Version::Event(key.clone()),
                    value @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                        Version::Of(value.to_string())
                    }
                }
            }
        };
        Ok(Wanted { api: self.api.clone(), path, version, if_gone: self.if_gone })
    }
}
