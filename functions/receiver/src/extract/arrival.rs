//! Data that all events of a request share, and the parts that can't be read as an event.

use super::event::VerifiedEvent;
use crate::reply::Reply;
use crate::verify::VerifiedRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use tidings_config::limits::MAX_MESSAGE_BYTES;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_config::{OneOrMany, Reference};
use tidings_core::claim::{ClaimKey, Sha256Hex};
use tidings_core::envelope::{Envelope, NewUnreadable};
use tidings_core::unreadable::{Packed, Unreadable};

/// A verified request and its receipt.
pub(super) struct Arrival<'a> {
    pub(super) request: &'a VerifiedRequest<'a>,
    pub(super) received: Timestamp,
    pub(super) traceparent: Option<String>,
    body_sha256: OnceCell<Sha256Hex>,
    /// The signs that separate the values of its source's ids.
    pub(super) separators: BTreeSet<char>,
    signed: Digests,
    bodies: Digests,
}

/// Hashes by the fields that are left out. Each is computed once, when an event first needs it.
type Digests = RefCell<BTreeMap<Vec<Reference>, Sha256Hex>>;

fn once(digests: &Digests, left_out: &OneOrMany<Reference>, make: impl FnOnce() -> Sha256Hex) -> Sha256Hex {
    digests.borrow_mut().entry(left_out.0.clone()).or_insert_with(make).clone()
}

impl<'a> Arrival<'a> {
    pub(super) fn of(request: &'a VerifiedRequest<'a>, received: Timestamp) -> Self {
        Self {
            request,
            received,
            traceparent: traceparent(request),
            body_sha256: OnceCell::new(),
            separators: separators(request.source()),
            signed: Digests::default(),
            bodies: Digests::default(),
        }
    }

    /// The hash of the body as sent, computed when it is first needed.
    fn body_sha256(&self) -> Sha256Hex {
        self.body_sha256.get_or_init(|| Sha256Hex::of(self.request.body())).clone()
    }

    /// The hash of the signed bytes, without these fields.
    pub(super) fn signed_sha256(&self, retry_fields: &OneOrMany<Reference>) -> Sha256Hex {
        once(&self.signed, retry_fields, || self.request.signed_digest(&[], retry_fields))
    }

    /// The hash of the body, without these fields.
    pub(super) fn body_digest(&self, retry_fields: &OneOrMany<Reference>) -> Sha256Hex {
        if retry_fields.is_empty() {
            return self.body_sha256();
        }
        once(&self.bodies, retry_fields, || self.request.body_digest(retry_fields))
    }

    /// The claim key of an unreadable delivery. `part`: its number beside readable events.
    pub(super) fn key_of_whole(&self, part: Option<usize>) -> ClaimKey {
        let sender = self.request.sender();
        // If each event is signed individually, the delivery as a whole isn't signed.
        let whole = OneOrMany::default();
        let digest = if self.request.signs_each() { self.body_sha256() } else { self.signed_sha256(&whole) };
        ClaimKey::unreadable(&sender, &digest, part)
    }

    /// The claim key of an unreadable element.
    pub(super) fn key_of_element(&self, indices: &[usize], part: Option<usize>) -> ClaimKey {
        if self.request.signs_each() {
            let digest = self.request.signed_digest(indices, &OneOrMany::default());
            return ClaimKey::unreadable(&self.request.sender(), &digest, None);
        }
        self.key_of_whole(part)
    }

    /// Bytes that aren't an event, with the reason. They are compressed if they have no room otherwise.
    pub(super) fn unreadable(
        &self,
        bytes: &[u8],
        content_type: String,
        unreadable: Unreadable,
        claim_key: ClaimKey,
    ) -> Result<VerifiedEvent, Reply> {
        let envelope = |base64: String, packed: Option<Packed>| {
            Envelope::of_unreadable(NewUnreadable {
                source: self.request.source().name.clone(),
                received: self.received,
                claim_key: claim_key.clone(),
                traceparent: self.traceparent.clone(),
                content_type: content_type.clone(),
                base64,
                packed,
                unreadable: unreadable.clone(),
            })
            .of_tenant(self.request.tenant())
        };
        let plain = VerifiedEvent::new(envelope(STANDARD.encode(bytes), None), self.body_sha256());
        if plain.message.len() <= MAX_MESSAGE_BYTES {
            return Ok(plain);
        }
        let packed = envelope(STANDARD.encode(gzip(bytes)), Some(Packed::Gzip));
        let packed = VerifiedEvent::new(packed, self.body_sha256());
        if packed.message.len() <= MAX_MESSAGE_BYTES { Ok(packed) } else { Err(Reply::TooLarge) }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("a Vec takes all")
}

/// W3C Trace Context, if the provider sent a valid one: `00-{32 hex}-{16 hex}-{2 hex}`.
fn traceparent(request: &VerifiedRequest<'_>) -> Option<String> {
    let value = request.headers().get("traceparent")?.to_str().ok()?;
    let lengths: Vec<usize> = value.split('-').map(str::len).collect();
    let hex = value.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    (lengths == [2, 32, 16, 2] && hex).then(|| value.to_owned())
}

/// The signs that separate values in any of the source's ids.
fn separators(source: &Source) -> BTreeSet<char> {
    source.events.iter().flat_map(|event| &event.id.0).flat_map(|id| id.separators()).collect()
}
