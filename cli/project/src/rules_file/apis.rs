//! The objects that rules fetch, and their APIs.

use super::{Scalar, expression, name, parse};
use crate::limits::{MAX_API_URL_BYTES, MAX_FETCH_PATH_BYTES};
use crate::{Checker, Spanned, did_you_mean};
use serde::Deserialize;
use std::collections::BTreeMap;
use tidings_config::rules::{Api, Enrich, FetchPath, IfGone, PathPart, SentAs};
use tidings_expressions::Scope;

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiEntry {
    /// The base URL that paths are appended to.
    #[schemars(extend("pattern" = "^https://[^/?#@]+/([^?#]*/)?$"))]
    url: Spanned<String>,
    /// How its secret is sent. Default: no secret is sent.
    secret: Option<Spanned<SentAs>>,
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrichEntry {
    /// One of `apis`.
    from: Spanned<String>,
    /// The path behind its address, such as `tickets/{data.ticket.id}`.
    #[schemars(with = "FetchPath")]
    path: Spanned<String>,
    /// Gives the object's version. Each version is fetched once.
    version: Option<Spanned<Scalar>>,
    /// What happens to the rule if the object doesn't exist.
    #[serde(default)]
    if_gone: IfGone,
}

pub(super) fn apis(checker: &mut Checker<'_>, entries: BTreeMap<String, ApiEntry>) -> BTreeMap<String, Api> {
    let mut apis = BTreeMap::new();
    for (api, ApiEntry { url, secret }) in entries {
        name(checker, url.referenced, "an API", &api);
        if let Err(what) = address(&url.value) {
            checker.problem(
                url.referenced,
                format!("url {:?}: {what}; write it as https://api.example.com/v2/, up to {MAX_API_URL_BYTES} bytes", url.value),
            );
        }
        let secret = secret.map(|secret| {
            if let SentAs::Header(header) = &secret.value
                && !is_header(header)
            {
                let what = format!("{header:?} isn't a header for a secret; write it as X-Api-Key");
                checker.problem(secret.referenced, what);
            }
            secret.value
        });
        apis.insert(api, Api { url: url.value, secret });
    }
    apis
}

fn address(url: &str) -> Result<(), &'static str> {
    let rest = url.strip_prefix("https://").ok_or("doesn't begin with https://")?;
    let (host, path) = rest.split_once('/').ok_or("has no / after its host")?;
    let (host, port) = host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port)));
    let label =
        |label: &str| !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !host.split('.').all(label) || !host.contains('.') || host.split('.').next_back().is_some_and(is_number) {
        return Err("its host isn't a name");
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("its port isn't a number");
    }
    if !(path.is_empty() || path.ends_with('/')) {
        return Err("doesn't end in /");
    }
    if !path.bytes().all(is_path) || url.len() > MAX_API_URL_BYTES {
        return Err("has characters that a path can't contain, or too many");
    }
    Ok(())
}

fn is_number(label: &str) -> bool {
    label.bytes().all(|b| b.is_ascii_digit())
}

/// Characters that a path may contain unescaped: RFC 3986's unreserved characters and harmless ones.
fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~/!$'()*+,;=:@".contains(&byte)
}

/// RFC 9110's token, without headers that are ours to set.
fn is_header(header: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let ours = ["host", "connection", "content-length", "transfer-encoding", "accept", "user-agent"];
    !header.is_empty() && header.len() <= 64 && header.bytes().all(token) && !ours.contains(&header.to_ascii_lowercase().as_str())
}

pub(super) fn enrich(checker: &mut Checker<'_>, entry: EnrichEntry, apis: &BTreeMap<String, Api>) -> Enrich {
    let EnrichEntry { from, path, version, if_gone } = entry;
    if !apis.contains_key(&from.value) {
        let hint = did_you_mean(&from.value, apis.keys().map(String::as_str));
        let known = apis.keys().cloned().collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "none".to_owned() } else { known };
        checker.problem(from.referenced, format!("unknown API {:?}, configured under `apis`: {known}{hint}", from.value));
    }
    let (at, written) = (path.referenced, path.value);
    let bytes = written.len();
    if bytes > MAX_FETCH_PATH_BYTES {
        checker.problem(at, format!("the path has {bytes} bytes, allowed: {MAX_FETCH_PATH_BYTES}"));
    }
    let path: FetchPath = written.parse().unwrap_or_else(|what: String| {
        checker.problem(at, what);
        FetchPath::unread()
    });
    for (n, part) in path.parts().iter().enumerate() {
        match part {
            PathPart::Words(words) => {
                let climbs = words.split('/').any(|segment| segment == "..");
                if words.starts_with('/') && n == 0 {
                    checker.problem(at, "a path must not begin with /: the API's address ends with one");
                } else if climbs || !words.bytes().all(|b| is_path(b) || b"?&%".contains(&b)) {
                    checker.problem(at, format!("{words:?} can't be part of a path; escape it as in a URL, and don't use .."));
                }
            }
            PathPart::Value(text) => parse(checker, at, text, Scope::Event),
        }
    }
    let version = version.map(|version| expression(checker, version, Scope::Event));
    Enrich { from: from.value, path, version, if_gone }
}
