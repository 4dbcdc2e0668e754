//! A provider signs the URL that it was given. That URL may differ from `public_url` in scheme, host, port, path and
//! query. At most two of these are changed at once.

use super::Mended;
use crate::commands::verify::attempt::Attempt;
use crate::limits::MAX_PARAMETERS_TRIED;
use http::HeaderMap;
use tidings_config::{Reference, Template};

/// Prefixes that API Gateway and proxies add to a path.
const STAGES: [&str; 10] = ["prod", "Prod", "production", "dev", "stage", "staging", "test", "default", "$default", "api"];

/// The parts of a URL, as configured or as they may have been.
#[derive(Clone)]
struct Url {
    scheme: String,
    host: String,
    /// With its colon.
    port: String,
    path: String,
    query: String,
}

const PARTS: [&str; 5] = ["scheme", "host", "port", "path", "query"];

pub(super) fn mended(attempt: &Attempt) -> impl Iterator<Item = Mended> {
    let base = signs_url(attempt).then(|| base(attempt)).flatten();
    base.into_iter().flat_map(move |base| {
        let said = attempt.source.public_url.is_some();
        changes(&parts(attempt, &base)).into_iter().map(move |(names, url)| {
            let (address, query) = (url.address(), url.query.clone());
            let parts = names.join(" and ");
            let hint = match (said, names.is_empty()) {
                (true, true) => {
                    format!("public_url has a query, and the request's query is appended to it: set public_url to {address}")
                }
                (true, false) => {
                    format!("the provider signs another URL than public_url, with another {parts}: {address}{}", more(&names))
                }
                (false, true) => {
                    format!("the provider signs the URL that is configured there: set public_url, or --public-url, to {address}")
                }
                (false, false) => format!(
                    "the provider signs the URL that is configured there, which has another {parts} than the request: set \
                     public_url, or --public-url, to {address}{}",
                    more(&names)
                ),
            };
            let changed = attempt.with(|a| {
                a.source.public_url = Some(address);
                a.delivery.query = query;
            });
            (hint, changed)
        })
    })
}

/// A text about the query. It doesn't show the query, which may contain a token.
fn more(names: &[&'static str]) -> &'static str {
    if names.contains(&"query") { "; the query was changed or reordered on the way" } else { "" }
}

/// Whether the URL is part of the signed message.
fn signs_url(attempt: &Attempt) -> bool {
    let scheme = &attempt.source.scheme;
    let expected =
        scheme.expect.values().flat_map(|allowed| &allowed.0).flat_map(Template::references).any(|r| *r == Reference::Url);
    expected || scheme.covers(&Reference::Url) || scheme.covers(&Reference::Query(String::new()))
}

/// The configured URL, otherwise the URL of the capture.
fn base(attempt: &Attempt) -> Option<Url> {
    let sent = &attempt.delivery.query;
    match &attempt.source.public_url {
        Some(url) => {
            let (address, _) = url.split_once('?').unwrap_or((url, ""));
            Url::read(address, sent)
        }
        None => captured(attempt),
    }
}

fn captured(attempt: &Attempt) -> Option<Url> {
    let sent = &attempt.delivery.query;
    let path = if attempt.url.is_empty() { "/" } else { &attempt.url };
    Url::read(path, sent).or_else(|| Url::read(&format!("https://{}{path}", header(&attempt.delivery.headers, "host")?), sent))
}

impl Url {
    fn read(address: &str, query: &str) -> Option<Self> {
        let (scheme, rest) = address.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = authority.split_at(authority.rfind(':').unwrap_or(authority.len()));
        let owned = str::to_owned;
        Some(Self { scheme: owned(scheme), host: owned(host), port: owned(port), path: owned(path), query: owned(query) })
    }

    fn address(&self) -> String {
        format!("{}://{}{}{}", self.scheme, self.host, self.port, self.path)
    }

    fn with(&self, n: usize, value: &str) -> Self {
        let mut changed = self.clone();
        let part = [&mut changed.scheme, &mut changed.host, &mut changed.port, &mut changed.path, &mut changed.query];
        for (_, part) in part.into_iter().enumerate().filter(|(m, _)| *m == n) {
            value.clone_into(part);
        }
        changed
    }
}

/// All candidates for each part, the base's own value first.
fn parts(attempt: &Attempt, base: &Url) -> [Vec<String>; 5] {
    let headers = &attempt.delivery.headers;
    let seen = captured(attempt);
    let mut hosts = vec![base.host.clone()];
    let mut ports = vec![base.port.clone(), String::new(), ":443".to_owned(), ":80".to_owned()];
    for authority in ["host", "x-forwarded-host", "x-original-host"].iter().filter_map(|name| header(headers, name)) {
        let (host, port) = authority.split_at(authority.rfind(':').unwrap_or(authority.len()));
        hosts.push(host.to_owned());
        ports.push(port.to_owned());
    }
    ports.extend(header(headers, "x-forwarded-port").map(|port| format!(":{port}")));
    let mut paths = vec![base.path.clone()];
    let mut queries = vec![base.query.clone(), String::new()];
    if let Some(seen) = &seen {
        hosts.push(seen.host.clone());
        ports.push(seen.port.clone());
        paths.push(seen.path.clone());
    }
    for path in paths.clone() {
        paths.extend(STAGES.iter().map(|stage| format!("/{stage}{path}")));
        paths.extend(header(headers, "x-forwarded-prefix").map(|prefix| format!("{}{path}", prefix.trim_end_matches('/'))));
        paths.extend(path.get(1..).and_then(|rest| rest.find('/').map(|at| path[1 + at..].to_owned())));
    }
    for path in paths.clone() {
        paths.push(if path.ends_with('/') { path.trim_end_matches('/').to_owned() } else { format!("{path}/") });
    }
    // The query of the configured URL, then the base query without one parameter, and sorted: proxies add and sort
    // parameters.
    queries.extend(attempt.source.public_url.iter().filter_map(|url| Some(url.split_once('?')?.1.to_owned())));
    let pairs: Vec<&str> = base.query.split('&').collect();
    queries.extend(
        (0..pairs.len().min(MAX_PARAMETERS_TRIED))
            .map(|n| pairs.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, pair)| *pair).collect::<Vec<_>>().join("&")),
    );
    let mut sorted = pairs;
    sorted.sort_unstable();
    queries.push(sorted.join("&"));
    let schemes = vec![base.scheme.clone(), "https".to_owned(), "http".to_owned()];
    [schemes, hosts, ports, paths, queries].map(unique)
}

fn unique(values: Vec<String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for value in values {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    once
}

/// The base itself, then with one part changed, then with two, each with the names of the changed parts.
fn changes(parts: &[Vec<String>; 5]) -> Vec<(Vec<&'static str>, Url)> {
    let first = |n: usize| parts[n].first().cloned().unwrap_or_default();
    let base = Url { scheme: first(0), host: first(1), port: first(2), path: first(3), query: first(4) };
    let once = |base: &Url, from: usize| -> Vec<(usize, Url)> {
        (from..PARTS.len())
            .flat_map(|n| parts[n].iter().skip(1).map(move |value| (n, value)))
            .map(|(n, value)| (n, base.with(n, value)))
            .collect()
    };
    let one = once(&base, 0);
    let two = one.iter().flat_map(|(n, url)| once(url, n + 1).into_iter().map(move |(m, url)| (vec![PARTS[*n], PARTS[m]], url)));
    let mut changes = vec![(Vec::new(), base.clone())];
    changes.extend(one.iter().map(|(n, url)| (vec![PARTS[*n]], url.clone())));
    changes.extend(two);
    changes
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
