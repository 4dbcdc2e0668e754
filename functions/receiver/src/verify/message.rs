//! Builds the signed message from the request's raw values.

use super::header::only;
use super::jwt::Token;
use super::parsed::ParsedSignature;
use super::{Key, Rejection, canonical};
use crate::delivery::Delivery;
use serde_json::Value;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use tidings_config::scheme::Scheme;
use tidings_config::source::{FORM, Source};
use tidings_config::{JsonPath, Part, Reference, Template};

/// The values that a scheme can refer to.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub source: &'a Source,
    /// The scheme that is being tried.
    pub scheme: &'a Scheme,
    pub delivery: &'a Delivery,
    /// The parsed body, if the scheme needs it.
    pub json: Option<&'a Value>,
    /// The indices of the current event, if events are signed one by one.
    pub indices: &'a [usize],
    /// The parsed signature. `None`: it isn't parsed yet.
    pub signature: Option<&'a ParsedSignature>,
    pub token: Option<&'a Token>,
    /// The provider's URL for this source with the query, in one of the forms that may be signed.
    pub url: Option<&'a str>,
    /// The form's fields, sorted. Computed at the first use, for all tries. `None`: it is used only once.
    pub form: Option<&'a OnceCell<Vec<u8>>>,
}

impl Values<'_> {
    /// Passes the message to `sink` piece by piece, so a body isn't copied to be hashed. `{secret}` stands for the
    /// key's bytes, and is empty without a key.
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

    /// Passes the message without the key and without these values, and with another body.
    pub(super) fn feed_but(
        &self,
        message: &Template,
        left_out: &[Reference],
        body: &[u8],
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Rejection> {
        for part in &message.0 {
            match part {
                Part::Text(text) => sink(text.as_bytes()),
                Part::Value(Reference::Body) => sink(body),
                Part::Value(reference) if *reference == Reference::Secret || left_out.contains(reference) => {}
                Part::Value(reference) => self.bytes(reference, sink)?,
            }
        }
        Ok(())
    }

    /// A filled template as bytes, with the key in place of the secret.
    pub(super) fn filled(&self, template: &Template, key: &Key) -> Result<Vec<u8>, Rejection> {
        let mut bytes = Vec::new();
        self.feed(template, Some(key), &mut |b| bytes.extend_from_slice(b))?;
        Ok(bytes)
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
            // A body of another type can't have been signed as a form.
            Reference::Form if self.delivery.content_type().is_some_and(|seen| seen != FORM) => return Err(missing()),
            Reference::Form => match self.form {
                Some(once) => sink(once.get_or_init(|| sorted_form(&self.delivery.body))),
                None => sink(&sorted_form(&self.delivery.body)),
            },
            Reference::FormField(name) => sink(form_field(&self.delivery.body, name).ok_or_else(missing)?.as_bytes()),
            Reference::Crc32 => sink(crc32fast::hash(&self.delivery.body).to_string().as_bytes()),
            Reference::Method => sink(self.delivery.method.as_bytes()),
            Reference::Url => sink(self.url.ok_or_else(missing)?.as_bytes()),
            Reference::Header(name) => sink(only(&self.delivery.headers, name)?.ok_or_else(missing)?),
            Reference::Query(name) => sink(self.delivery.query_parameter(name).ok_or_else(missing)?.as_bytes()),
            Reference::Signature(name) => sink(self.signature.and_then(|s| s.field(name)).ok_or_else(missing)?.as_bytes()),
            Reference::Json(path) => sink(self.json_text(path).ok_or_else(missing)?.as_bytes()),
            Reference::JsonOrEmpty(path) => sink(self.json_text(path).unwrap_or_default().as_bytes()),
            Reference::Jwt(claim) => sink(self.token.and_then(|token| token.claim(claim)).ok_or_else(missing)?.as_bytes()),
            Reference::Canonical(form) => canonical::feed(*form, self.json, self.url, self.signature, self.delivery, sink)?,
            // Only `feed` may use secrets. Other schemes are refused by `tidings build`.
            Reference::Secret => return Err(missing()),
        }
        Ok(())
    }

    /// A field of the body that is a text, a number or a boolean.
    fn json_text(&self, path: &JsonPath) -> Option<String> {
        crate::json::scalar(path, self.json?, self.indices)
    }
}

/// A form's field that occurs once. With two, the signed one would be ambiguous.
pub(crate) fn form_field(body: &[u8], name: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(body).filter(|(field, _)| field == name);
    let (_, value) = values.next()?;
    values.next().is_none().then(|| value.into_owned())
}

/// Name and value of every field, sorted, each value of a name once.
fn sorted_form(body: &[u8]) -> Vec<u8> {
    let fields: BTreeSet<_> = form_urlencoded::parse(body).collect();
    fields.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]).collect::<Vec<_>>().concat()
}
