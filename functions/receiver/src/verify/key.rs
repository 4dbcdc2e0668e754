//! A secret prepared for use. Its bytes are never printed, and are wiped when it is dropped.

use super::public::{KeySet, PublicKey};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use sha1::{Digest, Sha1};
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tidings_config::handshake::Answer;
use tidings_config::limits::MIN_KEY_BYTES;
use tidings_config::scheme::{KeyEncoding, KeyPreparation, PublicKeyKind, Scheme};
use zeroize::Zeroizing;

/// The key bytes of one secret, and the key's name if the secret has one.
#[derive(Clone)]
pub struct Key {
    bytes: Zeroizing<Vec<u8>>,
    name: Option<String>,
    /// The public keys by id, if the secret is a public key or a set of them.
    public: Option<Arc<KeySet>>,
    /// The answers with a MAC of other sources' handshakes that have the same key.
    shared_answers: Arc<[Answer]>,
}

/// Why a secret can't become a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the secret is empty")]
    Empty,
    #[error("the secret is a placeholder: replace it")]
    Placeholder,
    #[error("the secret is not hexadecimal")]
    NotHex,
    #[error("the secret is not base64")]
    NotBase64,
    #[error("the secret is not this provider's kind of public key")]
    NotAPublicKey,
    #[error("the secret is not a name and a key separated by {0:?}")]
    NoName(String),
}

/// The bytes before the point in a P-256 public key as SPKI (RFC 5480): algorithm and curve.
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The length of an Ed25519 public key in bytes.
const ED25519_KEY_BYTES: usize = 32;

/// With or without padding: providers and their libraries differ.
pub(super) const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);

impl Key {
    /// Makes the scheme's key from the secret as the provider shows it.
    pub fn prepare(scheme: &Scheme, secret: &str) -> Result<Self, KeyError> {
        let preparation = &scheme.key;
        let (name, secret) = parts(preparation, secret)?;
        if is_placeholder(secret) {
            return Err(KeyError::Placeholder);
        }
        let bytes = match preparation.encoding {
            KeyEncoding::Utf8 => secret.as_bytes().to_vec(),
            KeyEncoding::Sha1 if secret.is_empty() => Vec::new(),
            KeyEncoding::Sha1 => Sha1::digest(secret).to_vec(),
            KeyEncoding::Jwk => secret.as_bytes().to_vec(),
            KeyEncoding::Hex => hex::decode(secret).map_err(|_| KeyError::NotHex)?,
            KeyEncoding::Base64 => GeneralPurpose::new(&STANDARD, LENIENT).decode(secret).map_err(|_| KeyError::NotBase64)?,
        };
        // Anyone can make a MAC with an empty or blank key.
        if bytes.is_empty() || secret.trim().is_empty() {
            return Err(KeyError::Empty);
        }
        let bytes = match scheme.algorithm.public_key() {
            Some(PublicKeyKind::Ed25519) if bytes.len() != ED25519_KEY_BYTES => return Err(KeyError::NotAPublicKey),
            // The library wants the bare point.
            Some(PublicKeyKind::EcdsaP256 { .. }) => bytes.strip_prefix(&P256_SPKI).ok_or(KeyError::NotAPublicKey)?.to_vec(),
            Some(PublicKeyKind::Rsa { .. } | PublicKeyKind::RsaPss)
                if scheme.remote_key.is_none() && PublicKey::rsa_of_spki(&bytes).is_none() =>
            {
                return Err(KeyError::NotAPublicKey);
            }
            Some(PublicKeyKind::Ed25519 | PublicKeyKind::Rsa { .. } | PublicKeyKind::RsaPss) | None => bytes,
        };
        let public = match preparation.encoding {
            KeyEncoding::Jwk => Some(Arc::new(KeySet::of_secret(&bytes).map_err(|_| KeyError::NotAPublicKey)?)),
            KeyEncoding::Utf8 | KeyEncoding::Hex | KeyEncoding::Base64 | KeyEncoding::Sha1 => None,
        };
        Ok(Self { bytes: Zeroizing::new(bytes), name, public, shared_answers: Arc::default() })
    }

    /// The length in bytes of the key of this secret, if it is below [`MIN_KEY_BYTES`] and must be secret. The key
    /// can be used nevertheless.
    pub fn is_short(scheme: &Scheme, secret: &str) -> Option<usize> {
        let key = Self::prepare(scheme, secret).ok().filter(|_| scheme.has_secret_key())?;
        let bytes = match scheme.key.encoding {
            // A digest has one length for every input.
            KeyEncoding::Sha1 => parts(&scheme.key, secret).ok()?.1.len(),
            KeyEncoding::Utf8 | KeyEncoding::Hex | KeyEncoding::Base64 | KeyEncoding::Jwk => key.bytes.len(),
        };
        (bytes < MIN_KEY_BYTES).then_some(bytes)
    }

    /// A key that belongs to no source, for requests that must not verify.
    pub fn stranger() -> Self {
        Self {
            bytes: Zeroizing::new(b"a secret that nobody gave to anybody".to_vec()),
            name: None,
            public: None,
            shared_answers: Arc::default(),
        }
    }

    /// The public key with this id, if the secret is a set of keys.
    pub(super) fn public(&self, kid: Option<&str>) -> Option<&PublicKey> {
        self.public.as_ref()?.key(kid)
    }

    /// The name before the key in the secret, if it has one. It isn't secret.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether a signature that names its key may be of this one: either may be without a name.
    pub(super) fn is_named_by(&self, keyid: Option<&str>) -> bool {
        self.name().zip(keyid).is_none_or(|(name, keyid)| name == keyid)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key as text, if it is one: the value that was agreed on with a provider whose key is fetched.
    pub(crate) fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// Whether both make the same MAC of every text.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }

    /// Adds the answers that other sources' handshakes give with this key.
    pub(crate) fn add_shared(&mut self, answers: impl IntoIterator<Item = Answer>) {
        self.shared_answers = self.shared_answers.iter().cloned().chain(answers).collect();
    }

    pub(super) fn shared_answers(&self) -> &[Answer] {
        &self.shared_answers
    }
}

/// The name in a secret, if it has one, and the part that the key is made of.
fn parts<'s>(preparation: &KeyPreparation, secret: &'s str) -> Result<(Option<String>, &'s str), KeyError> {
    let (name, secret) = match &preparation.named_by {
        None => (None, secret),
        Some(separator) => {
            let (name, key) = secret.split_once(separator).ok_or_else(|| KeyError::NoName(separator.clone()))?;
            (Some(name.to_owned()), key)
        }
    };
    let secret = match &preparation.strip_prefix {
        Some(prefix) => secret.strip_prefix(prefix.as_str()).unwrap_or(secret),
        None => secret,
    };
    Ok((name, secret))
}

/// Words of placeholders for a secret.
const PLACEHOLDERS: [&str; 8] =
    ["changeme", "replaceme", "placeholder", "todo", "yoursecret", "yoursecrethere", "yourwebhooksecret", "yoursigningsecret"];

/// Whether it is a text from a sample file, which is public.
fn is_placeholder(secret: &str) -> bool {
    let secret = secret.trim();
    let framed =
        [("<", ">"), ("${", "}"), ("{{", "}}")].iter().any(|(open, close)| secret.starts_with(open) && secret.ends_with(close));
    let letters: String = secret.chars().filter(|c| !"-_ ".contains(*c)).flat_map(char::to_lowercase).collect();
    framed || PLACEHOLDERS.contains(&letters.as_str())
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tidings_config::scheme::Algorithm;

    fn scheme(algorithm: Algorithm, encoding: KeyEncoding, strip_prefix: Option<&str>) -> Scheme {
        let scheme = json!({
            "algorithm": algorithm,
            "signature": { "from": "header:x-signature", "encoding": "hex" },
            "key": { "encoding": encoding, "strip_prefix": strip_prefix },
            "message": "{body}"
        });
        serde_json::from_value(scheme).unwrap()
    }

    fn key(encoding: KeyEncoding, strip_prefix: Option<&str>, secret: &str) -> Result<Vec<u8>, KeyError> {
        Key::prepare(&scheme(Algorithm::HmacSha256, encoding, strip_prefix), secret).map(|key| key.bytes().to_vec())
    }

    #[test]
    fn secrets_become_keys_as_the_provider_defines() {
        assert_eq!(key(KeyEncoding::Utf8, None, "whsec_x").unwrap(), b"whsec_x", "Stripe's looks like base64 and isn't");
        assert_eq!(key(KeyEncoding::Base64, Some("whsec_"), "whsec_AQID").unwrap(), [1, 2, 3]);
        assert_eq!(key(KeyEncoding::Base64, Some("whsec_"), "AQI").unwrap(), [1, 2], "no prefix, no padding");
        assert_eq!(key(KeyEncoding::Hex, None, "0a0B").unwrap(), [10, 11]);
    }

    #[test]
    fn an_invalid_secret_is_refused_without_being_shown() {
        for (encoding, secret, error) in [
            (KeyEncoding::Utf8, "", KeyError::Empty),
            (KeyEncoding::Base64, "", KeyError::Empty),
            (KeyEncoding::Utf8, " \t\n", KeyError::Empty),
            (KeyEncoding::Utf8, "<hunter2>", KeyError::Placeholder),
            (KeyEncoding::Utf8, "CHANGE_ME", KeyError::Placeholder),
            (KeyEncoding::Base64, "your-secret-here", KeyError::Placeholder),
            (KeyEncoding::Hex, "hunter2", KeyError::NotHex),
            (KeyEncoding::Base64, "hunter2!", KeyError::NotBase64),
        ] {
            let seen = key(encoding, None, secret).unwrap_err();
            assert_eq!(seen, error);
            assert!(!seen.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn a_key_under_16_bytes_is_short_whatever_it_is_written_in() {
        let short = |algorithm, encoding, secret: &str| Key::is_short(&scheme(algorithm, encoding, Some("whsec_")), secret);
        let hmac = |encoding, secret: &str| short(Algorithm::HmacSha256, encoding, secret);
        for (bytes, said) in [(MIN_KEY_BYTES - 1, Some(MIN_KEY_BYTES - 1)), (MIN_KEY_BYTES, None)] {
            assert_eq!(hmac(KeyEncoding::Utf8, &format!("whsec_{}", "k".repeat(bytes))), said);
            assert_eq!(hmac(KeyEncoding::Hex, &"0a".repeat(bytes)), said);
            assert_eq!(hmac(KeyEncoding::Sha1, &"k".repeat(bytes)), said);
            assert_eq!(short(Algorithm::Token, KeyEncoding::Utf8, &"k".repeat(bytes)), said);
        }
        assert_eq!(hmac(KeyEncoding::Base64, "whsec_AQID"), Some(3));
        assert_eq!(hmac(KeyEncoding::Hex, "no key at all"), None, "the error names the real problem");
        assert_eq!(short(Algorithm::RsaSha256, KeyEncoding::Utf8, "k"), None);
    }

    #[test]
    fn a_public_key_must_have_the_right_kind() {
        let prepare = |algorithm, bytes: &[u8]| {
            Key::prepare(&scheme(algorithm, KeyEncoding::Hex, None), &hex::encode(bytes)).map(|key| key.bytes().len())
        };
        let spki = [&P256_SPKI[..], &[4; 65]].concat();
        assert_eq!(prepare(Algorithm::Ed25519, &[7; 32]), Ok(32));
        assert_eq!(prepare(Algorithm::Ed25519, &[7; 31]), Err(KeyError::NotAPublicKey));
        assert_eq!(prepare(Algorithm::EcdsaP256, &spki), Ok(65));
        assert_eq!(prepare(Algorithm::EcdsaP256, &spki[1..]), Err(KeyError::NotAPublicKey));
    }

    #[test]
    fn a_secret_may_be_a_name_and_a_key() {
        let mut scheme = scheme(Algorithm::HmacSha1, KeyEncoding::Sha1, None);
        scheme.key.named_by = Some("|".to_owned());
        let key = Key::prepare(&scheme, "public|private").unwrap();
        assert_eq!(key.name(), Some("public"));
        // printf private | openssl dgst -sha1
        assert_eq!(hex::encode(key.bytes()), "e80721793c24ae14edfca9b26ad406a9815cd3ff");
        assert_eq!(Key::prepare(&scheme, "private").unwrap_err(), KeyError::NoName("|".to_owned()));
        assert_eq!(Key::prepare(&scheme, "public|").unwrap_err(), KeyError::Empty);
    }

    #[test]
    fn debug_shows_nothing() {
        let key = Key::prepare(&scheme(Algorithm::HmacSha256, KeyEncoding::Utf8, None), "hunter2").unwrap();
        assert_eq!(format!("{key:?}"), "Key(redacted)");
    }
}
