//! A form as JSON. Its bytes were hashed as they came; what follows reads it like any other event.

use crate::reply::Malformed;
use serde_json::{Map, Value};

/// The fields as an object: a field that comes twice is a list. With `json_field`, what that field holds.
pub(super) fn to_json(body: &[u8], json_field: Option<&str>) -> Result<String, Malformed> {
    if body.is_empty() {
        return Err(Malformed::Empty);
    }
    if std::str::from_utf8(body).is_err() {
        return Err(Malformed::NotUtf8);
    }
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        if json_field == Some(&*name) {
            return Ok(value.into_owned());
        }
        let value = Value::from(value.into_owned());
        match fields.get_mut(&*name) {
            None => {
                fields.insert(name.into_owned(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    match json_field {
        Some(_) => Err(Malformed::NotJson),
        None => Ok(Value::Object(fields).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_an_object() {
        let json = |body: &str| to_json(body.as_bytes(), None).map(|text| serde_json::from_str::<Value>(&text).unwrap());
        assert_eq!(json("a=1&b=x+y%26&a=2&a=3&c="), Ok(serde_json::json!({"a": ["1", "2", "3"], "b": "x y&", "c": ""})));
        assert_eq!(json(""), Err(Malformed::Empty));
    }

    #[test]
    fn a_field_may_hold_the_event() {
        assert_eq!(to_json(b"x=1&payload=%7B%22a%22%3A1%7D", Some("payload")), Ok("{\"a\":1}".to_owned()));
        assert_eq!(to_json(b"x=1", Some("payload")), Err(Malformed::NotJson));
        assert_eq!(to_json(b"\xff=1", None), Err(Malformed::NotUtf8));
    }
}
