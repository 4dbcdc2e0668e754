//! The tokens of status URLs: `/events/{token}` names events without revealing their claim keys.
//!
//! A token is the claim keys of a delivery, encrypted with AES-256-GCM by a key that only the receiver and the feed know.
//! Nobody else can make one or read one, and no table has to store it. The nonce is a MAC of the content, so the same
//! events have the same token, and a nonce is never used for another content.

use crate::claim::ClaimKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac;
use std::fmt;
use tidings_config::limits::{MAX_STATUS_EVENTS, MAX_STATUS_TOKEN_BYTES, MIN_STATUS_SECRET_BYTES};

/// The path before a token.
pub const STATUS_PATH: &str = "/events/";

/// Separates the derived keys from all others that the secret may be used for.
const SALT: &[u8] = b"tidings status url 1";

/// The key that makes and opens tokens.
pub struct StatusKey {
    content: LessSafeKey,
    nonce: hmac::Key,
}

/// Its Debug leaves out the key.
impl fmt::Debug for StatusKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StatusKey(…)")
    }
}

impl StatusKey {
    /// `None`: the secret is too short.
    pub fn new(secret: &str) -> Option<Self> {
        if secret.len() < MIN_STATUS_SECRET_BYTES {
            return None;
        }
        let derived = Salt::new(HKDF_SHA256, SALT).extract(secret.as_bytes());
        let content: UnboundKey = derived.expand(&[b"content"], &AES_256_GCM).ok()?.into();
        let nonce: hmac::Key = derived.expand(&[b"nonce"], hmac::HMAC_SHA256).ok()?.into();
        Some(Self { content: LessSafeKey::new(content), nonce })
    }

    /// The token of a delivery's events. `None`: it has no event, or more than a token may name.
    pub fn seal(&self, events: &[ClaimKey]) -> Option<String> {
        if events.is_empty() || events.len() > MAX_STATUS_EVENTS {
            return None;
        }
        let content = serde_json::to_string(events).ok()?;
        let tag = hmac::sign(&self.nonce, content.as_bytes());
        let nonce = Nonce::try_assume_unique_for_key(tag.as_ref().get(..NONCE_LEN)?).ok()?;
        let (start, mut sealed) = (nonce.as_ref().to_vec(), content.into_bytes());
        self.content.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).ok()?;
        let token = URL_SAFE_NO_PAD.encode([start, sealed].concat());
        (token.len() <= MAX_STATUS_TOKEN_BYTES).then_some(token)
    }

    /// The events of a token. `None`: this key didn't make it.
    pub fn open(&self, token: &str) -> Option<Vec<ClaimKey>> {
        if token.len() > MAX_STATUS_TOKEN_BYTES {
            return None;
        }
        let mut sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let nonce = Nonce::try_assume_unique_for_key(sealed.get(..NONCE_LEN)?).ok()?;
        let content = self.content.open_in_place(nonce, Aad::empty(), sealed.get_mut(NONCE_LEN..)?).ok()?;
        serde_json::from_slice(content).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret that is generated with the stack";

    fn events(n: usize) -> Vec<ClaimKey> {
        (0..n).map(|n| ClaimKey::new("orders", &format!("e{n}"))).collect()
    }

    #[test]
    fn a_token_opens_to_its_events_and_shows_nothing_of_them() {
        let key = StatusKey::new(SECRET).unwrap();
        for n in [1, 2, MAX_STATUS_EVENTS] {
            let token = key.seal(&events(n)).unwrap();
            assert_eq!(key.open(&token), Some(events(n)));
            assert_eq!(key.seal(&events(n)), Some(token.clone()), "a duplicate has the same URL");
            let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            assert!(!bytes.windows(6).any(|part| part == b"orders"));
            assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{token}");
        }
        assert_eq!((key.seal(&[]), key.seal(&events(MAX_STATUS_EVENTS + 1))), (None, None));
        let long = ClaimKey::new("orders", &"x".repeat(MAX_STATUS_TOKEN_BYTES));
        assert_eq!(key.seal(&[long]), None);
    }

    #[test]
    fn a_token_that_was_changed_or_made_with_another_key_opens_to_nothing() {
        let key = StatusKey::new(SECRET).unwrap();
        let token = key.seal(&events(1)).unwrap();
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(key.open(std::str::from_utf8(&changed).unwrap()), None, "{place}");
        }
        for bad in ["", "A", "orders#e0", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &format!("{token}=")] {
            assert_eq!(key.open(bad), None, "{bad}");
        }
        assert_eq!(StatusKey::new("another secret that is generated with it").unwrap().open(&token), None);
        assert!(StatusKey::new("short").is_none());
    }
}
