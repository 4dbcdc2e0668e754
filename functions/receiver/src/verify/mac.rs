//! Message authentication codes, compared in constant time.

use super::Key;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::{Sha256, Sha512};
use tidings_core::config::provider::Algorithm;

/// A MAC in the making.
pub(super) enum Mac {
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl Mac {
    pub(super) fn new(algorithm: Algorithm, key: &Key) -> Self {
        match algorithm {
            Algorithm::HmacSha256 => Self::Sha256(Hmac::new_from_slice(key.bytes()).expect("HMAC takes a key of any length")),
            Algorithm::HmacSha512 => Self::Sha512(Hmac::new_from_slice(key.bytes()).expect("HMAC takes a key of any length")),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(mac) => mac.update(bytes),
            Self::Sha512(mac) => mac.update(bytes),
        }
    }

    /// Compares with every candidate, each in constant time, without stopping at the first that matches.
    pub(super) fn matches_any(self, candidates: &[Vec<u8>]) -> bool {
        let matches = |candidate: &Vec<u8>| match &self {
            Self::Sha256(mac) => mac.clone().verify_slice(candidate).is_ok(),
            Self::Sha512(mac) => mac.clone().verify_slice(candidate).is_ok(),
        };
        candidates.iter().fold(false, |any, candidate| any | matches(candidate))
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha512(mac) => mac.finalize().into_bytes().to_vec(),
        }
    }
}
