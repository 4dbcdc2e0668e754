//! Is this request from who it says? Pure: (source, keys, request, now) → [`VerifiedRequest`] or [`Rejection`].
//!
//! Promises: raw bytes only; constant-time comparison; timestamps checked both ways and before anything is hashed; every
//! secret is tried. Only this module can make a `VerifiedRequest`, and only that can be claimed and queued.

mod key;
mod mac;
mod message;
mod proof;
mod sign;
mod signature;
mod timestamp;

pub use key::{Key, KeyError};
pub use sign::{SignError, sign};
pub(crate) use timestamp::parse as parse_time;

use crate::delivery::Delivery;
use http::HeaderMap;
use message::Values;
use signature::ParsedSignature;
use tidings_core::claim::Sha256Hex;
use tidings_core::config::scheme::{Algorithm, Encoding};
use tidings_core::config::source::Source;
use tidings_core::config::{Reference, Template};
use tidings_core::time::Timestamp;

/// Why a request isn't authentic: one variant per way to fail. For our log only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("header {0} is missing")]
    MissingHeader(String),
    #[error("header {0} is there more than once")]
    RepeatedHeader(String),
    #[error("header {0} is too long")]
    LongHeader(String),
    #[error("the signature isn't written as this provider writes it")]
    MalformedSignature,
    #[error("more signatures in one header than are tried")]
    TooManySignatures,
    #[error("{0}, which is part of what is signed, is missing")]
    MissingValue(Reference),
    #[error("the timestamp is no time")]
    MalformedTimestamp,
    #[error("signed {age_seconds} s ago, allowed: {tolerance_seconds} s")]
    TooOld { age_seconds: u64, tolerance_seconds: u64 },
    #[error("signed {ahead_seconds} s ahead of our clock, allowed: {tolerance_seconds} s")]
    TooFarAhead { ahead_seconds: u64, tolerance_seconds: u64 },
    /// The only reason that other secrets could mend.
    #[error("the signature doesn't match any secret")]
    Mismatch,
}

/// A request that its provider signed, with a secret that we hold.
#[derive(Debug)]
pub struct VerifiedRequest<'a> {
    source: &'a Source,
    delivery: &'a Delivery,
    signature: ParsedSignature,
    secret_index: usize,
}

/// Verifies a request.
pub fn verify<'a>(
    source: &'a Source,
    keys: &[Key],
    delivery: &'a Delivery,
    now: Timestamp,
) -> Result<VerifiedRequest<'a>, Rejection> {
    let scheme = &source.scheme;
    let signature = ParsedSignature::read(&scheme.signature, &delivery.headers)?;
    let values = Values { source, delivery, signature: &signature };
    // A time inside the body is looked at last: nothing of a body is parsed before it is known to be the provider's.
    let (early, late) = match &scheme.timestamp {
        Some(spec) if spec.from.json().is_some() => (None, Some(spec)),
        spec => (spec.as_ref(), None),
    };
    if let Some(spec) = early {
        timestamp::check(spec, values.text(&spec.from)?, now)?;
    }
    let mut matching = None;
    for (index, key) in keys.iter().enumerate() {
        if proof::matches(scheme, key, &values)? {
            matching = matching.or(Some(index));
        }
    }
    let secret_index = matching.ok_or(Rejection::Mismatch)?;
    if let Some(place) = &scheme.body_sha256
        && !proof::is_sha256_of(&delivery.body, &values.text(place)?)
    {
        return Err(Rejection::Mismatch);
    }
    if let Some(spec) = late {
        timestamp::check(spec, timestamp::in_body(spec, &delivery.body)?, now)?;
    }
    Ok(VerifiedRequest { source, delivery, signature, secret_index })
}

/// Whether a token is the one that was agreed on, in constant time.
pub fn same_token(agreed: &str, seen: &[u8]) -> bool {
    mac::token_equals_any(agreed.as_bytes(), &[seen.to_vec()])
}

/// HMAC-SHA256 of a value that a handshake asks for.
pub fn mac_of(key: &Key, value: &[u8], encoding: Encoding) -> String {
    let made = mac::Mac::new(Algorithm::HmacSha256, key).map(|mut mac| {
        mac.update(value);
        mac.finish()
    });
    signature::encode(encoding, &made.unwrap_or_default())
}

impl<'a> VerifiedRequest<'a> {
    pub fn source(&self) -> &'a Source {
        self.source
    }

    pub fn body(&self) -> &'a [u8] {
        &self.delivery.body
    }

    pub fn headers(&self) -> &'a HeaderMap {
        &self.delivery.headers
    }

    pub fn query(&self) -> &'a str {
        &self.delivery.query
    }

    /// Whether the body is a form.
    pub fn is_form(&self) -> bool {
        self.delivery.is_form()
    }

    /// Which of the source's secrets it was, 0 being the newest.
    pub fn secret_index(&self) -> usize {
        self.secret_index
    }

    /// Whether the signature covers all values of the template.
    pub fn covers(&self, template: &Template) -> bool {
        self.source.scheme.covers_all(template)
    }

    /// A value outside the JSON body, as text. `None` where it isn't there or isn't text.
    pub fn value(&self, reference: &Reference) -> Option<String> {
        let values = Values { source: self.source, delivery: self.delivery, signature: &self.signature };
        values.text(reference).ok()
    }

    /// The SHA-256 of what was signed: the event key of events whose id isn't covered. A token signs nothing; there it is
    /// the body's. A secret that is hashed with the message is no part of it.
    pub fn signed_digest(&self) -> Sha256Hex {
        let Some(message) = &self.source.scheme.message else {
            return Sha256Hex::of(&self.delivery.body);
        };
        let values = Values { source: self.source, delivery: self.delivery, signature: &self.signature };
        let mut signed = Vec::with_capacity(self.delivery.body.len() + 64);
        let fed = values.feed(message, None, &mut |bytes| signed.extend_from_slice(bytes));
        debug_assert!(fed.is_ok(), "every value was there when it was verified");
        Sha256Hex::of(&signed)
    }
}
