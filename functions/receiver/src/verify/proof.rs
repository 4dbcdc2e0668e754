//! Does one of the signatures prove the request, with this key?

use super::message::Values;
use super::{Key, Rejection, mac};
use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use sha2::{Digest, Sha256};
use tidings_core::config::scheme::{Algorithm, Scheme};

/// Tries every signature of the request.
pub(super) fn matches(scheme: &Scheme, key: &Key, values: &Values<'_>) -> Result<bool, Rejection> {
    let candidates = values.signature.candidates();
    let Some(message) = &scheme.message else {
        return Ok(scheme.algorithm == Algorithm::Token && mac::token_equals_any(key.bytes(), candidates));
    };
    let public: &dyn VerificationAlgorithm = match scheme.algorithm {
        Algorithm::Ed25519 => &ED25519,
        Algorithm::EcdsaP256 => &ECDSA_P256_SHA256_ASN1,
        algorithm @ (Algorithm::HmacSha1
        | Algorithm::HmacSha256
        | Algorithm::HmacSha512
        | Algorithm::Sha256
        | Algorithm::Token) => {
            let Some(mut mac) = mac::Mac::new(algorithm, key) else { return Ok(false) };
            values.feed(message, Some(key), &mut |bytes| mac.update(bytes))?;
            return Ok(mac::equals_any(&mac.finish(), candidates));
        }
    };
    let mut signed = Vec::new();
    values.feed(message, None, &mut |bytes| signed.extend_from_slice(bytes))?;
    let key = UnparsedPublicKey::new(public, key.bytes());
    Ok(candidates.iter().any(|signature| key.verify(&signed, signature).is_ok()))
}

/// Whether a signed text is the body's SHA-256, in hexadecimal.
pub(super) fn is_sha256_of(body: &[u8], text: &str) -> bool {
    hex::decode(text).is_ok_and(|signed| mac::equals_any(&Sha256::digest(body), &[signed]))
}
