//! A captured request, in the forms in which people have them.

use crate::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use receiver::delivery::Delivery;
use serde_json::Value;

/// Raw HTTP, a HAR, a curl command, or what `tidings send --dry-run --json` prints.
pub(super) fn read(bytes: &[u8]) -> Result<Delivery, Failure> {
    if let Ok(json) = serde_json::from_slice::<Value>(bytes) {
        return match json.pointer("/log/entries/0/request") {
            Some(request) => har(request),
            None => ours(&json),
        };
    }
    let text = String::from_utf8_lossy(bytes);
    if text.trim_start().starts_with("curl ") { curl(&text) } else { raw(bytes) }
}

fn unreadable(what: &str) -> Failure {
    Failure::new(format!("not a captured request: {what}"))
        .hint("allowed: a raw HTTP request (headers, an empty line, the body), a HAR, a curl command, what `tidings send --dry-run --json` prints")
}

fn delivery(method: &str, url: &str, pairs: impl Iterator<Item = (String, String)>, body: Vec<u8>) -> Result<Delivery, Failure> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.filter(|(name, _)| !name.starts_with(':')) {
        let bad = || unreadable(&format!("{name:?} is no header"));
        let header: HeaderName = name.trim().parse().map_err(|_| bad())?;
        headers.append(header, HeaderValue::from_str(value.trim()).map_err(|_| bad())?);
    }
    let query = url.split_once('?').map_or("", |(_, query)| query);
    Ok(Delivery { method: method.to_owned(), query: query.to_owned(), headers, body })
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn ours(json: &Value) -> Result<Delivery, Failure> {
    let headers = json["headers"].as_object().ok_or_else(|| unreadable("JSON without `headers`"))?;
    let pairs = headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    let body = match json["body_base64"].as_str() {
        Some(body) => STANDARD.decode(body).map_err(|_| unreadable("`body_base64` is no base64"))?,
        None => text(json, "body").as_bytes().to_vec(),
    };
    delivery(json["method"].as_str().unwrap_or("POST"), text(json, "path"), pairs, body)
}

fn har(request: &Value) -> Result<Delivery, Failure> {
    let headers = request["headers"].as_array().ok_or_else(|| unreadable("a HAR entry without headers"))?;
    let pairs = headers.iter().map(|header| (text(header, "name").to_owned(), text(header, "value").to_owned()));
    let content = &request["postData"];
    let body = match content["encoding"].as_str() {
        Some("base64") => STANDARD.decode(text(content, "text")).map_err(|_| unreadable("its text is no base64"))?,
        Some(_) | None => text(content, "text").as_bytes().to_vec(),
    };
    delivery(text(request, "method"), text(request, "url"), pairs, body)
}

fn curl(command: &str) -> Result<Delivery, Failure> {
    let words = shlex::split(command).ok_or_else(|| unreadable("a curl command with an open quote"))?;
    let (mut method, mut url, mut pairs, mut body) = (None, String::new(), Vec::new(), String::new());
    let mut words = words.into_iter().skip(1);
    while let Some(word) = words.next() {
        let mut next = || words.next().ok_or_else(|| unreadable(&format!("{word} without a value")));
        match word.as_str() {
            "-X" | "--request" => method = Some(next()?),
            "-H" | "--header" => pairs.extend(next()?.split_once(':').map(|(n, v)| (n.to_owned(), v.to_owned()))),
            "-d" | "--data" | "--data-raw" | "--data-binary" | "--data-ascii" => body = next()?,
            "--url" => url = next()?,
            option if option.starts_with('-') => {}
            other => other.clone_into(&mut url),
        }
    }
    delivery(method.as_deref().unwrap_or("POST"), &url, pairs.into_iter(), body.into_bytes())
}

/// Headers, an empty line, the body. A first line like `POST /webhooks/x HTTP/1.1` may stand before.
fn raw(bytes: &[u8]) -> Result<Delivery, Failure> {
    let find = |needle: &[u8]| bytes.windows(needle.len()).position(|window| window == needle).map(|at| (at, at + needle.len()));
    let (end, start) = match (find(b"\r\n\r\n"), find(b"\n\n")) {
        (Some(crlf), Some(lf)) => crlf.min(lf),
        (one, other) => one.or(other).ok_or_else(|| unreadable("no empty line between headers and body"))?,
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| unreadable("headers that are no text"))?;
    let mut lines = head.lines().peekable();
    let mut request = ("POST".to_owned(), String::new());
    if let Some(first) = lines.next_if(|line| line.contains(" /") && line.split_whitespace().count() <= 3) {
        let mut words = first.split_whitespace().map(str::to_owned);
        request = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    }
    let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let pairs: Option<Vec<_>> = lines.map(pair).collect();
    let pairs = pairs.ok_or_else(|| unreadable("a line before the body that is no header"))?;
    delivery(&request.0, &request.1, pairs.into_iter(), bytes[start..].to_vec())
}
