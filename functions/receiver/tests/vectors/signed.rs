//! Requests that are signed here, by every preset that can be: with any body, key and age.

use crate::changes::{Edit, any_edit, letter};
use crate::requests::{NOW, post, source_of};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::sample::Index;
use receiver::delivery::Delivery;
use receiver::verify::{Key, Rejection, sign, verify};
use tidings_config::limits::MAX_SIGNED_AHEAD;
use tidings_config::provider::Provider;
use tidings_config::scheme::{KeyEncoding, Written};
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_config::{Reference, Template};
use tidings_project::presets;

/// A signed request of any preset, and how it was made.
#[derive(Clone, Debug)]
struct Signed {
    source: Source,
    key: Vec<u8>,
    delivery: Delivery,
}

impl Signed {
    /// The secret as the provider would show it, for these key bytes.
    fn secret(&self, key: &[u8]) -> Key {
        let secret = match self.source.scheme.key.encoding {
            KeyEncoding::Utf8 => String::from_utf8(key.to_vec()).unwrap(),
            KeyEncoding::Hex => key.iter().map(|b| format!("{b:02x}")).collect(),
            KeyEncoding::Base64 => STANDARD.encode(key),
            KeyEncoding::Sha1 | KeyEncoding::Jwk => unreachable!("no preset that can be signed here has it"),
        };
        let prefix = self.source.scheme.key.strip_prefix.as_deref().unwrap_or_default();
        Key::prepare(&self.source.scheme, &format!("{prefix}{secret}")).unwrap()
    }

    fn verify(&self, key: &[u8]) -> Result<usize, Rejection> {
        verify(&self.source, &[self.secret(key)], &self.delivery, NOW).map(|v| v.secret_index())
    }

    /// The values beside the body that the scheme's message holds.
    fn bound(&self) -> Vec<Reference> {
        let references = self.source.scheme.message.iter().flat_map(Template::references);
        references.filter(|r| matches!(r, Reference::Header(_) | Reference::Signature(_))).cloned().collect()
    }

    /// Changes a bound value where the request has it.
    fn edit(&mut self, reference: &Reference, edit: &Edit) {
        let place = self.source.scheme.signature.from.0[0].header().expect("these are signed in a header").to_owned();
        let (header, field) = if let Reference::Signature(field) = reference {
            (place, Some(field.clone()))
        } else {
            (reference.header().expect("only headers and fields are bound here").to_owned(), None)
        };
        let text = self.delivery.headers[&header].to_str().unwrap().to_owned();
        let (from, to) = match (&field, &self.source.scheme.signature.written) {
            (Some(field), Written::Fields { separator, .. }) => {
                let from = text.find(&format!("{field}=")).expect("signing wrote it") + field.len() + 1;
                (from, text[from..].find(separator).map_or(text.len(), |n| from + n))
            }
            (Some(_), Written::Positional { separator, .. }) => (0, text.find(separator).expect("signing wrote it")),
            (_, _) => (0, text.len()),
        };
        let mut value = text.as_bytes()[from..to].to_vec();
        edit.apply(&mut value);
        let text = format!("{}{}{}", &text[..from], String::from_utf8(value).unwrap(), &text[to..]);
        let name: HeaderName = header.parse().unwrap();
        self.delivery.headers.insert(name, HeaderValue::from_str(&text).unwrap());
    }
}

/// The presets whose requests can be made here of any bytes: those with a MAC or a digest in a header over the whole body.
/// The others' vectors are changed in [`changes`](crate::changes) alone.
fn signable() -> Vec<Provider> {
    let mac = |p: &Provider| p.scheme.algorithm.digest().is_some();
    let outside = |p: &Provider| p.scheme.timestamp.as_ref().is_none_or(|t| t.from.json().is_none());
    let raw = |p: &Provider| p.scheme.message.as_ref().is_some_and(|m| m.references().any(|r| *r == Reference::Body));
    let header = |p: &Provider| p.scheme.signature.from.0[0].header().is_some();
    presets().into_iter().filter(|p| mac(p) && outside(p) && raw(p) && header(p)).collect()
}

#[test]
fn most_presets_can_be_signed_here() {
    assert!(signable().len() >= 55, "{}", signable().len());
}

prop_compose! {
    fn any_signed()(preset in any::<Index>(), body in proptest::collection::vec(any::<u8>(), 0..120),
                    key in "k9[!-~]{1,78}", id in "[!-~]{1,40}", age_percent in -100..=100_i64) -> Signed {
        let providers = signable();
        let source = source_of(&providers[preset.index(providers.len())]);
        // Of bytes that are no text such a digest proves nothing: `security/extension.rs`.
        let body = if source.scheme.begins_with_secret() { String::from_utf8_lossy(&body).into_owned().into_bytes() } else { body };
        let mut signed = Signed { source, key: key.into_bytes(), delivery: post(HeaderMap::new(), body) };
        for reference in signed.bound() {
            if let Reference::Header(name) = reference {
                signed.delivery.headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(&id).unwrap());
            }
        }
        let key = signed.secret(&signed.key);
        // As old, or as far ahead, as the scheme allows.
        let tolerance = signed.source.scheme.timestamp.as_ref().map_or(300, |t| t.tolerance_seconds) as i64;
        let most = if age_percent < 0 { tolerance.min(MAX_SIGNED_AHEAD.as_secs() as i64) } else { tolerance };
        let at = Timestamp::from_unix_ms(NOW.unix_ms() - most * age_percent / 100 * 1_000);
        sign(&signed.source, &key, &mut signed.delivery, at).unwrap();
        signed
    }
}

proptest! {
    #[test]
    fn a_signed_request_verifies(signed in any_signed()) {
        prop_assert_eq!(signed.verify(&signed.key), Ok(0));
    }

    #[test]
    fn a_body_that_differs_in_a_byte_is_refused(signed in any_signed(), edit in any_edit(any::<u8>())) {
        let mut signed = signed;
        edit.apply(signed.delivery.body.edit());
        prop_assert_eq!(signed.verify(&signed.key), Err(Rejection::Mismatch));
    }

    #[test]
    fn a_signed_header_or_field_that_differs_in_a_byte_is_refused(
        signed in any_signed(), which in any::<Index>(), edit in any_edit(letter()),
    ) {
        let mut signed = signed;
        let bound = signed.bound();
        prop_assume!(!bound.is_empty());
        signed.edit(&bound[which.index(bound.len())], &edit);
        prop_assert!(signed.verify(&signed.key).is_err());
    }

    #[test]
    fn a_secret_that_differs_in_a_byte_is_refused(signed in any_signed(), edit in any_edit(letter())) {
        let mut key = signed.key.clone();
        edit.apply(&mut key);
        prop_assume!(key.starts_with(b"k9"), "no placeholder");
        prop_assert_eq!(signed.verify(&key), Err(Rejection::Mismatch));
    }

    #[test]
    fn a_time_outside_the_tolerance_is_refused_however_well_it_is_signed(
        signed in any_signed(), beyond_seconds in 1..100_000_i64, ahead in any::<bool>(),
    ) {
        let mut signed = signed;
        let Some(timestamp) = &signed.source.scheme.timestamp else { return Ok(()) };
        let most = if ahead { timestamp.tolerance_seconds.min(MAX_SIGNED_AHEAD.as_secs()) } else { timestamp.tolerance_seconds };
        let distance = most as i64 + beyond_seconds;
        let offset = if ahead { distance } else { -distance };
        let key = signed.secret(&signed.key);
        sign(&signed.source, &key, &mut signed.delivery, Timestamp::from_unix_ms(NOW.unix_ms() + offset * 1_000)).unwrap();
        let refused = signed.verify(&signed.key).unwrap_err();
        if ahead {
            prop_assert!(matches!(refused, Rejection::TooFarAhead { .. }), "{}", refused);
        } else {
            prop_assert!(matches!(refused, Rejection::TooOld { .. }), "{}", refused);
        }
    }

    #[test]
    fn unsigned_headers_do_not_matter(
        signed in any_signed(), name in "x-[a-z]{1,12}", value in "[ -~]{0,40}",
    ) {
        let mut signed = signed;
        let scheme = &signed.source.scheme;
        prop_assume!(!scheme.covers(&Reference::Header(name.clone())) && !scheme.signature.from.0.contains(&Reference::Header(name.clone())));
        signed.delivery.headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(&value).unwrap());
        prop_assert_eq!(signed.verify(&signed.key), Ok(0));
    }
}
