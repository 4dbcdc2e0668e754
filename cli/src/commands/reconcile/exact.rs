//! The bytes that a provider sent, made again from the JSON of its API. A key that is a hash of the body needs them exactly,
//! and the provider's signature proves them. Pure.

use receiver::delivery::Delivery;
use receiver::verify::{Key, verify};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_config::{JsonPath, Step};
use tidings_events::Sample;

/// The text at a path of a JSON text, as written. `None`: there is nothing, or the path has `[*]`.
pub(super) fn raw_at<'t>(text: &'t str, path: &JsonPath) -> Option<&'t str> {
    path.0.iter().try_fold(text, |text, step| match step {
        Step::Key(key) => serde_json::from_str::<BTreeMap<String, &RawValue>>(text).ok()?.get(key).map(|value| value.get()),
        Step::Index(index) => serde_json::from_str::<Vec<&RawValue>>(text).ok()?.get(*index).map(|value| value.get()),
        Step::Each => None,
    })
}

/// The elements of a list, as written.
pub(super) fn elements(text: &str) -> Option<Vec<&str>> {
    Some(serde_json::from_str::<Vec<&RawValue>>(text).ok()?.into_iter().map(RawValue::get).collect())
}

/// The same JSON without blanks between its values. Its strings and numbers stay as written.
pub(super) fn compact(text: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            ' ' | '\t' | '\n' | '\r' if !in_string => continue,
            _ => {}
        }
        out.push(c);
    }
    out
}

/// The forms in which programs write the same JSON, the likeliest first. All are compact.
pub(super) fn forms(text: &str) -> Vec<String> {
    let as_written = compact(text);
    let plain = serde_json::from_str::<serde_json::Value>(text).map(|value| value.to_string()).unwrap_or_default();
    let escaped = |which: fn(char) -> bool| {
        let mut out = String::with_capacity(plain.len());
        for c in plain.chars() {
            if which(c) {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
            } else {
                out.push(c);
            }
        }
        out
    };
    // HTML's characters and two line separators, as Rails and Go write them; all but ASCII, as others do.
    let html = escaped(|c| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'));
    let ascii = escaped(|c| !c.is_ascii());
    let mut forms = vec![as_written, plain, html, ascii];
    forms.dedup();
    forms
}

/// The sample with the bytes that these headers sign, by one of the source's secrets. `None`: no form has them.
pub(super) fn proven(
    source: &Source,
    secrets: &[String],
    sample: &Sample,
    sent: &BTreeMap<String, String>,
    text: &str,
    now: Timestamp,
) -> Option<Sample> {
    let keys: Vec<Key> = secrets.iter().filter_map(|secret| Key::prepare(&source.scheme, secret).ok()).collect();
    let mut signed = sample.clone();
    for (name, value) in sent {
        // Headers that can't be sent can't be part of the signature either.
        let _ = signed.set_header(name, value);
    }
    let is_proven = |body: &String| {
        let delivery = Delivery {
            method: "POST".to_owned(),
            query: String::new(),
            headers: signed.headers.clone(),
            body: body.clone().into_bytes().into(),
        };
        verify(source, &keys[..], &delivery, now).is_ok()
    };
    let body = forms(text).into_iter().find(is_proven)?;
    Some(Sample { body: body.into_bytes(), ..sample.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_json_text_is_taken_as_written() {
        let text = r#" { "request": { "payload": { "b" : 1.0, "a":"\u00e9 é" } }, "list": [1, {"x": 2}] } "#;
        let path = |path: &str| path.parse::<JsonPath>().expect("a path");
        assert_eq!(raw_at(text, &path("request.payload")), Some(r#"{ "b" : 1.0, "a":"\u00e9 é" }"#));
        assert_eq!(raw_at(text, &path("list[1].x")), Some("2"));
        assert_eq!(raw_at(text, &path("list[5]")), None);
        assert_eq!(raw_at("not JSON", &path("a")), None);
        assert_eq!(elements(r#"[{"a": 1}, 2 ]"#), Some(vec![r#"{"a": 1}"#, "2"]));
    }

    #[test]
    fn blanks_go_only_between_values() {
        assert_eq!(compact("{ \"a b\" : [ 1 , \"c \\\" d\" ],\n\t\"e\": \"\\\\\" }"), r#"{"a b":[1,"c \" d"],"e":"\\"}"#);
    }

    #[test]
    fn the_forms_are_the_same_json() {
        let text = r#"{ "a": "<é>\u2028😀", "n": 1.50 }"#;
        let forms = forms(text);
        assert_eq!(
            forms,
            [
                r#"{"a":"<é>\u2028😀","n":1.50}"#.to_owned(),
                "{\"a\":\"<é>\u{2028}😀\",\"n\":1.50}".to_owned(),
                r#"{"a":"\u003cé\u003e\u2028😀","n":1.50}"#.to_owned(),
                r#"{"a":"<\u00e9>\u2028\ud83d\ude00","n":1.50}"#.to_owned(),
            ]
        );
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert!(forms.iter().all(|form| value(form) == value(text)));
    }
}
