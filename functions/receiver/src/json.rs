//! Parses JSON from outside: its depth is checked before any recursion, and values are read as text by their paths.

mod depth;
mod surrogates;

use serde_json::Value;
use tidings_config::JsonPath;
use tidings_config::limits::MAX_JSON_DEPTH;
use tidings_core::unreadable::{Unreadable, Why};

/// Many programs write it before a text. JSON doesn't allow it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text without a byte order mark.
pub(crate) fn utf8(body: &[u8]) -> Result<&str, Why> {
    let text = std::str::from_utf8(body).map_err(|_| Why::NotUtf8)?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
}

/// JSON that is safe to parse, and its text where that isn't the bytes. A request's body is read by its
/// [`RawBody`](crate::RawBody) alone, which reads it once.
pub(crate) fn read(body: &[u8]) -> Result<(Option<String>, Value), Unreadable> {
    if body.is_empty() {
        return Err(whole(Why::Empty));
    }
    parsed(utf8(body).map_err(whole)?)
}

/// Of the whole text.
fn whole(why: Why) -> Unreadable {
    Unreadable { why, at: None }
}

/// What the text says; and the text with a replacement for each half of a character, where it holds one.
pub(crate) fn parsed(text: &str) -> Result<(Option<String>, Value), Unreadable> {
    expect_depth(text)?;
    let error = match serde_json::from_str(text) {
        Ok(value) => return Ok((None, value)),
        Err(error) => error,
    };
    if let Some(text) = surrogates::replaced(text)
        && let Ok(value) = serde_json::from_str(&text)
    {
        return Ok((Some(text), value));
    }
    let why = if error.is_eof() { Why::Truncated } else { Why::NotJson };
    Err(Unreadable { why, at: Some(format!("line {} column {}", error.line(), error.column())) })
}

/// An error for JSON that is nested deeper than [`MAX_JSON_DEPTH`].
pub(crate) fn expect_depth(text: &str) -> Result<(), Unreadable> {
    if depth::exceeds(text, MAX_JSON_DEPTH) { Err(whole(Why::TooDeep)) } else { Ok(()) }
}

/// What is there, as text.
pub(crate) fn scalar(path: &JsonPath, body: &Value, indices: &[usize]) -> Option<String> {
    as_text(path.find(body, indices)?)
}

/// A text, a number digit for digit, or a boolean, as text. `None`: another value.
pub fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
