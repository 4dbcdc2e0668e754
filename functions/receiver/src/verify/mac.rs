//! Keyed and plain digests, compared in constant time.

use super::Key;
use hmac::digest::{Digest, KeyInit};
use hmac::{Hmac, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use tidings_config::scheme::Algorithm;

/// The kind of digest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    HmacMd5,
    HmacSha1,
    HmacSha256,
    HmacSha384,
    HmacSha512,
    Sha256,
}

impl Kind {
    /// `None`: the algorithm makes no digest.
    pub(super) const fn of(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::HmacMd5 => Some(Self::HmacMd5),
            Algorithm::HmacSha1 => Some(Self::HmacSha1),
            Algorithm::HmacSha256 => Some(Self::HmacSha256),
            Algorithm::HmacSha512 => Some(Self::HmacSha512),
            Algorithm::Sha256 => Some(Self::Sha256),
            Algorithm::Ed25519
            | Algorithm::EcdsaP256
            | Algorithm::RsaSha256
            | Algorithm::RsaSha256OrSha1
            | Algorithm::Jwt
            | Algorithm::Token => None,
        }
    }
}

/// A digest that is being computed.
pub(super) enum Mac {
    HmacMd5(Hmac<Md5>),
    HmacSha1(Hmac<Sha1>),
    HmacSha256(Hmac<Sha256>),
    HmacSha384(Hmac<Sha384>),
    HmacSha512(Hmac<Sha512>),
    Sha256(Sha256),
}

impl Mac {
    pub(super) fn new(kind: Kind, key: &Key) -> Self {
        const ANY_LENGTH: &str = "HMAC takes a key of any length";
        let key = key.bytes();
        match kind {
            Kind::HmacMd5 => Self::HmacMd5(KeyInit::new_from_slice(key).expect(ANY_LENGTH)),
            Kind::HmacSha1 => Self::HmacSha1(KeyInit::new_from_slice(key).expect(ANY_LENGTH)),
            Kind::HmacSha256 => Self::HmacSha256(KeyInit::new_from_slice(key).expect(ANY_LENGTH)),
            Kind::HmacSha384 => Self::HmacSha384(KeyInit::new_from_slice(key).expect(ANY_LENGTH)),
            Kind::HmacSha512 => Self::HmacSha512(KeyInit::new_from_slice(key).expect(ANY_LENGTH)),
            Kind::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::HmacMd5(mac) => mac.update(bytes),
            Self::HmacSha1(mac) => mac.update(bytes),
            Self::HmacSha256(mac) => mac.update(bytes),
            Self::HmacSha384(mac) => mac.update(bytes),
            Self::HmacSha512(mac) => mac.update(bytes),
            Self::Sha256(digest) => Digest::update(digest, bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::HmacMd5(mac) => mac.finalize().into_bytes().to_vec(),
            Self::HmacSha1(mac) => mac.finalize().into_bytes().to_vec(),
            Self::HmacSha256(mac) => mac.finalize().into_bytes().to_vec(),
            Self::HmacSha384(mac) => mac.finalize().into_bytes().to_vec(),
            Self::HmacSha512(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha256(digest) => digest.finalize().to_vec(),
        }
    }
}

/// The digest of one text.
pub(super) fn of(kind: Kind, key: &Key, message: &[u8]) -> Vec<u8> {
    let mut mac = Mac::new(kind, key);
    mac.update(message);
    mac.finish()
}

/// Compares with every candidate, each in constant time, without stopping at a match.
pub(super) fn equals_any(made: &[u8], candidates: &[Vec<u8>]) -> bool {
    candidates.iter().fold(false, |any, candidate| any | bool::from(made.ct_eq(candidate)))
}

/// The same for texts of any length. Their digests are compared, so that the time reveals not even the length.
pub(super) fn token_equals_any(token: &[u8], candidates: &[Vec<u8>]) -> bool {
    let digest = |bytes: &[u8]| Sha256::digest(bytes).to_vec();
    let candidates: Vec<Vec<u8>> = candidates.iter().map(|candidate| digest(candidate)).collect();
    equals_any(&digest(token), &candidates)
}
