//! Standard Webhooks signatures: of the id, the time of the attempt, and the body, by every secret that is valid.
//!
//! A secret is `whsec_` and base64. An endpoint without one of its own has one that follows from the stack's secret, its id
//! and the number of its rotations, so that no table holds it. Pure.

use crate::limits::{MAX_KEY_BYTES, MIN_KEY_BYTES};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use std::fmt;
use tidings_config::endpoint::EndpointId;
use tidings_config::time::Timestamp;
use zeroize::Zeroizing;

const PREFIX: &str = "whsec_";

/// The key of one secret. Its Debug shows nothing.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<Vec<u8>>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// Why a text isn't a secret. It doesn't repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("a secret must be whsec_ and base64")]
    NotBase64,
    #[error("a secret has {0} bytes, allowed: {MIN_KEY_BYTES} to {MAX_KEY_BYTES}")]
    Length(usize),
}

impl SigningKey {
    pub fn parse(secret: &str) -> Result<Self, KeyError> {
        let encoded = secret.trim().strip_prefix(PREFIX).ok_or(KeyError::NotBase64)?;
        let key = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| KeyError::NotBase64)?);
        if (MIN_KEY_BYTES..=MAX_KEY_BYTES).contains(&key.len()) { Ok(Self(key)) } else { Err(KeyError::Length(key.len())) }
    }

    /// The key of an endpoint after so many rotations.
    pub fn derived(master: &[u8], id: &EndpointId, generation: u32) -> Self {
        Self(derive(master, "hmac", id, generation))
    }

    /// As Standard Webhooks' libraries take it.
    pub fn secret(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(&*self.0)))
    }

    fn sign(&self, content: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, content)))
    }
}

/// A key pair for `v1a`. Its Debug shows nothing.
pub struct SigningPair(Ed25519KeyPair);

impl fmt::Debug for SigningPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningPair")
    }
}

impl SigningPair {
    /// The pair of an endpoint after so many rotations.
    pub fn derived(master: &[u8], id: &EndpointId, generation: u32) -> Self {
        let seed = derive(master, "ed25519", id, generation);
        Self(Ed25519KeyPair::from_seed_unchecked(&seed).expect("a digest of 32 bytes is a seed"))
    }

    /// The public key: `whpk_` and base64.
    pub fn public(&self) -> String {
        format!("whpk_{}", STANDARD.encode(self.0.public_key()))
    }

    fn sign(&self, content: &[u8]) -> String {
        format!("v1a,{}", STANDARD.encode(self.0.sign(content)))
    }
}

/// 32 bytes for one purpose. No two purposes, endpoints or rotations have the same text.
fn derive(master: &[u8], purpose: &str, id: &EndpointId, generation: u32) -> Zeroizing<Vec<u8>> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, master);
    let text = format!("tidings endpoint 1\n{purpose}\n{id}\n{generation}");
    Zeroizing::new(hmac::sign(&key, text.as_bytes()).as_ref().to_vec())
}

/// The keys that sign an endpoint's webhooks: the newest first.
#[derive(Debug, Default)]
pub struct Keys {
    pub secrets: Vec<SigningKey>,
    pub pairs: Vec<SigningPair>,
}

impl Keys {
    /// The headers of one attempt.
    pub fn headers(&self, webhook_id: &str, at: Timestamp, body: &[u8]) -> [(&'static str, String); 3] {
        let timestamp = at.unix_s().to_string();
        let content = [webhook_id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
        let secrets = self.secrets.iter().map(|key| key.sign(&content));
        let signatures: Vec<String> = secrets.chain(self.pairs.iter().map(|pair| pair.sign(&content))).collect();
        [("webhook-id", webhook_id.to_owned()), ("webhook-timestamp", timestamp), ("webhook-signature", signatures.join(" "))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ED25519, UnparsedPublicKey};

    fn id() -> EndpointId {
        "ep_crm".parse().unwrap()
    }

    /// The vector of standard-webhooks' libraries (javascript/src/webhook.test.ts), which providers' presets verify too.
    #[test]
    fn the_published_vector_is_signed_as_published() {
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let keys = Keys { secrets: vec![key], pairs: Vec::new() };
        let at = Timestamp::from_unix_s(1_614_265_330).unwrap();
        let headers = keys.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(headers[1], ("webhook-timestamp", "1614265330".to_owned()));
        assert_eq!(headers[2], ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned()));
    }

    #[test]
    fn a_secret_is_read_as_it_is_shown_and_another_text_is_refused() {
        let key = SigningKey::derived(b"master", &id(), 0);
        let again = SigningKey::parse(&key.secret()).unwrap();
        assert_eq!(*again.0, *key.0);
        assert!(!format!("{key:?}").contains("whsec"));
        assert_eq!(SigningKey::parse("hunter2").unwrap_err(), KeyError::NotBase64);
        assert_eq!(SigningKey::parse("whsec_%%%").unwrap_err(), KeyError::NotBase64);
        assert_eq!(SigningKey::parse("whsec_aGk=").unwrap_err(), KeyError::Length(2));
        assert_eq!(SigningKey::parse("whsec_").unwrap_err(), KeyError::Length(0));
    }

    #[test]
    fn each_endpoint_rotation_and_purpose_has_a_key_of_its_own() {
        let other: EndpointId = "ep_other".parse().unwrap();
        let keys = [
            SigningKey::derived(b"master", &id(), 0),
            SigningKey::derived(b"master", &id(), 1),
            SigningKey::derived(b"master", &other, 0),
            SigningKey::derived(b"another", &id(), 0),
            SigningKey(derive(b"master", "ed25519", &id(), 0)),
        ];
        let different: std::collections::BTreeSet<String> = keys.iter().map(|key| key.secret().to_string()).collect();
        assert_eq!(different.len(), keys.len());
    }

    #[test]
    fn every_valid_secret_signs_and_the_public_key_verifies() {
        let secrets = vec![SigningKey::derived(b"m", &id(), 1), SigningKey::derived(b"m", &id(), 0)];
        let pair = SigningPair::derived(b"m", &id(), 1);
        let public = STANDARD.decode(pair.public().strip_prefix("whpk_").unwrap()).unwrap();
        let keys = Keys { secrets, pairs: vec![pair] };
        let at = Timestamp::from_unix_ms(5_000);
        let [_, _, (_, signatures)] = keys.headers("msg_1", at, b"{}");
        let all: Vec<&str> = signatures.split(' ').collect();
        assert_eq!(all.iter().map(|one| one.split_once(',').unwrap().0).collect::<Vec<_>>(), ["v1", "v1", "v1a"]);
        let signature = STANDARD.decode(all[2].strip_prefix("v1a,").unwrap()).unwrap();
        UnparsedPublicKey::new(&ED25519, &public).verify(b"msg_1.5.{}", &signature).expect("it verifies");
        UnparsedPublicKey::new(&ED25519, &public).verify(b"msg_1.6.{}", &signature).expect_err("another time");
    }
}
