//! A secret, made ready for use. Its bytes are wiped when it is dropped and never printed.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use std::fmt;
use tidings_core::config::provider::{KeyEncoding, KeyPreparation};
use zeroize::Zeroizing;

/// The key bytes of one secret.
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

/// Why a secret makes no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the secret is empty")]
    Empty,
    #[error("the secret is not hexadecimal")]
    NotHex,
    #[error("the secret is not base64")]
    NotBase64,
}

/// With or without padding: providers and their own libraries differ.
pub(super) const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);

impl Key {
    /// Makes the key that the scheme wants of the secret as the provider shows it.
    pub fn prepare(preparation: &KeyPreparation, secret: &str) -> Result<Self, KeyError> {
        let secret = match &preparation.strip_prefix {
            Some(prefix) => secret.strip_prefix(prefix.as_str()).unwrap_or(secret),
            None => secret,
        };
        let bytes = match preparation.encoding {
            KeyEncoding::Utf8 => secret.as_bytes().to_vec(),
            KeyEncoding::Hex => hex::decode(secret).map_err(|_| KeyError::NotHex)?,
            KeyEncoding::Base64 => GeneralPurpose::new(&STANDARD, LENIENT).decode(secret).map_err(|_| KeyError::NotBase64)?,
        };
        // A MAC with an empty key is one that everybody can make.
        if bytes.is_empty() { Err(KeyError::Empty) } else { Ok(Self(Zeroizing::new(bytes))) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(encoding: KeyEncoding, strip_prefix: Option<&str>, secret: &str) -> Result<Vec<u8>, KeyError> {
        let preparation = KeyPreparation { encoding, strip_prefix: strip_prefix.map(str::to_owned) };
        Key::prepare(&preparation, secret).map(|key| key.bytes().to_vec())
    }

    #[test]
    fn secrets_become_keys_as_the_provider_means_them() {
        assert_eq!(key(KeyEncoding::Utf8, None, "whsec_x").unwrap(), b"whsec_x", "Stripe's looks like base64 and isn't");
        assert_eq!(key(KeyEncoding::Base64, Some("whsec_"), "whsec_AQID").unwrap(), [1, 2, 3]);
        assert_eq!(key(KeyEncoding::Base64, Some("whsec_"), "AQI").unwrap(), [1, 2], "no prefix, no padding");
        assert_eq!(key(KeyEncoding::Hex, None, "0a0B").unwrap(), [10, 11]);
    }

    #[test]
    fn what_makes_no_key_is_refused_without_being_shown() {
        for (encoding, secret, error) in [
            (KeyEncoding::Utf8, "", KeyError::Empty),
            (KeyEncoding::Base64, "", KeyError::Empty),
            (KeyEncoding::Hex, "hunter2", KeyError::NotHex),
            (KeyEncoding::Base64, "hunter2!", KeyError::NotBase64),
        ] {
            let seen = key(encoding, None, secret).unwrap_err();
            assert_eq!(seen, error);
            assert!(!seen.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let key = Key::prepare(&KeyPreparation::default(), "hunter2").unwrap();
        assert_eq!(format!("{key:?}"), "Key(redacted)");
    }
}
