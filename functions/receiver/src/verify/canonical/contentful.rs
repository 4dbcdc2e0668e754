//! Contentful's canonical request: method, path with query, the headers that the request lists, body, each on a line
//! (contentful/node-apps-toolkit, src/requests).

use super::super::Rejection;
use super::super::header::only;
use super::super::url::QUERYSTRING;
use crate::delivery::Delivery;
use percent_encoding::{AsciiSet, utf8_percent_encode};
use tidings_config::{CONTENTFUL_TIMESTAMP, Reference};

/// The header that lists the signed headers.
const SIGNED_HEADERS: &str = "x-contentful-signed-headers";

/// Headers that one request may list. Contentful's own list has fewer than ten.
const MAX_SIGNED_HEADERS: usize = 64;

/// The characters that JavaScript's `encodeURI` escapes.
const URI: &AsciiSet = &QUERYSTRING
    .remove(b';')
    .remove(b',')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b'#');

pub(super) fn feed(delivery: &Delivery, url: Option<&str>, sink: &mut dyn FnMut(&[u8])) -> Result<(), Rejection> {
    let headers = &delivery.headers;
    let missing = |name: &str| Rejection::MissingHeader(name.to_owned());
    let listed = only(headers, SIGNED_HEADERS)?.ok_or_else(|| missing(SIGNED_HEADERS))?;
    let listed = std::str::from_utf8(listed).map_err(|_| Rejection::MalformedSignature)?;
    let names: Vec<String> = listed.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    if names.len() > MAX_SIGNED_HEADERS {
        return Err(Rejection::TooManySignatures);
    }
    // The sender writes the list: without the time in it, anyone could choose the time.
    if names.iter().all(|name| name != CONTENTFUL_TIMESTAMP) {
        return Err(missing(CONTENTFUL_TIMESTAMP));
    }

    sink(delivery.method.as_bytes());
    sink(b"\n");
    let url = url.ok_or(Rejection::MissingValue(Reference::Url))?;
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    sink(utf8_percent_encode(path_of(address), URI).to_string().as_bytes());
    // The part after a second question mark isn't signed.
    if query.contains('?') {
        return Err(Rejection::MissingValue(Reference::Url));
    }
    if !query.is_empty() {
        sink(b"?");
        sink(utf8_percent_encode(&utf8_percent_encode(query, QUERYSTRING).to_string(), URI).to_string().as_bytes());
    }
    sink(b"\n");
    for (n, name) in names.iter().enumerate() {
        let value = only(headers, name)?.ok_or_else(|| missing(name))?;
        sink(if n == 0 { b"" } else { b";" });
        sink(name.as_bytes());
        sink(b":");
        sink(value.trim_ascii());
    }
    sink(b"\n");
    sink(&delivery.body);
    Ok(())
}

/// The path of an address: `/webhooks/contentful` of `https://hooks.example/webhooks/contentful`.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_has_a_path() {
        for (url, path) in [("https://a.example/b/c", "/b/c"), ("https://a.example", "/"), ("", "/")] {
            assert_eq!(super::path_of(url), path);
        }
    }
}
