//! Providers' public keys, from key sets and certificates, cached by address.

use super::certificate::Certificate;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use tidings_config::limits::MAX_KEYS_PER_SOURCE;
use tidings_config::time::Timestamp;
use x509_cert::der::{Decode, asn1::ObjectIdentifier};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// `rsaEncryption` (RFC 8017).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A key that can verify and can't sign.
#[derive(Clone, Debug)]
pub enum PublicKey {
    /// As PKCS #1.
    Rsa(Vec<u8>),
    /// Modulus and exponent, as a key set has them.
    RsaComponents { n: Vec<u8>, e: Vec<u8> },
    /// The uncompressed point.
    P256(Vec<u8>),
}

/// The algorithm for checking a signature.
#[derive(Clone, Copy)]
pub(super) enum Verification {
    Rsa(&'static RsaParameters),
    P256(&'static EcdsaVerificationAlgorithm),
}

impl PublicKey {
    /// Whether this key signed the bytes. A key of another kind never did.
    pub(super) fn verifies(&self, verification: Verification, signed: &[u8], signature: &[u8]) -> bool {
        match (self, verification) {
            (Self::Rsa(key), Verification::Rsa(parameters)) => {
                UnparsedPublicKey::new(parameters, key).verify(signed, signature).is_ok()
            }
            (Self::RsaComponents { n, e }, Verification::Rsa(parameters)) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature).is_ok()
            }
            (Self::P256(point), Verification::P256(algorithm)) => {
                UnparsedPublicKey::new(algorithm, point).verify(signed, signature).is_ok()
            }
            (Self::P256(_), Verification::Rsa(_)) | (Self::Rsa(_) | Self::RsaComponents { .. }, Verification::P256(_)) => false,
        }
    }

    /// An RSA key from SPKI (RFC 5280). `None`: it is something else.
    pub(super) fn rsa_of_spki(der: &[u8]) -> Option<Self> {
        Self::rsa_of(&SubjectPublicKeyInfoOwned::from_der(der).ok()?)
    }

    pub(super) fn rsa_of(spki: &SubjectPublicKeyInfoOwned) -> Option<Self> {
        let key = spki.subject_public_key.as_bytes().filter(|_| spki.algorithm.oid == RSA)?;
        Some(Self::Rsa(key.to_vec()))
    }
}

/// The content of an address.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<(Option<String>, PublicKey)>,
    /// When a certificate begins and ends.
    validity: Option<(Timestamp, Timestamp)>,
    names: Vec<String>,
    pub fetched: Timestamp,
}

/// Why a fetched document gives no key. The document isn't shown: it may contain anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("the document is not a JSON Web Key Set with an RSA or P-256 key")]
    NoKeySet,
    #[error("the document has too many keys; allowed: {MAX_KEYS_PER_SOURCE}")]
    TooManyKeys,
    #[error("the document is not one X.509 certificate with an RSA key as PEM")]
    NoCertificate,
}

/// The kind of document at a key's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyDocument {
    /// A JSON Web Key Set, at an address that the scheme names.
    KeySet,
    /// A certificate, at an address that the request names.
    Certificate { chain: bool },
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Parses a JSON Web Key Set (RFC 7517). Keys of unknown kinds are left out.
    pub fn of_jwks(document: &[u8], fetched: Timestamp) -> Result<Self, KeySetError> {
        let set: Jwks = serde_json::from_slice(document).map_err(|_| KeySetError::NoKeySet)?;
        if set.keys.len() > MAX_KEYS_PER_SOURCE {
            return Err(KeySetError::TooManyKeys);
        }
        let keys: Vec<_> = set.keys.into_iter().filter_map(|jwk| Some((jwk.kid.clone(), jwk.key()?))).collect();
        if keys.is_empty() { Err(KeySetError::NoKeySet) } else { Ok(Self { keys, validity: None, names: Vec::new(), fetched }) }
    }

    /// The keys of a secret that is a JSON Web Key, a set of them, or the response of Plaid's API: an object with `key`.
    pub(super) fn of_secret(document: &[u8]) -> Result<Self, KeySetError> {
        let mut value: Value = serde_json::from_slice(document).map_err(|_| KeySetError::NoKeySet)?;
        if value.get("keys").is_none() {
            let one = value.get_mut("key").map(Value::take).unwrap_or(value);
            value = json!({ "keys": [one] });
        }
        Self::of_jwks(value.to_string().as_bytes(), Timestamp::from_unix_ms(0))
    }

    /// Parses the document of this kind.
    pub fn of(kind: KeyDocument, document: &[u8], fetched: Timestamp) -> Result<Self, KeySetError> {
        match kind {
            KeyDocument::KeySet => Self::of_jwks(document, fetched),
            KeyDocument::Certificate { chain } => Self::of_certificate(document, chain, fetched),
        }
    }

    /// Parses an X.509 certificate as PEM without other text; of a chain, the first.
    pub fn of_certificate(document: &[u8], chain: bool, fetched: Timestamp) -> Result<Self, KeySetError> {
        let Certificate { key, validity, names } = Certificate::read(document, chain).ok_or(KeySetError::NoCertificate)?;
        Ok(Self { keys: vec![(None, key)], validity: Some(validity), names, fetched })
    }

    /// The hosts of a certificate, as written there.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it is a certificate outside its validity.
    pub(super) fn is_expired(&self, now: Timestamp) -> bool {
        self.validity.is_some_and(|(from, to)| now < from || now > to)
    }

    /// The key with this id; the only key, if no id is asked for.
    pub(super) fn key(&self, kid: Option<&str>) -> Option<&PublicKey> {
        match (kid, self.keys.as_slice()) {
            (None, [(_, only)]) => Some(only),
            (None, _) => None,
            (Some(_), keys) => keys.iter().find(|(id, _)| id.as_deref() == kid).map(|(_, key)| key),
        }
    }
}

impl Jwk {
    fn key(self) -> Option<PublicKey> {
        let decode = |part: Option<String>| URL_SAFE_NO_PAD.decode(part?.trim_end_matches('=')).ok();
        if self.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Some(PublicKey::RsaComponents { n: without_zeros(decode(self.n)?), e: without_zeros(decode(self.e)?) }),
            ("EC", Some("P-256")) => Some(PublicKey::P256([vec![4], decode(self.x)?, decode(self.y)?].concat())),
            _ => None,
        }
    }
}

/// Some providers write a number's sign byte, which the library refuses.
fn without_zeros(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    number
}

/// Fetched keys, by address.
#[derive(Clone, Debug, Default)]
pub struct PublicKeys(HashMap<String, KeySet>);

impl PublicKeys {
    pub fn get(&self, url: &str) -> Option<&KeySet> {
        self.0.get(url)
    }

    pub fn insert(&mut self, url: String, set: KeySet) {
        self.0.insert(url, set);
    }

    pub(crate) fn remove(&mut self, url: &str) {
        self.0.remove(url);
    }
}
