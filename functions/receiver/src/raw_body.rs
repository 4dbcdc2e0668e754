//! A request's body: its bytes, and what they say as JSON.
//!
//! Promises: the bytes are parsed when JSON is first needed, once for all that need it, and never where nothing does. What was parsed
//! can't be that of other bytes: whoever changes the bytes drops it.

use crate::json;
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::OnceLock;
use tidings_core::unreadable::Unreadable;

/// The bytes that the provider sent, or what is inside them.
#[derive(Default)]
pub struct RawBody {
    bytes: Vec<u8>,
    json: OnceLock<Result<Json, Unreadable>>,
}

/// A body that is JSON.
struct Json {
    value: Value,
    /// The text that was parsed, where it isn't the bytes: halves of characters are replaced in it.
    replaced: Option<String>,
}

impl RawBody {
    /// The body as JSON. An error is final: the same bytes fail again.
    pub fn json(&self) -> Result<&Value, &Unreadable> {
        self.read().map(|json| &json.value)
    }

    /// The same with its text: the very bytes, without a byte order mark, where it holds no half of a character.
    pub(crate) fn json_text(&self) -> Result<(Cow<'_, str>, &Value), &Unreadable> {
        let json = self.read()?;
        let text = match &json.replaced {
            Some(text) => Cow::Borrowed(text.as_str()),
            None => json::utf8(&self.bytes).map_or_else(|_| String::from_utf8_lossy(&self.bytes), Cow::Borrowed),
        };
        Ok((text, &json.value))
    }

    /// Whether anything needed it as JSON yet.
    pub fn is_parsed(&self) -> bool {
        self.json.get().is_some()
    }

    /// The bytes, to be changed: what was parsed of them is dropped.
    pub fn edit(&mut self) -> &mut Vec<u8> {
        self.json = OnceLock::new();
        &mut self.bytes
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn read(&self) -> Result<&Json, &Unreadable> {
        let read = || json::read(&self.bytes).map(|(replaced, value)| Json { value, replaced });
        self.json.get_or_init(read).as_ref()
    }
}

/// It may hold anything, and doesn't belong into a log.
impl std::fmt::Debug for RawBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawBody").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl AsRef<[u8]> for RawBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Deref for RawBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<Vec<u8>> for RawBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, json: OnceLock::new() }
    }
}

impl From<String> for RawBody {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

/// A copy of the bytes: the tree takes many times their memory, and whoever needs it makes it.
impl Clone for RawBody {
    fn clone(&self) -> Self {
        self.bytes.clone().into()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Where JSON is parsed that isn't a request's body; and where a body is.
    const PARSERS: &[(&str, &str)] = &[
        ("json.rs", "a text, for those below"),
        ("raw_body.rs", "the body"),
        ("extract/body.rs", "an event in a form's field: another text than the body"),
        ("verify/jwt.rs", "a token's header and claims"),
        ("verify/public.rs", "keys that were fetched"),
        ("verify/retried.rs", "where values stand among the bytes, which no tree says"),
    ];

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }

    #[test]
    fn no_other_file_parses_json() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut all = Vec::new();
        files(&source, &mut all);
        assert!(all.len() > 40);
        for path in all {
            let name = path.strip_prefix(&source).unwrap().to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let calls = ["serde_json::from_", "json::read(", "parsed(", "from_slice::", "Deserializer::from_"];
            for (line, at) in code.lines().zip(1..) {
                let is_call =
                    calls.iter().any(|call| line.contains(call)) && !line.contains("fn ") && !line.contains("is_parsed(");
                let is_known = PARSERS.iter().any(|(known, _)| *known == name);
                assert!(!is_call || is_known, "{name}:{at} parses JSON: take it from RawBody::json, which parses once\n{line}");
            }
        }
    }
}
