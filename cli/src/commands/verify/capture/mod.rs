//! A captured request, in the forms in which people have it.
//!
//! Promises: the body keeps its bytes as they are in the file. A form that leaves something unclear is refused, with
//! what to do instead. An error never shows the input, because it may contain secrets.

mod curl;
mod har;
mod json;
mod raw;
mod words;

use crate::Failure;
use crate::files;
use crate::limits::MAX_REQUEST_HEAD_BYTES;
use http::{HeaderMap, HeaderName, HeaderValue};
use receiver::delivery::Delivery;
use serde_json::Value;
use tidings_config::limits::MAX_REQUEST_HEADERS;

/// A captured request.
#[derive(Debug)]
pub(super) struct Captured {
    pub form: Form,
    /// For a HAR: the number of the entry, and the number of entries.
    pub entry: Option<(usize, usize)>,
    /// With scheme and host if the form has them; without the query.
    pub url: String,
    pub delivery: Delivery,
}

/// The form of the captured request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Raw,
    Har,
    Curl,
    /// The output of `tidings send --dry-run --json`.
    Ours,
    /// The output of `tidings send --lambda`, and the event that a function receives.
    Lambda,
}

impl Form {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw request",
            Self::Har => "HAR",
            Self::Curl => "curl command",
            Self::Ours => "JSON of `tidings send`",
            Self::Lambda => "API Gateway event",
        }
    }
}

/// Reads a request in any form. `entry` counts from 1 and applies to a HAR only.
pub(super) fn read(bytes: &[u8], entry: Option<usize>) -> Result<Captured, Failure> {
    let captured = match files::json::<Value>(bytes) {
        // No other form begins with a brace, so the error of the JSON is the answer.
        Err(why) if bytes.trim_ascii_start().starts_with(b"{") => return Err(unreadable(&format!("JSON, but {why}"))),
        Ok(har) if har.pointer("/log/entries").is_some() => har::read(&har, entry)?,
        Ok(_) | Err(_) if entry.is_some() => return Err(Failure::new("--entry requires a HAR, and this isn't one")),
        Ok(json) => json::read(&json)?,
        Err(_) if bytes.trim_ascii_start().starts_with(b"curl") => curl::read(bytes)?,
        Err(_) => raw::read(bytes)?,
    };
    Ok(captured)
}

fn unreadable(what: &str) -> Failure {
    Failure::new(format!("not a captured request: {what}")).hint(
        "allowed: a raw HTTP request (headers, an empty line, the body), a HAR, a curl command, an API Gateway event, what \
         `tidings send --dry-run --json` prints",
    )
}

/// Puts the parts together. Pseudo-headers of HTTP/2 are left out.
fn captured(
    form: Form,
    method: &str,
    url: &str,
    pairs: impl Iterator<Item = (String, String)>,
    body: Vec<u8>,
) -> Result<Captured, Failure> {
    let mut headers = HeaderMap::new();
    let mut head = url.len();
    for (n, (name, value)) in pairs.filter(|(name, _)| !name.starts_with(':')).enumerate() {
        head += name.len() + 1 + value.len();
        if n == MAX_REQUEST_HEADERS || head > MAX_REQUEST_HEAD_BYTES {
            return Err(head_too_long());
        }
        let bad = || unreadable(&format!("header {} is malformed", n + 1));
        let header = name.trim().parse::<HeaderName>().map_err(|_| bad())?;
        headers.append(header, HeaderValue::from_str(value.trim()).map_err(|_| bad())?);
    }
    if head > MAX_REQUEST_HEAD_BYTES {
        return Err(head_too_long());
    }
    let (url, query) = url.split('#').next().unwrap_or_default().split_once('?').unwrap_or((url, ""));
    let delivery = Delivery { method: method.to_ascii_uppercase(), query: query.to_owned(), headers, body: body.into() };
    Ok(Captured { form, entry: None, url: url.to_owned(), delivery })
}

fn head_too_long() -> Failure {
    Failure::new(format!(
        "the request has more than {MAX_REQUEST_HEADERS} headers, or a URL and headers of more than {MAX_REQUEST_HEAD_BYTES} bytes; \
         allowed: {MAX_REQUEST_HEADERS} and {MAX_REQUEST_HEAD_BYTES}"
    ))
    .hint("API Gateway allows 10,240 bytes of headers: remove those that the provider didn't send")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}
