//! JSON Web Tokens (RFC 7519) as providers use them for signing: three parts, one of the scheme's algorithms, and no
//! feature that a token's header requests.
//!
//! No library is used: the clock is ours, the keys are those of the other schemes, and only splitting a text remains.

use super::public::{PublicKey, Verification};
use super::{Key, Rejection, mac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256};
use serde::Deserialize;
use serde_json::Value;
use tidings_config::Reference;
use tidings_config::limits::JWT_LEEWAY;
use tidings_config::scheme::{Digest, Jwt, JwtAlgorithm};
use tidings_config::time::Timestamp;

/// A parsed token. Its content isn't trusted before it is verified.
#[derive(Debug)]
pub(super) struct Token {
    algorithm: JwtAlgorithm,
    pub kid: Option<String>,
    /// The payload as text.
    pub payload: String,
    /// The same, parsed: an object.
    pub claims: Value,
    signed: String,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that a reader must understand (RFC 7515). None is supported.
    crit: Option<Value>,
}

impl Token {
    pub(super) fn read(spec: &Jwt, text: &[u8]) -> Result<Self, Rejection> {
        let text = std::str::from_utf8(text).map_err(|_| Rejection::MalformedSignature)?.trim();
        let (signed, signature) = text.rsplit_once('.').ok_or(Rejection::MalformedSignature)?;
        let (header, payload) = signed.split_once('.').ok_or(Rejection::MalformedSignature)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Rejection::MalformedSignature);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Rejection::MalformedSignature)?;
        let payload = String::from_utf8(decode(payload)?).map_err(|_| Rejection::MalformedSignature)?;
        if header.crit.is_some() || crate::json::expect_depth(&payload).is_err() {
            return Err(Rejection::MalformedSignature);
        }
        let algorithm = spec.algorithms.iter().copied().find(|allowed| allowed.as_str() == header.alg);
        Ok(Self {
            algorithm: algorithm.ok_or(Rejection::ForeignAlgorithm)?,
            kid: header.kid,
            claims: serde_json::from_str(&payload).ok().filter(Value::is_object).ok_or(Rejection::MalformedSignature)?,
            payload,
            signed: signed.to_owned(),
            signature: decode(signature)?,
        })
    }

    /// Checks `exp` and `nbf`, with the allowed leeway.
    pub(super) fn check_times(&self, spec: &Jwt, now: Timestamp) -> Result<(), Rejection> {
        let tolerance_seconds = JWT_LEEWAY.as_secs();
        let time = |claim: &str| match self.claims.get(claim) {
            None => Ok(None),
            Some(value) => {
                let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
                seconds.and_then(Timestamp::from_unix_s).map(Some).ok_or(Rejection::MalformedTimestamp)
            }
        };
        match time("exp")? {
            None if !spec.lasting => return Err(Rejection::MissingValue(Reference::Jwt("exp".to_owned()))),
            Some(end) if now > end.plus(JWT_LEEWAY) => {
                return Err(Rejection::TooOld { age_seconds: now.since(end).as_secs(), tolerance_seconds });
            }
            Some(_) | None => {}
        }
        match time("nbf")? {
            Some(start) if start > now.plus(JWT_LEEWAY) => {
                Err(Rejection::TooFarAhead { ahead_seconds: start.since(now).as_secs(), tolerance_seconds })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A claim that is a text, a number or a boolean, as text.
    pub(super) fn claim(&self, name: &str) -> Option<String> {
        crate::json::as_text(self.claims.get(name)?)
    }

    /// A claim's values as texts; of a list, its elements.
    pub(super) fn claim_values(&self, name: &str) -> Vec<String> {
        match self.claims.get(name) {
            Some(Value::Array(values)) => values.iter().filter_map(crate::json::as_text).collect(),
            Some(value) => crate::json::as_text(value).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Its signed part.
    pub(super) fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    /// Whether this key signed it.
    pub(super) fn is_of(&self, key: &Key, public: Option<&PublicKey>) -> bool {
        let hmac = |kind| mac::equals_any(&mac::of(kind, key, self.signed.as_bytes()), std::slice::from_ref(&self.signature));
        let public = public.or_else(|| key.public(self.kid.as_deref()));
        let public = |how| public.is_some_and(|public| public.verifies(how, self.signed.as_bytes(), &self.signature));
        match self.algorithm {
            JwtAlgorithm::Hs256 => hmac(Digest::HmacSha256),
            JwtAlgorithm::Hs384 => hmac(Digest::HmacSha384),
            JwtAlgorithm::Hs512 => hmac(Digest::HmacSha512),
            JwtAlgorithm::Rs256 => public(Verification::Rsa(&RSA_PKCS1_2048_8192_SHA256)),
            JwtAlgorithm::Es256 => public(Verification::P256(&ECDSA_P256_SHA256_FIXED)),
        }
    }
}
