//! A body as what its source's events are made of. Its raw bytes were verified before; what comes out here is data.

use super::{form, xml};
use crate::json::{parsed, utf8};
use crate::verify::VerifiedRequest;
use serde_json::{Map, Value};
use std::borrow::Cow;
use tidings_config::source::BodyFormat;
use tidings_config::{JsonPath, Step};
use tidings_core::unreadable::{Unreadable, Why};

/// A body that was read.
pub(super) struct Document<'a> {
    /// As JSON text: the very bytes, where the body is JSON and holds neither a secret nor half a character.
    pub text: Cow<'a, str>,
    pub value: Value,
    /// Neither JSON nor anything that becomes JSON.
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

/// Of the whole body.
fn broken(why: Why) -> Unreadable {
    Unreadable { why, at: None }
}

/// Takes out what is there: of `[*]`, in every element.
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
    fn what_is_taken_out_is_gone_wherever_it_stands() {
        let mut body = json!({"token": "t", "value": [{"clientState": "s", "id": 1}, {"id": 2}], "a": {"token": "t"}});
        for path in ["token", "value[*].clientState", "a.token", "not.there[*].x"] {
            remove(&path.parse().unwrap(), &mut body);
        }
        assert_eq!(body, json!({"value": [{"id": 1}, {"id": 2}], "a": {}}));
    }
}
