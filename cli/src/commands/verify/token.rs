//! The content of a JSON Web Token, for people. It isn't verified.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use receiver::delivery::Delivery;
use serde_json::Value;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;

/// The parts that aren't secret.
pub(super) struct TokenClaims {
    pub algorithm: String,
    pub expires: Option<Timestamp>,
}

/// The token, if the source's scheme looks for one.
pub(super) fn seen(source: &Source, delivery: &Delivery) -> Option<TokenClaims> {
    source.scheme.jwt.as_ref()?;
    let text = match source.scheme.signature.from.0.first()?.header() {
        Some(name) => delivery.headers.get(name)?.to_str().ok()?,
        None => std::str::from_utf8(&delivery.body).ok()?,
    };
    let mut parts = text.split_whitespace().last()?.split('.');
    let mut part = || serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok();
    let (header, claims) = (part()?, part()?);
    let algorithm = header["alg"].as_str().filter(|name| name.len() <= 16 && name.bytes().all(|b| b.is_ascii_alphanumeric()));
    Some(TokenClaims {
        algorithm: algorithm.unwrap_or("unknown").to_owned(),
        expires: claims["exp"].as_f64().and_then(|seconds| Timestamp::from_unix_s(seconds as i64)),
    })
}
