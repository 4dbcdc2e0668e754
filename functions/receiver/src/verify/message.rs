//! What is signed: the scheme's message, made of the request's raw values.

use super::signature::ParsedSignature;
use super::{Key, Rejection};
use crate::delivery::Delivery;
use http::HeaderMap;
use std::collections::BTreeSet;
use tidings_core::config::source::Source;
use tidings_core::config::{Part, Reference, Template};

/// The values that a scheme can refer to.
pub(super) struct Values<'a> {
    pub source: &'a Source,
    pub delivery: &'a Delivery,
    pub signature: &'a ParsedSignature,
}

impl Values<'_> {
    /// Gives the message to `sink`, piece by piece: a body isn't copied to be hashed. `{secret}` is the key's bytes, and
    /// nothing where there is no key.
    pub(super) fn feed(&self, message: &Template, key: Option<&Key>, sink: &mut dyn FnMut(&[u8])) -> Result<(), Rejection> {
        for part in &message.0 {
            match part {
                Part::Text(text) => sink(text.as_bytes()),
                Part::Value(Reference::Secret) => sink(key.map_or(&[], Key::bytes)),
                Part::Value(reference) => self.bytes(reference, sink)?,
            }
        }
        Ok(())
    }

    /// A value as text.
    pub(super) fn text(&self, reference: &Reference) -> Result<String, Rejection> {
        let mut bytes = Vec::new();
        self.bytes(reference, &mut |b| bytes.extend_from_slice(b))?;
        String::from_utf8(bytes).map_err(|_| Rejection::MissingValue(reference.clone()))
    }

    fn bytes(&self, reference: &Reference, sink: &mut dyn FnMut(&[u8])) -> Result<(), Rejection> {
        let missing = || Rejection::MissingValue(reference.clone());
        match reference {
            Reference::Body => sink(&self.delivery.body),
            Reference::Form => sorted_form(&self.delivery.body, sink),
            Reference::Method => sink(self.delivery.method.as_bytes()),
            Reference::Url => {
                sink(self.source.public_url.as_ref().ok_or_else(missing)?.as_bytes());
                if !self.delivery.query.is_empty() {
                    sink(b"?");
                    sink(self.delivery.query.as_bytes());
                }
            }
            Reference::Header(name) => sink(only(&self.delivery.headers, name)?.ok_or_else(missing)?),
            Reference::Query(name) => sink(self.delivery.query_parameter(name).ok_or_else(missing)?.as_bytes()),
            Reference::Signature(name) => sink(self.signature.field(name).ok_or_else(missing)?.as_bytes()),
            // Raw bytes are what is signed, and secrets are for `feed` alone: other schemes don't get through the build.
            Reference::Json(_) | Reference::Secret => return Err(missing()),
        }
        Ok(())
    }
}

/// Name and value of every field, in order, each value of a name once.
fn sorted_form(body: &[u8], sink: &mut dyn FnMut(&[u8])) {
    let fields: BTreeSet<_> = form_urlencoded::parse(body).collect();
    for (name, value) in fields {
        sink(name.as_bytes());
        sink(value.as_bytes());
    }
}

/// A header that is there once. Twice would leave it open which one was signed.
pub(super) fn only<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h [u8]>, Rejection> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Rejection::RepeatedHeader(name.to_owned())),
        (first, None) => Ok(first.map(http::HeaderValue::as_bytes)),
    }
}
