//! Keyed and plain digests, compared in constant time.

use super::Key;
use hmac::Hmac;
use hmac::digest::{FixedOutput, KeyInit, Update};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use tidings_config::scheme::Digest;

/// A digest in the making.
pub(super) struct Mac(Box<dyn Making>);

/// What every digest can do, keyed or not.
trait Making {
    fn update(&mut self, bytes: &[u8]);
    fn finish(self: Box<Self>) -> Vec<u8>;
}

impl<D: Update + FixedOutput> Making for D {
    fn update(&mut self, bytes: &[u8]) {
        Update::update(self, bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.finalize_fixed().to_vec()
    }
}

impl Mac {
    pub(super) fn new(digest: Digest, key: &Key) -> Self {
        Self(match digest {
            Digest::HmacMd5 => keyed::<Hmac<Md5>>(key),
            Digest::HmacSha1 => keyed::<Hmac<Sha1>>(key),
            Digest::HmacSha256 => keyed::<Hmac<Sha256>>(key),
            Digest::HmacSha384 => keyed::<Hmac<Sha384>>(key),
            Digest::HmacSha512 => keyed::<Hmac<Sha512>>(key),
            Digest::Sha256 => Box::new(Sha256::default()),
        })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0.finish()
    }
}

fn keyed<M: KeyInit + Update + FixedOutput + 'static>(key: &Key) -> Box<dyn Making> {
    Box::new(M::new_from_slice(key.bytes()).expect("HMAC takes a key of any length"))
}

/// The digest of one text.
pub(super) fn of(digest: Digest, key: &Key, message: &[u8]) -> Vec<u8> {
    let mut mac = Mac::new(digest, key);
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
