//! The URL that a provider signs: the registered URL with the query as sent, in the forms in which a provider may write it.
//!
//! It never depends on the `Host` header or on API Gateway's path: a sender can choose both.

use crate::delivery::Delivery;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;
use std::fmt::Write as _;
use tidings_config::scheme::UrlForm;
use tidings_config::source::Source;
use tidings_config::tenant::TenantName;

/// The escapes that HubSpot decodes before it signs (its page on validating requests, version 3).
const DECODED: [(&str, char); 12] = [
    ("3A", ':'),
    ("2F", '/'),
    ("3F", '?'),
    ("40", '@'),
    ("21", '!'),
    ("24", '$'),
    ("27", '\''),
    ("28", '('),
    ("29", ')'),
    ("2A", '*'),
    ("2C", ','),
    ("3B", ';'),
];

/// The characters that the URL standard escapes in a query.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');

/// The characters that Node's `querystring.escape` and JavaScript's `encodeURIComponent` escape.
pub const QUERYSTRING: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The registered URL, a tenant's with its name at the end, with the query as sent. `None`: none is configured, or it has a query that the request's query
/// doesn't begin with.
pub(super) fn given(source: &Source, tenant: Option<&TenantName>, delivery: &Delivery) -> Option<String> {
    let configured = source.public_url.as_deref()?;
    let configured = tenant.map_or(Cow::Borrowed(configured), |tenant| Cow::Owned(tenant_url(configured, tenant)));
    let configured = configured.split('#').next().unwrap_or(&configured);
    let (address, own) = configured.split_once('?').map_or((configured, None), |(address, own)| (address, Some(own)));
    let query = delivery.query.as_str();
    match (own, query) {
        // HTTP ignores a question mark without a query; a signer includes it.
        (Some(""), "") => Some(configured.to_owned()),
        (None, "") => Some(address.to_owned()),
        (None | Some(""), query) => Some(format!("{address}?{query}")),
        (Some(own), query) => {
            let rest = query.strip_prefix(own)?;
            (rest.is_empty() || rest.starts_with('&')).then(|| format!("{address}?{query}"))
        }
    }
}

/// The registered URL of a tenant: its name at the end of the path of its source's.
pub fn tenant_url(public_url: &str, tenant: &TenantName) -> String {
    let path = public_url.find(['?', '#']).unwrap_or(public_url.len());
    format!("{}/{tenant}{}", &public_url[..path], &public_url[path..])
}

/// The texts that may be signed, the registered form first.
pub(super) fn forms(form: UrlForm, given: String) -> Vec<String> {
    let mut forms = match form {
        UrlForm::Given => Vec::new(),
        UrlForm::Decoded => vec![decoded(&given)],
        UrlForm::Twilio => twilio(&given),
    };
    forms.insert(0, given);
    let mut seen: Vec<String> = Vec::new();
    forms.retain(|form| {
        !seen.contains(form) && {
            seen.push(form.clone());
            true
        }
    });
    forms
}

/// With and without the port, with the query as sent and escaped in either way. An escaped query is computed once.
fn twilio(given: &str) -> Vec<String> {
    let (address, query) = given.split_once('?').map_or((given, None), |(address, query)| (address, Some(query)));
    let addresses = [address.to_owned(), without_port(address), with_port(address)];
    let with = |query: Option<&str>| {
        let addresses = addresses.iter();
        addresses.map(|address| query.map_or_else(|| address.clone(), |query| format!("{address}?{query}"))).collect::<Vec<_>>()
    };
    // Twilio's library for Python drops a final question mark, and its library for Node doesn't.
    let bare = match query {
        Some("") => Some(None),
        Some(query) => query.strip_suffix('?').map(Some),
        None => None,
    };
    let written: Vec<Option<&str>> = [Some(query), bare].into_iter().flatten().collect();
    let mut forms: Vec<String> = written.iter().flat_map(|query| with(*query)).collect();
    for query in written.iter().flatten().filter(|query| !query.is_empty()) {
        let (escaped, requoted) = (with(Some(&escaped(query))), with(Some(&requoted(query))));
        forms.extend(escaped.into_iter().zip(requoted).flat_map(|(escaped, requoted)| [escaped, requoted]));
    }
    forms
}

/// One form for all spellings that are signed alike, so that the spelling of the URL doesn't make another event.
pub(super) fn canonical(form: UrlForm, given: &str) -> String {
    match form {
        UrlForm::Given => given.to_owned(),
        UrlForm::Decoded => decoded(given),
        UrlForm::Twilio => {
            let url = with_query(&without_port(given), requoted);
            url.trim_end_matches('?').to_owned()
        }
    }
}

/// Decodes these escapes, in upper or lower case. Others stay unchanged.
fn decoded(url: &str) -> String {
    let mut text = String::with_capacity(url.len());
    let mut rest = url;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        let escape = rest.get(at + 1..at + 3).unwrap_or_default();
        let known = DECODED.iter().find(|(hex, _)| hex.eq_ignore_ascii_case(escape));
        match known {
            Some((_, character)) => text.push(*character),
            None => write!(text, "%{escape}").expect("a string"),
        }
        rest = &rest[at + 1 + escape.len()..];
    }
    text + rest
}

/// The text before the port, the port with its colon, and the rest.
fn parts(url: &str) -> Option<(&str, &str, &str)> {
    let host = url.find("://")? + 3;
    let end = url[host..].find(['/', '?']).map_or(url.len(), |at| host + at);
    let port = url[host..end].rfind(':').filter(|at| !url[host + at..end].contains(']')).map_or(end, |at| host + at);
    Some((&url[..port], &url[port..end], &url[end..]))
}

fn without_port(url: &str) -> String {
    parts(url).map_or_else(|| url.to_owned(), |(before, _, after)| format!("{before}{after}"))
}

fn with_port(url: &str) -> String {
    match parts(url) {
        Some((before, "", after)) => {
            let port = if before.to_ascii_lowercase().starts_with("https://") { 443 } else { 80 };
            format!("{before}:{port}{after}")
        }
        _ => url.to_owned(),
    }
}

fn with_query(url: &str, change: fn(&str) -> String) -> String {
    match url.split_once('?') {
        Some((address, query)) if !query.is_empty() => format!("{address}?{}", change(query)),
        Some(_) | None => url.to_owned(),
    }
}

/// Escapes a URL as its standard requires: invalid characters are escaped, existing escapes stay.
fn escaped(query: &str) -> String {
    utf8_percent_encode(query, ESCAPED).to_string()
}

/// Decodes, and escapes again as Node's `querystring` does.
fn requoted(query: &str) -> String {
    let quote = |text: &str| {
        let text = text.replace('+', " ");
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        utf8_percent_encode(&decoded, QUERYSTRING).to_string()
    };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        format!("{}={}", quote(name), quote(value))
    };
    query.split('&').filter(|one| !one.is_empty()).map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw_body::RawBody;
    use http::HeaderMap;

    fn url_of(configured: &str, query: &str) -> Option<String> {
        let mut source = tidings_project::presets()[0].source("x");
        source.public_url = Some(configured.to_owned());
        let delivery =
            Delivery { method: "POST".to_owned(), query: query.to_owned(), headers: HeaderMap::new(), body: RawBody::default() };
        given(&source, None, &delivery)
    }

    #[test]
    fn the_requests_query_is_used_and_must_begin_with_the_registered_one() {
        for (configured, query, url) in [
            ("https://a.example/w", "", Some("https://a.example/w")),
            ("https://a.example/w", "b=%2F", Some("https://a.example/w?b=%2F")),
            ("https://a.example/w?", "", Some("https://a.example/w?")),
            ("https://a.example/w?", "b=1", Some("https://a.example/w?b=1")),
            ("https://a.example/w?k=1", "k=1", Some("https://a.example/w?k=1")),
            ("https://a.example/w?k=1", "k=1&b=2", Some("https://a.example/w?k=1&b=2")),
            ("https://a.example/w?k=1", "k=12", None),
            ("https://a.example/w?k=1", "b=2&k=1", None),
            ("https://a.example/w?k=1", "", None),
            ("https://a.example/w#rc=2", "", Some("https://a.example/w")),
        ] {
            assert_eq!(url_of(configured, query).as_deref(), url, "{configured} {query}");
        }
    }

    #[test]
    fn hubspot_decodes_some_escapes_and_leaves_the_others() {
        let all = "https://a.example/w?q=%3A%2f%3F%40%21%24%27%28%29%2A%2C%3b";
        assert_eq!(forms(UrlForm::Decoded, all.to_owned()), [all, "https://a.example/w?q=:/?@!$'()*,;"]);
        for same in ["https://a.example/w?q=%20%26%25%3D%C3%A9", "https://a.example/w?q=%", "https://a.example/w?q=%4"] {
            assert_eq!(forms(UrlForm::Decoded, same.to_owned()), [same]);
        }
    }

    #[test]
    fn twilio_signs_with_or_without_the_port() {
        let forms = |url: &str| forms(UrlForm::Twilio, url.to_owned());
        assert_eq!(forms("https://a.example/w?b=2"), ["https://a.example/w?b=2", "https://a.example:443/w?b=2"]);
        assert_eq!(forms("https://a.example:443/w"), ["https://a.example:443/w", "https://a.example/w"]);
        assert_eq!(forms("http://a.example?b=2"), ["http://a.example?b=2", "http://a.example:80?b=2"]);
        assert_eq!(forms("https://a.example:8443/w"), ["https://a.example:8443/w", "https://a.example/w"]);
        assert_eq!(forms("https://[::1]/w"), ["https://[::1]/w", "https://[::1]:443/w"]);
        let marked = ["https://a.example/w?", "https://a.example:443/w?", "https://a.example/w", "https://a.example:443/w"];
        assert_eq!(forms("https://a.example/w?"), marked);
    }

    #[test]
    fn twilio_signs_a_query_as_sent_or_escaped() {
        let forms = forms(UrlForm::Twilio, "https://a.example/w?n='@+%2f".to_owned());
        let queries: Vec<&str> = forms.iter().map(|url| url.split_once("n=").unwrap().1).collect();
        assert_eq!(queries, ["'@+%2f", "'@+%2f", "%27@+%2f", "'%40%20%2F", "%27@+%2f", "'%40%20%2F"]);
    }
}
