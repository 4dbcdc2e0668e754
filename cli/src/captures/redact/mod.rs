//! Removes secrets and personal data from a delivery: every value gets a pseudonym, unless it is known to be neither.
//!
//! Promises: of headers and query parameters, only those used for events or signing are kept. Every value of the body,
//! the headers and the query gets a pseudonym of its shape; equal values get equal pseudonyms. These are kept: types,
//! times, sequences and versions of events; truth values and `null`; words of the project's rules and schemas, and
//! closed words that the provider has published at that place ([`Vocabulary`]); names of fields that look like names of
//! fields; values named by `--keep`. `--mask` takes precedence.

mod body;
mod class;
mod forms;
#[cfg(test)]
mod kept;
mod laid_out;
mod numbers;
mod percent;
mod places;
mod pseudonyms;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod tests;
mod vocabulary;
mod walk;

pub(crate) use vocabulary::Vocabulary;

use crate::Failure;
use body::Body;
use places::{At, Places};
use pseudonyms::Pseudonyms;
use receiver::delivery::Delivery;
use std::collections::HashSet;
use tidings_config::source::Source;
use tidings_config::text::fields::words;
use tidings_config::{CONTENT_DIGEST, Canonical, Component, Reference, Template};
use tidings_events::{RequestError, Sample};
use walk::FieldOption;

/// The header that lists the signed headers in Contentful's scheme.
const CONTENTFUL_LIST: &str = "x-contentful-signed-headers";

/// The state for one folder: the pseudonym of each value, and the values to keep.
#[derive(Debug)]
pub(crate) struct Redactor {
    pseudonyms: Pseudonyms,
    vocabulary: Vocabulary,
    /// An empty vocabulary, for masked fields.
    nothing: Vocabulary,
    secrets: Vec<String>,
    /// Names of fields whose values are always replaced, as [`words`] joined together.
    masked: HashSet<String>,
    /// Names of fields whose values are kept.
    kept: HashSet<String>,
}

/// Why a delivery can't be redacted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RedactError {
    #[error("its body is XML, which can't be redacted here")]
    Xml,
    #[error("its body is neither JSON nor a form, so its values can't be found")]
    Binary,
    #[error("its body doesn't match its content type")]
    Unreadable,
    #[error("its body is a token that only the provider can sign")]
    Token,
    #[error("a header is invalid after redaction: {0}")]
    Header(#[from] RequestError),
}

impl Redactor {
    /// For deliveries in which none of `secrets` may remain. Fields named in `kept` keep their values, unless they are
    /// in `masked`.
    pub(crate) fn new(vocabulary: Vocabulary, secrets: Vec<String>, masked: &[String], kept: &[String]) -> Result<Self, Failure> {
        let names = |list: &[String]| list.iter().map(|name| words(name).concat()).collect();
        Ok(Self {
            pseudonyms: Pseudonyms::new(vocabulary.reserved(), vocabulary.bounds())?,
            vocabulary,
            nothing: Vocabulary::default(),
            secrets: secrets.into_iter().filter(|secret| !secret.is_empty()).collect(),
            masked: names(masked),
            kept: names(kept),
        })
    }

    /// The redacted request, without its signature.
    pub(crate) fn redact(&mut self, delivery: &Delivery, source: &Source) -> Result<Sample, RedactError> {
        let content_type = delivery.content_type().unwrap_or_default();
        let mut body = Body::read(&delivery.body, source, &content_type)?;
        let places = Places::of(source, body.document());
        places.ids(body.document()).for_each(|id| self.vocabulary.learn_id(id));
        self.body(&mut body, &places);
        let mut sample = Sample::of_body(source, body.write());
        sample.set_header("content-type", &content_type)?;
        for name in headers(source, delivery).into_iter().filter(|name| name != "content-type") {
            let Some(value) = delivery.headers.get(&name).and_then(|value| value.to_str().ok()) else { continue };
            let value = if places.is_fixed_header(&name) || name == CONTENTFUL_LIST {
                value.to_owned()
            } else {
                self.named(&name, value)
            };
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

    /// Whether the text contains one of the source's secrets, in a part that had to be kept.
    pub(crate) fn leaves_a_secret(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| text.contains(secret.as_str()))
    }

    fn body(&mut self, body: &mut Body, places: &Places) {
        let root = At::root(places);
        match body {
            Body::Json(value) => self.value(value, FieldOption::Nothing, &root),
            Body::Form { pairs, event, document } => {
                for (n, (name, value)) in pairs.iter_mut().enumerate() {
                    if *event == Some(n) {
                        self.value(document, FieldOption::Nothing, &root);
                        continue;
                    }
                    let at = if event.is_some() { At::elsewhere(0) } else { root.below(name) };
                    if !at.is_fixed() {
                        *value = self.text(value, self.told(name, FieldOption::Nothing), &at);
                    }
                    *name = self.name(std::mem::take(name), FieldOption::Nothing, &at);
                }
            }
        }
    }

    /// The pseudonym of a header's or a parameter's value.
    fn named(&mut self, name: &str, value: &str) -> String {
        self.text(value, self.told(name, FieldOption::Nothing), &At::elsewhere(0))
    }
}

/// The references for events and signing.
fn references(source: &Source) -> impl Iterator<Item = &Reference> {
    let scheme = &source.scheme;
    let signed = scheme.message.iter().flat_map(Template::references).chain(scheme.expect.keys());
    signed.chain(source.events.iter().flat_map(|event| event.references()))
}

/// The headers that they refer to, in a fixed order.
fn headers(source: &Source, delivery: &Delivery) -> Vec<String> {
    let mut names: Vec<String> = references(source).filter_map(|reference| reference.header().map(str::to_owned)).collect();
    if references(source).any(|reference| *reference == Reference::Canonical(Canonical::Contentful)) {
        let listed = delivery.headers.get(CONTENTFUL_LIST).and_then(|list| list.to_str().ok()).unwrap_or_default();
        names.extend(listed.split(',').map(|name| name.trim().to_ascii_lowercase()));
        names.push(CONTENTFUL_LIST.to_owned());
    }
    let covered = source.scheme.http_message.iter().flat_map(|signed| &signed.components);
    names.extend(covered.filter_map(|component| match component {
        Component::Field(name) if name != CONTENT_DIGEST => Some(name.clone()),
        Component::Field(_)
        | Component::Method
        | Component::TargetUri
        | Component::Authority
        | Component::Scheme
        | Component::RequestTarget
        | Component::Path
        | Component::Query => None,
    }));
    names.sort();
    names.dedup();
    names
}

fn queries(source: &Source) -> HashSet<String> {
    let query = |reference: &Reference| if let Reference::Query(name) = reference { Some(name.clone()) } else { None };
    references(source).filter_map(query).collect()
}
