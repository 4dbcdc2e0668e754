//! Why a request doesn't verify: the mistakes that people make, tried one by one. One that makes it verify is the reason.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use receiver::delivery::Delivery;
use receiver::verify::{Key, Rejection, verify};
use serde_json::Value;
use tidings_core::config::scheme::{Encoding, KeyEncoding, TimeUnit};
use tidings_core::config::source::Source;
use tidings_core::time::Timestamp;

/// What was found. Nothing in it is secret.
#[derive(Debug)]
pub(super) struct Finding {
    /// `None`: it verifies.
    pub why: Option<String>,
    pub secret_index: Option<usize>,
    pub hints: Vec<String>,
}

/// One request with one way to look at it.
#[derive(Clone)]
struct Attempt {
    source: Source,
    secrets: Vec<String>,
    delivery: Delivery,
}

impl Attempt {
    fn verify(&self, now: Timestamp) -> Result<usize, Rejection> {
        let keys: Vec<Key> = self.secrets.iter().filter_map(|secret| Key::prepare(&self.source.scheme, secret).ok()).collect();
        verify(&self.source, keys.as_slice(), &self.delivery, now).map(|verified| verified.secret_index())
    }

    /// The same without a look at the clock.
    fn verifies_ever(&self) -> bool {
        let mut timeless = self.clone();
        if let Some(timestamp) = &mut timeless.source.scheme.timestamp {
            timestamp.tolerance_seconds = u64::MAX / 1_000;
        }
        timeless.verify(Timestamp::from_unix_ms(0)).is_ok()
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }
}

pub(super) fn diagnose(source: &Source, secrets: &[String], document: &str, delivery: &Delivery, now: Timestamp) -> Finding {
    let attempt = Attempt { source: source.clone(), secrets: secrets.to_vec(), delivery: delivery.clone() };
    let rejection = match attempt.verify(now) {
        Ok(index) => return Finding { why: None, secret_index: Some(index), hints: Vec::new() },
        Err(rejection) => rejection,
    };
    let mut hints = Vec::new();
    if attempt.verifies_ever() {
        hints.push("the signature itself is right: with a captured request, say when it was fresh with --at".to_owned());
    } else {
        hints.extend(mistakes(&attempt, document).into_iter().find(|(_, changed)| changed.verifies_ever()).map(|(hint, _)| hint));
    }
    if hints.is_empty() {
        hints.push(
            "none of the usual mistakes explains it: is it the right secret, and are these the very bytes that were sent?"
                .to_owned(),
        );
    }
    Finding { why: Some(rejection.to_string()), secret_index: None, hints }
}

/// Each mistake with the request as it would be without it.
fn mistakes(attempt: &Attempt, document: &str) -> Vec<(String, Attempt)> {
    let mut all: Vec<(String, Attempt)> = Vec::new();
    let mut add = |hint: &str, changed: Attempt| all.push((hint.to_owned(), changed));

    for (hint, body) in bodies(&attempt.delivery.body) {
        add(hint, attempt.with(|a| a.delivery.body = body));
    }
    let trimmed = attempt.with(|a| a.secrets.iter_mut().for_each(|s| *s = s.trim().to_owned()));
    add("the secret has white space around it: store it without", trimmed);
    for (hint, encoding, strip) in [
        ("the secret is used as it is shown, and not decoded first", KeyEncoding::Utf8, None),
        ("the part of the secret after whsec_ is used as text, not as base64", KeyEncoding::Utf8, Some("whsec_")),
        ("the part of the secret after whsec_ is base64, which is decoded first", KeyEncoding::Base64, Some("whsec_")),
        ("the secret is hexadecimal, which is decoded first", KeyEncoding::Hex, None),
        ("the secret is base64, which is decoded first", KeyEncoding::Base64, None),
    ] {
        let key = |a: &mut Attempt| {
            a.source.scheme.key.encoding = encoding;
            a.source.scheme.key.strip_prefix = strip.map(str::to_owned);
        };
        add(&format!("{hint}: it looks like another provider's"), attempt.with(key));
    }
    for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64url] {
        let hint = format!("the signature is written as {encoding:?}, which this scheme doesn't expect");
        add(&hint, attempt.with(|a| a.source.scheme.signature.encoding = encoding));
    }
    for unit in [TimeUnit::S, TimeUnit::Ms, TimeUnit::Rfc3339] {
        let changed = attempt.with(|a| a.source.scheme.timestamp.iter_mut().for_each(|t| t.unit = unit));
        add(&format!("the timestamp is in another unit than the scheme's: {unit:?}"), changed);
    }
    for url in urls(attempt.source.public_url.as_deref().unwrap_or_default()) {
        let hint = format!("the provider signs another URL than public_url: {url}");
        add(&hint, attempt.with(|a| a.source.public_url = Some(url)));
    }
    let wanted = attempt.source.scheme.signature.from.0.iter().find_map(|place| place.header()?.parse::<HeaderName>().ok());
    if let Some(header) = wanted {
        for (name, value) in &attempt.delivery.headers {
            let renamed = attempt.with(|a| drop(a.delivery.headers.insert(header.clone(), value.clone())));
            add(&format!("the signature is in the header {name}, not in {header}: something on the way renamed it"), renamed);
        }
    }
    // A document that can't be read was told before.
    let others = receiver::secrets::parse(document).unwrap_or_default();
    for (name, secrets) in others.into_iter().filter(|(name, _)| *name != attempt.source.name) {
        add(&format!("it is signed with the secret of {name:?}"), attempt.with(|a| a.secrets = secrets.0));
    }
    all
}

/// What happens to a body on its way through frameworks, editors and shells.
fn bodies(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut bodies = vec![
        ("the body lost a line feed at its end", [body, b"\n"].concat()),
        ("the body got a line feed at its end: editors and shells add one", trim_end(body)),
        ("the body's line ends were changed from CRLF to LF", String::from_utf8_lossy(body).replace('\n', "\r\n").into_bytes()),
        ("the body's line ends were changed from LF to CRLF", String::from_utf8_lossy(body).replace("\r\n", "\n").into_bytes()),
    ];
    if let Ok(decoded) = STANDARD.decode(body.trim_ascii()) {
        bodies.push(("the body is still base64: Lambda's encoding must be undone first", decoded));
    }
    if let Ok(json) = serde_json::from_slice::<Value>(body) {
        const AGAIN: &str = "the body was parsed and written again: only the raw bytes verify";
        let compact = json.to_string();
        bodies.push((AGAIN, compact.replace('/', "\\/").into_bytes()));
        bodies.push((AGAIN, ascii(&compact).into_bytes()));
        bodies.push((AGAIN, ascii(&compact.replace('/', "\\/")).into_bytes()));
        bodies.push((AGAIN, format!("{json:#}").into_bytes()));
        bodies.push((AGAIN, spaced(&compact).into_bytes()));
        bodies.push((AGAIN, compact.into_bytes()));
    }
    bodies
}

fn trim_end(body: &[u8]) -> Vec<u8> {
    body.trim_ascii_end().to_vec()
}

/// Non-ASCII characters as `\uXXXX`, as PHP and Meta write them.
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    json.chars()
        .map(|c| {
            if c.is_ascii() { c.to_string() } else { c.encode_utf16(&mut units).iter().map(|u| format!("\\u{u:04x}")).collect() }
        })
        .collect()
}

/// A space after every colon and comma outside strings, as Python writes them.
fn spaced(json: &str) -> String {
    let (mut in_string, mut escaped, mut text) = (false, false, String::with_capacity(json.len()));
    for c in json.chars() {
        text.push(c);
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            ':' | ',' if !in_string => text.push(' '),
            _ => {}
        }
    }
    text
}

fn urls(url: &str) -> Vec<String> {
    let mut urls = vec![format!("{url}/"), url.trim_end_matches('/').to_owned()];
    urls.extend(url.strip_prefix("https://").map(|rest| format!("http://{rest}")));
    urls.retain(|other| other != url && !other.is_empty() && other != "/");
    urls
}
