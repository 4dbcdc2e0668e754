//! Keyed and plain digests, compared in constant time.

use super::Key;
use hmac::digest::{Digest, KeyInit};
use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use tidings_core::config::scheme::Algorithm;

/// A digest in the making.
pub(super) enum Mac {
    HmacSha1(Hmac<Sha1>),
    HmacSha256(Hmac<Sha256>),
    HmacSha512(Hmac<Sha512>),
    Sha256(Sha256),
}

impl Mac {
    /// `None` for algorithms that make no digest.
    pub(super) fn new(algorithm: Algorithm, key: &Key) -> Option<Self> {
        const ANY_LENGTH: &str = "HMAC takes a key of any length";
        match algorithm {
            Algorithm::HmacSha1 => Some(Self::HmacSha1(KeyInit::new_from_slice(key.bytes()).expect(ANY_LENGTH))),
            Algorithm::HmacSha256 => Some(Self::HmacSha256(KeyInit::new_from_slice(key.bytes()).expect(ANY_LENGTH))),
            Algorithm::HmacSha512 => Some(Self::HmacSha512(KeyInit::new_from_slice(key.bytes()).expect(ANY_LENGTH))),
            Algorithm::Sha256 => Some(Self::Sha256(Sha256::new())),
            Algorithm::Ed25519 | Algorithm::EcdsaP256 | Algorithm::Token => None,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::HmacSha1(mac) => mac.update(bytes),
            Self::HmacSha256(mac) => mac.update(bytes),
            Self::HmacSha512(mac) => mac.update(bytes),
            Self::Sha256(digest) => Digest::update(digest, bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::HmacSha1(mac) => mac.finalize().into_bytes().to_vec(),
            Self::HmacSha256(mac) => mac.finalize().into_bytes().to_vec(),
            Self::HmacSha512(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha256(digest) => digest.finalize().to_vec(),
        }
    }
}

/// Compares with every candidate, each in constant time, without stopping at the first that matches.
pub(super) fn equals_any(made: &[u8], candidates: &[Vec<u8>]) -> bool {
    candidates.iter().fold(false, |any, candidate| any | bool::from(made.ct_eq(candidate)))
}

/// The same for texts of any length: their digests are compared, so that not even the length is told.
pub(super) fn token_equals_any(token: &[u8], candidates: &[Vec<u8>]) -> bool {
    let digest = |bytes: &[u8]| Sha256::digest(bytes).to_vec();
    let candidates: Vec<Vec<u8>> = candidates.iter().map(|candidate| digest(candidate)).collect();
    equals_any(&digest(token), &candidates)
}
