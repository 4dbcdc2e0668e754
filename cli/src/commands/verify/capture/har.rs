//! A HAR, as browsers and proxies save it (HTTP Archive 1.2).

use super::{Captured, Form, captured, text, unreadable};
use crate::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The given entry, or the first `POST`.
pub(super) fn read(har: &Value, entry: Option<usize>) -> Result<Captured, Failure> {
    let entries = har["log"]["entries"].as_array().map_or(&[][..], Vec::as_slice);
    let count = entries.len();
    let number = match entry {
        Some(number) if (1..=count).contains(&number) => number,
        Some(number) => return Err(Failure::new(format!("the HAR has no entry {number}, allowed: 1 to {count}"))),
        None => {
            let first = entries.iter().position(|entry| text(&entry["request"], "method").eq_ignore_ascii_case("POST"));
            let none = || {
                Failure::new(format!("none of the HAR's {count} entries is a POST"))
                    .hint("choose another one with --entry NUMBER")
            };
            first.ok_or_else(none)? + 1
        }
    };
    let request = &entries[number - 1]["request"];
    let headers = request["headers"].as_array().ok_or_else(|| unreadable("a HAR entry without headers"))?;
    let pairs = headers.iter().map(|header| (text(header, "name").to_owned(), text(header, "value").to_owned()));
    let read = captured(Form::Har, text(request, "method"), text(request, "url"), pairs, body(&request["postData"])?)?;
    Ok(Captured { entry: Some((number, count)), ..read })
}

fn body(content: &Value) -> Result<Vec<u8>, Failure> {
    match (content["text"].as_str(), content["encoding"].as_str(), content["params"].as_array()) {
        (Some(text), Some("base64"), _) => STANDARD.decode(text).map_err(|_| unreadable("its text isn't base64")),
        (Some(text), _, _) => Ok(text.as_bytes().to_vec()),
        // The body is decoded into parameters, so its original encoding is lost. The search for mistakes encodes them
        // in every way.
        (None, _, Some(params)) => {
            let pairs = params.iter().map(|param| (text(param, "name"), text(param, "value")));
            Ok(form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes())
        }
        (None, _, None) => Ok(Vec::new()),
    }
}
