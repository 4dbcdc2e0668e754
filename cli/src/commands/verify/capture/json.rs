//! Tidings' own JSON, and the event that API Gateway gives to a function.

use super::{Captured, Form, captured, text, unreadable};
use crate::{Failure, captures};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

pub(super) fn read(json: &Value) -> Result<Captured, Failure> {
    if captures::is_one(json) {
        return Err(Failure::new("a recorded delivery has no signature: `tidings capture` removes it").hint(
            "sign it again with: tidings send --capture FILE --dry-run --json > request.json; or replay it with: tidings \
                replay FILE",
        ));
    }
    let headers = json["headers"].as_object().ok_or_else(|| unreadable("JSON without `headers`"))?;
    let pairs = headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    let http = &json["requestContext"]["http"];
    if http.is_object() {
        let query = text(json, "rawQueryString");
        let url = if query.is_empty() { text(json, "rawPath").to_owned() } else { format!("{}?{query}", text(json, "rawPath")) };
        let body = body(text(json, "body"), json["isBase64Encoded"] == true, "body")?;
        return captured(Form::Lambda, text(http, "method"), &url, pairs, body);
    }
    let body = match json["body_base64"].as_str() {
        Some(encoded) => body(encoded, true, "body_base64")?,
        None => text(json, "body").as_bytes().to_vec(),
    };
    captured(Form::Ours, json["method"].as_str().unwrap_or("POST"), text(json, "path"), pairs, body)
}

fn body(text: &str, is_base64: bool, field: &str) -> Result<Vec<u8>, Failure> {
    if !is_base64 {
        return Ok(text.as_bytes().to_vec());
    }
    STANDARD.decode(text).map_err(|_| unreadable(&format!("`{field}` isn't base64")))
}
