//! Changes of a body by frameworks, editors and shells.

use super::{Mended, json};
use crate::commands::verify::attempt::Attempt;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use receiver::verify::QUERYSTRING;
use serde_json::Value;

pub(super) fn mended(attempt: &Attempt) -> impl Iterator<Item = Mended> {
    let bodies = [line_ends(&attempt.delivery.body), encodings(&attempt.delivery.body), rewritten(&attempt.delivery.body)];
    bodies.into_iter().flatten().map(|(hint, body)| (hint.to_owned(), attempt.with(|a| a.delivery.body = body.into())))
}

fn line_ends(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = String::from_utf8_lossy(body);
    let bare = text.replace("\r\n", "\n");
    vec![
        ("a line feed at the end of the body was removed", [body, b"\n"].concat()),
        ("a line end (CRLF) at the end of the body was removed", [body, b"\r\n"].concat()),
        ("a line feed was added at the end of the body: editors and shells add one", body.trim_ascii_end().to_vec()),
        ("white space was added around the body", body.trim_ascii().to_vec()),
        ("the body's line ends were changed from CRLF to LF", bare.replace('\n', "\r\n").into_bytes()),
        ("the body's line ends were changed from LF to CRLF", bare.into_bytes()),
    ]
}

fn encodings(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut bodies = Vec::new();
    if let Ok(decoded) = STANDARD.decode(body.trim_ascii()) {
        bodies.push(("the body is still base64: Lambda's encoding must be undone first", decoded));
    }
    if let Ok(decoded) = serde_json::from_slice::<String>(body) {
        bodies.push(("the body is a JSON string that contains JSON: it was encoded twice", decoded.into_bytes()));
    }
    if let Some(rest) = body.strip_prefix("\u{feff}".as_bytes()) {
        bodies.push(("a byte order mark was added at the beginning of the body", rest.to_vec()));
    }
    let text = String::from_utf8_lossy(body);
    if !text.is_ascii()
        && let Some(bytes) = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
    {
        bodies.push(("the body was read as Latin-1 and written as UTF-8: only the raw bytes verify", bytes));
    }
    bodies
}

fn rewritten(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    const JSON: &str = "the body was parsed and written again: only the raw bytes verify";
    const FORM: &str = "the form was parsed and encoded again: only the raw bytes verify";
    const TURNED: &str = "the form was parsed and turned into JSON: only the raw bytes verify";
    let Ok(text) = std::str::from_utf8(body) else { return Vec::new() };
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        return forms(&fields).into_iter().map(|form| (FORM, form.into_bytes())).collect();
    };
    let mut bodies: Vec<_> = json::written(text).into_iter().map(|text| (JSON, text.into_bytes())).collect();
    let fields = value.as_object().into_iter().flatten();
    let texts: Option<Vec<(String, String)>> =
        fields.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    let fields = texts.unwrap_or_default();
    bodies.extend(forms(&fields).into_iter().map(|form| (TURNED, form.into_bytes())));
    bodies
}

/// The characters that HTML forms, JavaScript's `encodeURIComponent` and RFC 3986 don't encode.
const LEFT_ALONE: [&AsciiSet; 3] = [
    &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_'),
    QUERYSTRING,
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~'),
];

/// The fields in all encodings of a form: in their order, with spaces as `+` or `%20`, hex digits in upper or lower
/// case.
fn forms(fields: &[(String, String)]) -> Vec<String> {
    let mut forms = Vec::new();
    for set in LEFT_ALONE {
        for space in ["+", "%20"] {
            for lower in [false, true] {
                let text = |text: &str| {
                    let pieces = utf8_percent_encode(text, set).map(|piece| match piece {
                        "%20" => space.to_owned(),
                        escaped if lower && escaped.starts_with('%') => escaped.to_ascii_lowercase(),
                        other => other.to_owned(),
                    });
                    pieces.collect::<String>()
                };
                forms.push(fields.iter().map(|(n, v)| format!("{}={}", text(n), text(v))).collect::<Vec<_>>().join("&"));
            }
        }
    }
    forms
}
