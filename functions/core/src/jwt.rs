//! JSON Web Tokens (RFC 7519) that a bot's backend signs with HS256 and a key of a secret: viewers' tokens of feeds, and
//! tokens of portals. Every language has a library for them, and none is needed:
//! `base64url(header).base64url(claims).base64url(HMAC-SHA-256 of both with the point)`.
//!
//! Promises: the algorithm is ours, not the token's; a signature is compared in constant time with every key; a claim is read
//! after the signature is verified.

use crate::kept::{Kept, Unknown};
use crate::ports::SecretStore;
use crate::secrets::parse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tidings_config::limits::{
    JWT_LEEWAY, MAX_VIEWER_KEY_BYTES, MAX_VIEWER_KEYS, MAX_VIEWER_TOKEN_BYTES, MAX_VIEWER_TOKEN_LIFETIME, MIN_VIEWER_KEY_BYTES,
};
use tidings_config::time::{Clock, Timestamp};
use zeroize::Zeroizing;

/// The `aud` of a portal's token. A feed's token has none, or one of its backend's.
pub const PORTAL_AUDIENCE: &str = "tidings-endpoints";

/// The keys as last fetched: a JSON object from the name of a backend to a key or a list of keys.
#[derive(Debug)]
pub struct Keys(Kept<Key>);

struct Key(Zeroizing<String>);

/// The claims of a token that is signed and valid now.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it may name a conversation, which mustn't be logged")]
pub struct Claims {
    pub sub: Option<Value>,
    pub aud: Option<Value>,
    pub scope: Option<Value>,
    /// `exp`. The token is accepted for [`JWT_LEEWAY`] longer.
    pub ends: Timestamp,
}

/// Why a token gives no claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotVerified {
    /// It is missing, it is no token, or no key signed it. Nobody is told which.
    Unsigned,
    /// It is signed, and not valid: what is wrong with its claims.
    Invalid(&'static str),
    /// The keys aren't known. A retry may help.
    Unavailable,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Extensions that a reader must understand (RFC 7515). None is supported.
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Written {
    sub: Option<Value>,
    aud: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    scope: Option<Value>,
}

/// A token's parts. Nothing of it is trusted before its signature is verified.
struct Token<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    claims: &'a str,
}

impl Keys {
    /// `whose`: whose keys they are, for logs.
    pub fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>, whose: &'static str) -> Self {
        Self(Kept::new(store, clock, whose, keys))
    }

    /// Fetches now. If that fails, the loaded keys stay in use.
    pub async fn load(&self) {
        self.0.load().await;
    }

    /// The claims of a token that one of the keys signed, and that is valid now.
    pub async fn claims(&self, token: Option<&str>, now: Timestamp) -> Result<Claims, NotVerified> {
        // A request without a token causes no fetch.
        let token = token.and_then(Token::read).ok_or(NotVerified::Unsigned)?;
        match self.0.find(|keys| token.is_signed_by(keys).then_some(())).await {
            Ok(Some(())) => token.claims(now).map_err(NotVerified::Invalid),
            Ok(None) => Err(NotVerified::Unsigned),
            Err(Unknown) => Err(NotVerified::Unavailable),
        }
    }
}

/// A token with these claims, which are an object.
pub fn sign(key: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The newest key of a document that may sign. `None`: it has none. The error names no content.
pub fn newest_key(document: &str) -> Result<Option<Zeroizing<String>>, String> {
    Ok(keys(document)?.into_iter().next().map(|Key(key)| key))
}

impl<'a> Token<'a> {
    fn read(text: &'a str) -> Option<Self> {
        if text.len() > MAX_VIEWER_TOKEN_BYTES {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.alg != "HS256" || header.crit.is_some() {
            return None;
        }
        Some(Self { signed, signature: URL_SAFE_NO_PAD.decode(signature).ok()?, claims })
    }

    /// Tries every key, so that the time doesn't reveal which one fits.
    fn is_signed_by(&self, keys: &[Key]) -> bool {
        keys.iter().fold(false, |fits, Key(key)| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
            hmac::verify(&key, self.signed.as_bytes(), &self.signature).is_ok() | fits
        })
    }

    /// The claims of a verified token.
    fn claims(&self, now: Timestamp) -> Result<Claims, &'static str> {
        let claims = URL_SAFE_NO_PAD.decode(self.claims).ok();
        let Some(Written { sub, aud, exp, nbf, scope }) = claims.and_then(|json| serde_json::from_slice(&json).ok()) else {
            return Err("the token's claims are not a JSON object");
        };
        let Some(ends) = exp.as_ref().and_then(seconds) else {
            return Err("the token has no exp: its end in seconds since 1970, as a number");
        };
        if now > ends.plus(JWT_LEEWAY) {
            return Err("the token has expired");
        }
        if ends > now.plus(MAX_VIEWER_TOKEN_LIFETIME).plus(JWT_LEEWAY) {
            return Err("the token's exp is too far ahead; allowed: a day");
        }
        match nbf.as_ref().map(seconds) {
            Some(None) => Err("the token's nbf is not a number"),
            Some(Some(begins)) if begins > now.plus(JWT_LEEWAY) => Err("the token is not valid yet"),
            Some(Some(_)) | None => Ok(Claims { sub, aud, scope, ends }),
        }
    }
}

fn seconds(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))?;
    Timestamp::from_unix_s(seconds)
}

/// Parses the secret's document. A key of a wrong length is left out, and the log names its backend.
fn keys(document: &str) -> Result<Vec<Key>, String> {
    let mut keys = Vec::new();
    for (backend, given) in parse(document).map_err(|error| error.to_string())? {
        for key in given.0.into_iter().map(Zeroizing::new) {
            if !(MIN_VIEWER_KEY_BYTES..=MAX_VIEWER_KEY_BYTES).contains(&key.len()) {
                let (bytes, least, most) = (key.len(), MIN_VIEWER_KEY_BYTES, MAX_VIEWER_KEY_BYTES);
                tracing::error!(backend, bytes, least, most, "this key is too short or too long, and is not used");
                continue;
            }
            if keys.len() == MAX_VIEWER_KEYS {
                tracing::error!(allowed = MAX_VIEWER_KEYS, "the secret has more keys than are used");
                return Ok(keys);
            }
            keys.push(Key(key));
        }
    }
    Ok(keys)
}
