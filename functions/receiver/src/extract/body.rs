//! Reads a body into the document that its source's events are taken from. Its raw bytes were verified before; the
//! result is data.

use super::{form, xml};
use crate::json::{parsed, utf8};
use crate::verify::VerifiedRequest;
use serde_json::{Map, Value};
use std::borrow::Cow;
use tidings_config::source::BodyFormat;
use tidings_config::{JsonPath, Step};
use tidings_core::unreadable::{Unreadable, Why};

/// A parsed body.
pub(super) struct Document<'a> {
    /// As JSON text: the original bytes, if the body is JSON and contains neither a secret nor half a surrogate pair.
    pub text: Cow<'a, str>,
    pub value: Value,
    /// Whether it is neither JSON nor a format that is converted to JSON.
    pub is_binary: bool,
}

pub(super) fn read<'a>(request: &'a VerifiedRequest<'_>) -> Result<Document<'a>, Unreadable> {
    let source = request.source();
    let content = request.content().ok_or(broken(Why::NotInflated))?;
    let text = match (request.payload(), source.format_of(&request.content_type())) {
        (Some(payload), _) => Cow::Borrowed(payload),
        (None, _) if content.is_empty() => return Err(broken(Why::Empty)),
        (None, BodyFormat::Json) => Cow::Borrowed(utf8(content).map_err(broken)?),
        (None, BodyFormat::Form) => {
            let json = form::to_json(content, source.form_json.as_deref(), source.form_xml.as_deref());
            Cow::Owned(json.map_err(broken)?)
        }
        (None, BodyFormat::Xml) => Cow::Owned(utf8(content).and_then(xml::to_json).map_err(broken)?.to_string()),
        (None, BodyFormat::Binary) => return Ok(Document { text: "null".into(), value: Value::Null, is_binary: true }),
    };
    let (text, mut value) = parsed(text)?;
    let text = match source.scheme.token_in_body() {
        Some(path) => {
            remove(path, &mut value);
            Cow::Owned(value.to_string())
        }
        None => text,
    };
    Ok(Document { text, value, is_binary: false })
}

/// An error about the whole body.
fn broken(why: Why) -> Unreadable {
    Unreadable { why, at: None }
}

/// Removes the value at a path; for `[*]`, in every element.
fn remove(path: &JsonPath, value: &mut Value) {
    match path.0.split_first() {
        Some((Step::Key(key), [])) => {
            drop(value.as_object_mut().and_then(|object: &mut Map<String, Value>| object.shift_remove(key)))
        }
        Some((Step::Key(key), rest)) => value.get_mut(key).into_iter().for_each(|value| remove(&JsonPath(rest.to_vec()), value)),
        Some((Step::Index(index), rest)) => {
            value.get_mut(index).into_iter().for_each(|value| remove(&JsonPath(rest.to_vec()), value))
        }
        Some((Step::Each, rest)) => {
            value.as_array_mut().into_iter().flatten().for_each(|value| remove(&JsonPath(rest.to_vec()), value));
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_removed_value_is_gone_in_every_place() {
        let mut body = json!({"token": "t", "value": [{"clientState": "s", "id": 1}, {"id": 2}], "a": {"token": "t"}});
        for path in ["token", "value[*].clientState", "a.token", "not.there[*].x"] {
            remove(&path.parse().unwrap(), &mut body);
        }
        assert_eq!(body, json!({"value": [{"id": 1}, {"id": 2}], "a": {}}));
    }
}
