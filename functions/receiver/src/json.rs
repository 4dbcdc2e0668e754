//! Parses JSON from outside: its depth is checked before any recursion, and values are read as text by their paths.

mod depth;
mod surrogates;

pub(crate) use depth::of as depth;

use serde_json::Value;
use std::borrow::Cow;
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

/// Parses JSON after checking its depth.
pub(crate) fn read(body: &[u8]) -> Result<Value, Unreadable> {
    if body.is_empty() {
        return Err(Unreadable { why: Why::Empty, at: None });
    }
    parsed(Cow::Borrowed(utf8(body).map_err(|why| Unreadable { why, at: None })?)).map(|(_, value)| value)
}

/// The text, with each half surrogate pair replaced, and its value.
pub(crate) fn parsed(text: Cow<'_, str>) -> Result<(Cow<'_, str>, Value), Unreadable> {
    if depth(&text) > MAX_JSON_DEPTH {
        return Err(Unreadable { why: Why::TooDeep, at: None });
    }
    let error = match serde_json::from_str(&text) {
        Ok(value) => return Ok((text, value)),
        Err(error) => error,
    };
    if let Some(text) = surrogates::replaced(&text)
        && let Ok(value) = serde_json::from_str(&text)
    {
        return Ok((Cow::Owned(text), value));
    }
    let why = if error.is_eof() { Why::Truncated } else { Why::NotJson };
    Err(Unreadable { why, at: Some(format!("line {} column {}", error.line(), error.column())) })
}

/// The value at a path as text.
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
