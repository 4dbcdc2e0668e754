//! Checks whether one of the signatures proves the request, with one key.

use super::message::Values;
use super::public::{PublicKey, Verification};
use super::{Key, Rejection, mac};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA512, RsaParameters, UnparsedPublicKey, VerificationAlgorithm,
};
use sha2::{Digest, Sha256};
use tidings_config::scheme::{Algorithm, PublicKeyKind, Scheme};

/// Tries every signature of the request. `remote` is the provider's key, if it is fetched.
pub(super) fn matches(scheme: &Scheme, key: &Key, remote: Option<&PublicKey>, values: &Values<'_>) -> Result<bool, Rejection> {
    let candidates = values.signature.map_or(&[][..], |signature| signature.candidates());
    if let Some(token) = values.token {
        return Ok(token.is_of(key, remote));
    }
    let Some(message) = &scheme.message else {
        return Ok(scheme.algorithm == Algorithm::Token && mac::token_equals_any(key.bytes(), candidates));
    };
    if let Some(digest) = scheme.algorithm.digest() {
        let mut mac = mac::Mac::new(digest, key);
        values.feed(message, Some(key), &mut |bytes| mac.update(bytes))?;
        return Ok(mac::equals_any(&mac.finish(), candidates));
    }
    let signed = values.filled(message, key)?;
    let any = |verifies: &dyn Fn(&[u8]) -> bool| candidates.iter().any(|signature| verifies(signature));
    let plain = |algorithm: &'static dyn VerificationAlgorithm| {
        let key = UnparsedPublicKey::new(algorithm, key.bytes());
        any(&|signature| key.verify(&signed, signature).is_ok())
    };
    let rsa = |allowed: &[&'static RsaParameters]| {
        let own = if remote.is_none() { PublicKey::rsa_of_spki(key.bytes()) } else { None };
        let Some(public) = remote.or(own.as_ref()) else { return false };
        any(&|signature| allowed.iter().any(|parameters| public.verifies(Verification::Rsa(parameters), &signed, signature)))
    };
    Ok(match scheme.algorithm.public_key() {
        Some(PublicKeyKind::Ed25519) => plain(&ED25519),
        Some(PublicKeyKind::EcdsaP256 { fixed: false }) => plain(&ECDSA_P256_SHA256_ASN1),
        Some(PublicKeyKind::EcdsaP256 { fixed: true }) => plain(&ECDSA_P256_SHA256_FIXED),
        Some(PublicKeyKind::RsaPss) => rsa(&[&RSA_PSS_2048_8192_SHA512]),
        Some(PublicKeyKind::Rsa { or_sha1: false }) => rsa(&[&RSA_PKCS1_2048_8192_SHA256]),
        Some(PublicKeyKind::Rsa { or_sha1: true }) => {
            rsa(&[&RSA_PKCS1_2048_8192_SHA256, &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY])
        }
        None => false,
    })
}

/// Whether a signed text is the SHA-256 of these bytes, in hexadecimal.
pub(super) fn is_sha256_of(bytes: &[u8], text: &str) -> bool {
    hex::decode(text).is_ok_and(|signed| mac::equals_any(&Sha256::digest(bytes), &[signed]))
}
