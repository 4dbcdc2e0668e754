//! What a rule needs fetched for an event. Pure: the same event gives the same.

use crate::expression::CompiledOnce;
use crate::failure::RuleError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tidings_config::limits::{MAX_FETCH_VALUE_BYTES, MAX_FETCHED_PATH_BYTES};
use tidings_config::rules::{Enrich, IfGone, PathPart};
use tidings_core::claim::ClaimKey;
use tidings_expressions::{Scope, Variables};

/// RFC 3986: all but the unreserved characters. What is put into a place can't end its segment.
const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One object that a rule needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The API's name.
    pub api: String,
    /// What is put behind its address.
    pub path: String,
    /// Of one version it is fetched once. Without the object's own it is the event's, for its retries and its other rules.
    pub version: Version,
    pub if_gone: IfGone,
}

/// Which object it is, beside its address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// As the event says.
    Of(String),
    /// Nobody says: this event's.
    Event(ClaimKey),
}

/// A rule's `enrich`, ready to use.
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

    /// The field and what is wrong with it, where it isn't known what to fetch.
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
