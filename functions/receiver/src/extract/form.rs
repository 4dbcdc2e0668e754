//! Converts a form to JSON. Its bytes were hashed before; the result is read like any other event.

use super::xml;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use tidings_core::unreadable::Why;

/// What a form holds.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) enum Form {
    /// The text of the field that holds the event.
    Json(String),
    /// An object.
    Fields(Value),
}

/// The fields as an object: a field that comes twice is a list. With `json_field`, what that field holds; with `xml_field`, the
/// fields, and that one's base64 XML read as an object.
pub(super) fn read(body: &[u8], json_field: Option<&str>, xml_field: Option<&str>) -> Result<Form, Why> {
    if std::str::from_utf8(body).is_err() {
        return Err(Why::NotUtf8);
    }
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        if json_field == Some(&*name) {
            return Ok(Form::Json(value.into_owned()));
        }
        let value = if xml_field == Some(&*name) { base64_xml(&value)? } else { Value::from(value.into_owned()) };
        xml::add_field(&mut fields, name.into_owned(), value);
    }
    match json_field {
        Some(_) => Err(Why::NotJson),
        None => Ok(Form::Fields(Value::Object(fields))),
    }
}

/// The base64 may contain line feeds.
fn base64_xml(text: &str) -> Result<Value, Why> {
    let text: String = text.split_ascii_whitespace().collect();
    let xml = STANDARD.decode(text).map_err(|_| Why::NotXml)?;
    xml::to_json(std::str::from_utf8(&xml).map_err(|_| Why::NotUtf8)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_an_object() {
        let fields = Form::Fields(serde_json::json!({"a": ["1", "2", "3"], "b": "x y&", "c": ""}));
        assert_eq!(read(b"a=1&b=x+y%26&a=2&a=3&c=", None, None), Ok(fields));
    }

    #[test]
    fn a_field_may_hold_the_event() {
        assert_eq!(read(b"x=1&payload=%7B%22a%22%3A1%7D", Some("payload"), None), Ok(Form::Json("{\"a\":1}".to_owned())));
        assert_eq!(read(b"x=1", Some("payload"), None), Err(Why::NotJson));
        assert_eq!(read(b"\xff=1", None, None), Err(Why::NotUtf8));
    }

    #[test]
    fn a_field_may_hold_xml() {
        // printf '<n><id>7</id></n>' | base64
        let json = read(b"sig=1&payload=PG4%2BPGlkPjc8%0AL2lkPjwvbj4%3D", None, Some("payload"));
        assert_eq!(json, Ok(Form::Fields(serde_json::json!({"sig": "1", "payload": {"n": {"id": "7"}}}))));
        assert_eq!(read(b"payload=*", None, Some("payload")), Err(Why::NotXml));
    }
}
