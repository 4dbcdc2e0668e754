//! A path with placeholders: `tickets/{data.ticket.id}`. It has no markup, functions or facts.

use super::place::cut;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The path of a fetched object, and its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("pattern" = crate::schema::TEXT))]
#[serde(try_from = "String", into = "String")]
pub struct FetchPath {
    written: String,
    parts: Vec<PathPart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPart {
    /// What the author wrote.
    Words(String),
    /// A CEL expression.
    Value(String),
}

impl FetchPath {
    /// A replacement for a path with an error, so that the rest of its file can be checked.
    pub fn unread() -> Self {
        Self { written: String::new(), parts: Vec::new() }
    }

    pub fn parts(&self) -> &[PathPart] {
        &self.parts
    }
}

impl FromStr for FetchPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut words = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            words.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                words.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err("a } without its {; write a literal brace as }}".to_owned());
            }
            let place = cut(after)?;
            if !words.is_empty() {
                parts.push(PathPart::Words(std::mem::take(&mut words)));
            }
            match (place.inside, place.fallback) {
                ("", _) => return Err("an empty {}".to_owned()),
                (fact, _) if fact.starts_with("facts.") => {
                    return Err(format!("{{{fact}}}: a path may use the event, never a fact"));
                }
                (inside, Some(_)) => return Err(format!("{{{inside}|…}}: a path can't have a fallback")),
                (inside, None) => parts.push(PathPart::Value(inside.to_owned())),
            }
            rest = place.rest;
        }
        words.push_str(rest);
        if !words.is_empty() {
            parts.push(PathPart::Words(words));
        }
        if parts.is_empty() {
            return Err("an empty path".to_owned());
        }
        Ok(Self { written: text.to_owned(), parts })
    }
}

impl fmt::Display for FetchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl TryFrom<String> for FetchPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<FetchPath> for String {
    fn from(path: FetchPath) -> Self {
        path.written
    }
}
