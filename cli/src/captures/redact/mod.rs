//! A delivery without what is secret or personal in it.
//!
//! Promises: no header and no query parameter but those that events or signing are made of; no secret of the source; what a
//! field's name or a value's own form gives away has a pseudonym of the same shape, the same value the same one; fields, lists
//! and types stay, and an event's type, time and sequence. Never promised: what neither gives away (docs/captures.md).

mod body;
mod class;
mod fields;
mod laid_out;
mod patterns;
mod places;
mod pseudonyms;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod tests;
mod walk;

use crate::Failure;
use body::Body;
use fields::Within;
use places::{At, Places};
use pseudonyms::{Pseudonyms, each_word};
use receiver::delivery::Delivery;
use std::collections::HashSet;
use tidings_config::source::Source;
use tidings_config::{Canonical, Reference, Template};
use tidings_events::{RequestError, Sample};
use walk::Pass;

/// Words that names and logins are made of too, and that elsewhere mean what they mean.
const COMMON: &[&str] = &[
    "account", "admin", "api", "app", "bot", "card", "client", "com", "customer", "data", "dev", "email", "event", "events",
    "false", "guest", "http", "https", "info", "invoice", "issue", "message", "net", "new", "none", "null", "object", "order",
    "org", "paid", "payment", "prod", "product", "push", "repo", "sales", "service", "shop", "status", "store", "support",
    "system", "team", "test", "the", "true", "type", "user", "users", "web", "www",
];

/// Fewer digits, or fewer letters, are replaced where their field says whose they are, and nowhere else.
const MIN_LEARNED_DIGITS: usize = 5;
const MIN_LEARNED_LETTERS: usize = 3;

/// The list of signed headers that Contentful's scheme reads.
const CONTENTFUL_LIST: &str = "x-contentful-signed-headers";

/// What is kept for a folder: who has which pseudonym, and which words are whose.
#[derive(Debug)]
pub(crate) struct Redactor {
    pseudonyms: Pseudonyms,
    /// Words of persons, in lower case, and digits of telephones: replaced wherever they stand.
    learned: HashSet<String>,
    secrets: Vec<String>,
    /// Further names of fields whose values are replaced.
    masked: HashSet<String>,
}

/// Why a delivery can't be redacted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("its body is XML, which can't be redacted here")]
    Xml,
    #[error("its body is neither JSON nor a form: nobody can say what is in it")]
    Binary,
    #[error("its body isn't what its content type says")]
    Unreadable,
    #[error("its body is a token that only its provider can make")]
    Token,
    #[error("what is left of its headers is none: {0}")]
    Header(#[from] RequestError),
}

impl Redactor {
    /// `secrets` are taken out wherever they stand, and so are the values of fields whose names are `masked`.
    pub(crate) fn new(secrets: Vec<String>, masked: &[String]) -> Result<Self, Failure> {
        let masked = masked.iter().map(|name| fields::words(name).concat()).collect();
        let mut secrets: Vec<String> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Ok(Self { pseudonyms: Pseudonyms::new()?, learned: HashSet::new(), secrets, masked })
    }

    /// The request that is left, without its signature.
    pub(crate) fn redact(&mut self, delivery: &Delivery, source: &Source) -> Result<Sample, Unfit> {
        let content_type = delivery.content_type().unwrap_or_default();
        let mut body = Body::read(&delivery.body, source, &content_type)?;
        let places = Places::of(source, body.document());
        self.pass(Pass::Learn, &mut body, &places);
        self.pass(Pass::Replace, &mut body, &places);
        let mut sample = Sample::of_body(source, body.write());
        sample.set_header("content-type", &content_type)?;
        for name in headers(source, delivery) {
            let Some(value) = delivery.headers.get(&name).and_then(|value| value.to_str().ok()) else { continue };
            let value = if places.is_fixed_header(&name) { value.to_owned() } else { self.named(&name, value) };
            sample.set_header(&name, &value)?;
        }
        let wanted = queries(source);
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(delivery.query.as_bytes()).filter(|(name, _)| wanted.contains(&**name)) {
            query.append_pair(&name, &self.named(&name, &value));
        }
        sample.query = query.finish();
        sample.remove_signature(source);
        Ok(sample)
    }

    /// Of the source's own, where something had to stay as it was.
    pub(crate) fn leaves_a_secret(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| text.contains(secret.as_str()))
    }

    fn pass(&mut self, pass: Pass, body: &mut Body, places: &Places) {
        let (root, within) = (At::root(places), Within::default());
        match body {
            Body::Json(value) => self.value(value, &[], within, pass, &root),
            Body::Form { pairs, event, document } => {
                for (n, (name, value)) in pairs.iter_mut().enumerate() {
                    if *event == Some(n) {
                        self.value(document, &[], within, pass, &root);
                        continue;
                    }
                    let at = if event.is_some() { At::elsewhere(0) } else { root.below(name) };
                    if at.is_fixed() {
                        continue;
                    }
                    let new = self.text(value, &fields::words(name), within, pass, &at);
                    if pass == Pass::Replace {
                        *value = new;
                        if !at.is_named() && *event != Some(n) {
                            *name = self.plain(name);
                        }
                    }
                }
            }
        }
    }

    /// Of a header or a parameter.
    fn named(&mut self, name: &str, value: &str) -> String {
        self.text(value, &fields::words(name), Within::default(), Pass::Replace, &At::elsewhere(0))
    }

    fn learn(&mut self, word: &str) {
        let word: String = word.chars().map(pseudonyms::lower).collect();
        let least = if word.bytes().all(|b| b.is_ascii_digit()) { MIN_LEARNED_DIGITS } else { MIN_LEARNED_LETTERS };
        if word.chars().count() >= least && !COMMON.contains(&word.as_str()) {
            self.learned.insert(word);
        }
    }

    /// A text without the secrets, without what gives itself away, and without what was learned elsewhere.
    fn plain(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter().filter(|secret| text.contains(secret.as_str())).cloned().collect::<Vec<_>>() {
            text = text.replace(&secret, &self.pseudonyms.opaque(&secret));
        }
        let learned = &self.learned;
        patterns::rewrite(&text, &mut self.pseudonyms, |between, pseudonyms| {
            each_word(between, |word| {
                let folded: String = word.chars().map(pseudonyms::lower).collect();
                learned.contains(&folded).then(|| pseudonyms.word(word))
            })
        })
    }
}

/// What events and signing are made of.
fn references(source: &Source) -> impl Iterator<Item = &Reference> {
    let scheme = &source.scheme;
    let signed = scheme.message.iter().flat_map(Template::references).chain(scheme.expect.keys());
    signed.chain(source.events.iter().flat_map(|event| event.references()))
}

/// The headers among them, in an order that is always the same.
fn headers(source: &Source, delivery: &Delivery) -> Vec<String> {
    let mut names: Vec<String> = references(source).filter_map(|reference| reference.header().map(str::to_owned)).collect();
    if references(source).any(|reference| *reference == Reference::Canonical(Canonical::Contentful)) {
        let listed = delivery.headers.get(CONTENTFUL_LIST).and_then(|list| list.to_str().ok()).unwrap_or_default();
        names.extend(listed.split(',').map(|name| name.trim().to_ascii_lowercase()));
        names.push(CONTENTFUL_LIST.to_owned());
    }
    names.sort();
    names.dedup();
    names
}

fn queries(source: &Source) -> HashSet<String> {
    let query = |reference: &Reference| if let Reference::Query(name) = reference { Some(name.clone()) } else { None };
    references(source).filter_map(query).collect()
}
