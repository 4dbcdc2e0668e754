//! Computes the event key from its configured parts, once.
//!
//! Promises: a key has all of its parts or isn't used; two different lists of parts never give the same key; an
//! unsigned part is never used alone. The security rule is described in [`tidings_core::claim`].

use super::Found;
use crate::verify::without;
use std::collections::BTreeSet;
use tidings_config::event::EventSpec;
use tidings_config::scheme::Algorithm;
use tidings_config::source::Duplicates;
use tidings_config::{JsonPath, OneOrMany, Reference, Step};
use tidings_core::claim::{ClaimKey, Sha256Hex};
use tidings_core::envelope::Payload;

/// The identity of an event.
pub(super) struct Identity {
    pub(super) key: ClaimKey,
    /// The hash of the signed bytes, if the key also has a delivery id. Events that differ only in that id share it.
    pub(super) content: Option<String>,
}

impl Found<'_> {
    /// The first `id` that is signed and complete; else the signed bytes' hash with the delivery id.
    pub(super) fn identity(&self, spec: &EventSpec, indices: &[usize], part: Option<usize>, payload: &Payload) -> Identity {
        let (request, source) = (self.arrival.request, self.arrival.request.source());
        let separators = &self.arrival.separators;
        let mut signed = spec.id.0.iter().filter(|id| request.covers(id));
        if let Some(id) = signed.find_map(|id| self.fill(id, indices, |value| escaped(value, separators))) {
            return Identity { key: ClaimKey::from_signed_id(&request.sender(), &id), content: None };
        }
        let delivery = match source.duplicates {
            Duplicates::ByDelivery => self.first(&spec.delivery_id, indices),
            Duplicates::ByContent => None,
        };
        // A signed time may only be left out if another part distinguishes deliveries.
        let in_body = OneOrMany(spec.retry_fields.0.iter().filter(|field| field.json().is_some()).cloned().collect());
        let is_told_apart = delivery.is_some() || spec.delivery_id.is_empty();
        let retry_fields = if is_told_apart { &spec.retry_fields } else { &in_body };
        let element = self.element_with_id(spec, indices, payload);
        // An event with an identity of its own is the same event in every position.
        let part = part.filter(|_| element.is_none() && !request.signs_each());
        let signed = |retry_fields| element.clone().unwrap_or_else(|| self.signed(indices, retry_fields));
        let digest = signed(retry_fields);
        let key = ClaimKey::from_signed_bytes(&request.sender(), &digest, delivery.as_deref(), part);
        let key = match spec.coalesce_seconds {
            Some(seconds) => key.in_window(self.arrival.received.unix_s() / i64::try_from(seconds).unwrap_or(i64::MAX)),
            None => key,
        };
        let of_part = part.map_or_else(String::new, |part| format!("/{part}"));
        // Includes the signed time: a captured request keeps it, and a request that the provider signs again isn't a
        // repetition.
        let content = || format!("{}{of_part}", signed(&in_body));
        Identity { key, content: delivery.map(|_| content()) }
    }

    /// The hash of an event's signed bytes, without these fields.
    fn signed(&self, indices: &[usize], retry_fields: &OneOrMany<Reference>) -> Sha256Hex {
        if self.arrival.request.signs_each() {
            self.arrival.request.signed_digest(indices, retry_fields)
        } else {
            self.arrival.signed_sha256(retry_fields)
        }
    }

    /// The hash by which another body with a known key is detected. For an element, which may come again among
    /// others, it is its data's hash.
    pub(super) fn body_digest(&self, spec: &EventSpec, payload: &Payload) -> Sha256Hex {
        let (Some(each), Payload::Json(data)) = (&spec.each, payload) else {
            return self.arrival.body_digest(&spec.retry_fields);
        };
        let of_element = |steps: &[Step]| steps.strip_prefix(each.0.as_slice()).map(<[Step]>::to_vec);
        let of_copy = |steps: &[Step]| {
            let copied = spec.with.iter().find_map(|(name, path)| Some((name, steps.strip_prefix(path.0.as_slice())?)));
            copied.map(|(name, rest)| [&[Step::Key(name.clone())], rest].concat())
        };
        let retried = spec.retry_fields.0.iter().filter_map(Reference::json);
        let inside =
            retried.filter_map(|path| of_element(&path.0).or_else(|| of_copy(&path.0))).filter(|steps| !steps.is_empty());
        let inside = inside.map(|steps| Reference::Json(JsonPath(steps)));
        Sha256Hex::of(&without(data.get().as_bytes(), &OneOrMany(inside.collect())))
    }

    /// The hash of an element's data, if that alone identifies the event: a token signs nothing, and an element with
    /// an id may come again among other elements.
    fn element_with_id(&self, spec: &EventSpec, indices: &[usize], payload: &Payload) -> Option<Sha256Hex> {
        let signs_nothing = self.arrival.request.source().scheme.algorithm == Algorithm::Token;
        spec.each.as_ref().filter(|_| signs_nothing)?;
        self.first(&spec.id, indices)?;
        match payload {
            Payload::Json(data) => Some(Sha256Hex::of(data.get().as_bytes())),
            Payload::Binary { .. } => None,
        }
    }
}

/// Escapes these signs in a value: `a:b` beside `c` must differ from `a` beside `b:c`. Without signs the value is unchanged.
fn escaped(value: String, separators: &BTreeSet<char>) -> String {
    let is_sign = |c: char| separators.contains(&c) || c == '%';
    if separators.is_empty() || !value.contains(is_sign) {
        return value;
    }
    let mut text = String::with_capacity(value.len() + 8);
    for character in value.chars() {
        if is_sign(character) {
            let mut bytes = [0; 4];
            character.encode_utf8(&mut bytes).bytes().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_never_run_into_each_other(a in "[a:%-]{0,6}", b in "[a:%-]{0,6}", c in "[a:%-]{0,6}", d in "[a:%-]{0,6}") {
            let separators = BTreeSet::from([':']);
            let key = |a: &str, b: &str| format!("{}:{}", escaped(a.to_owned(), &separators), escaped(b.to_owned(), &separators));
            prop_assert_eq!(key(&a, &b) == key(&c, &d), (a, b) == (c, d));
        }
    }

    #[test]
    fn an_id_of_one_value_is_unchanged() {
        assert_eq!(escaped("a:b%".to_owned(), &BTreeSet::new()), "a:b%");
        assert_eq!(escaped("10:00 a%b".to_owned(), &BTreeSet::from([':'])), "10%3A00 a%25b");
    }
}
