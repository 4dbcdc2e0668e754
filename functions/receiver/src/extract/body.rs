//! Reads a body into the document that its source's events are taken from. Its raw bytes were verified before; the
//! result is data.

use super::form::{self, Form};
use super::xml;
use crate::json::{expect_depth, parsed, utf8};
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
    pub value: Cow<'a, Value>,
    /// Neither JSON nor anything that becomes JSON.
    pub is_binary: bool,
}

/// Parses nothing that was parsed before.
pub(super) fn read<'a>(request: &'a VerifiedRequest<'_>) -> Result<Document<'a>, Unreadable> {
    let source = request.source();
    let content = request.content().ok_or(broken(Why::NotInflated))?;
    let (text, value) = match (request.payload(), source.format_of(&request.content_type())) {
        (Some((payload, claims)), _) => (Cow::Borrowed(payload), Cow::Borrowed(claims)),
        (None, _) if content.is_empty() => return Err(broken(Why::Empty)),
        (None, BodyFormat::Json) => {
            let (text, value) = content.json_text().map_err(Clone::clone)?;
            (text, Cow::Borrowed(value))
        }
        (None, BodyFormat::Form) => match form::read(content, source.form_json.as_deref(), source.form_xml.as_deref()) {
            Ok(Form::Json(text)) => {
                let (replaced, value) = parsed(&text)?;
                (Cow::Owned(replaced.unwrap_or(text)), Cow::Owned(value))
            }
            Ok(Form::Fields(fields)) => written(fields)?,
            Err(why) => return Err(broken(why)),
        },
        (None, BodyFormat::Xml) => written(utf8(content).and_then(xml::to_json).map_err(broken)?)?,
        (None, BodyFormat::Binary) => {
            return Ok(Document { text: "null".into(), value: Cow::Owned(Value::Null), is_binary: true });
        }
    };
    let (text, value) = match source.scheme.token_in_body() {
        Some(path) => {
            let mut value = value.into_owned();
            remove(path, &mut value);
            (Cow::Owned(value.to_string()), Cow::Owned(value))
        }
        None => (text, value),
    };
    Ok(Document { text, value, is_binary: false })
}

/// What isn't JSON, as JSON.
fn written<'a>(value: Value) -> Result<(Cow<'a, str>, Cow<'a, Value>), Unreadable> {
    let text = value.to_string();
    expect_depth(&text)?;
    Ok((Cow::Owned(text), Cow::Owned(value)))
}

/// Of the whole body.
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
