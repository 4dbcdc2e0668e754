//! A body as what its source's events are made of. Its raw bytes were verified before; what comes out here is data.

use super::{depth, form, xml};
use crate::reply::Malformed;
use crate::verify::VerifiedRequest;
use serde_json::{Map, Value};
use std::borrow::Cow;
use tidings_core::config::source::BodyFormat;
use tidings_core::config::{JsonPath, Step};
use tidings_core::limits::MAX_JSON_DEPTH;

/// A body that was read.
pub(super) struct Document<'a> {
    /// As JSON text: the very bytes, where the body is JSON and holds no secret.
    pub text: Cow<'a, str>,
    pub value: Value,
    /// Neither JSON nor anything that becomes JSON.
    pub is_binary: bool,
}

pub(super) fn read<'a>(request: &'a VerifiedRequest<'_>) -> Result<Document<'a>, Malformed> {
    let source = request.source();
    if request.body().is_empty() {
        return Err(Malformed::Empty);
    }
    let text = match (request.payload(), source.format_of(&request.content_type())) {
        (Some(payload), _) => Cow::Borrowed(payload),
        (None, BodyFormat::Json) => Cow::Borrowed(utf8(request.body())?),
        (None, BodyFormat::Form) => {
            Cow::Owned(form::to_json(request.body(), source.form_json.as_deref(), source.form_xml.as_deref())?)
        }
        (None, BodyFormat::Xml) => Cow::Owned(xml::to_json(utf8(request.body())?)?.to_string()),
        (None, BodyFormat::Binary) => return Ok(Document { text: "null".into(), value: Value::Null, is_binary: true }),
    };
    let mut value = json(text.as_bytes())?;
    let text = match source.scheme.token_in_body() {
        Some(path) => {
            remove(path, &mut value);
            Cow::Owned(value.to_string())
        }
        None => text,
    };
    Ok(Document { text, value, is_binary: false })
}

fn utf8(body: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(body).map_err(|_| Malformed::NotUtf8)
}

/// JSON that is safe to parse.
pub(crate) fn json(body: &[u8]) -> Result<Value, Malformed> {
    if body.is_empty() {
        return Err(Malformed::Empty);
    }
    let text = utf8(body)?;
    if depth::of(text) > MAX_JSON_DEPTH {
        return Err(Malformed::TooDeep);
    }
    serde_json::from_str(text).map_err(|error| if error.is_eof() { Malformed::Truncated } else { Malformed::NotJson })
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
