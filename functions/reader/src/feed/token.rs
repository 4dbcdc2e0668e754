//! Viewers' tokens: JSON Web Tokens (RFC 7519), signed with HS256 by the bot's backend with a key of the feed's secret.
//! Every language has a library for them, and none is needed:
//! `base64url(header).base64url(claims).base64url(HMAC-SHA-256 of both with the point)`.
//!
//! | claim | |
//! |---|---|
//! | `sub` | the conversation, whose name must not be empty |
//! | `exp` | when the token ends, in seconds since 1970: at most a day from now |
//! | `nbf` | optional: when it begins |
//! | `scope` | optional: words with spaces between them: `action`, `context` and `message` (what the viewer sees; all, if it is left out), `append` (the bot's own) |
//!
//! Promises: the algorithm is ours, not the token's; a signature is compared in constant time with every key.

use super::reply::FeedReply;
use crate::admit::{Kept, Unknown};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;
use std::fmt;
use std::sync::Arc;
use tidings_config::limits::{
    JWT_LEEWAY, MAX_CONVERSATION_BYTES, MAX_VIEWER_KEY_BYTES, MAX_VIEWER_KEYS, MAX_VIEWER_TOKEN_BYTES, MAX_VIEWER_TOKEN_LIFETIME,
    MIN_VIEWER_KEY_BYTES,
};
use tidings_config::time::{Clock, Timestamp};
use tidings_core::context::UpdateKind;
use tidings_core::ports::SecretStore;
use tidings_core::secrets::parse;
use zeroize::Zeroizing;

/// Who may see a conversation, as a verified token says. Only [`Keys`] makes one.
#[derive(Clone)]
pub struct Viewer {
    pub(super) conversation: String,
    sees: Vec<UpdateKind>,
    appends: bool,
    ends: Timestamp,
}

/// Its Debug leaves out the conversation.
impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conversation: _, sees, appends, ends } = self;
        f.debug_struct("Viewer").field("sees", sees).field("appends", appends).field("ends", ends).finish_non_exhaustive()
    }
}

impl Viewer {
    pub fn conversation(&self) -> &str {
        &self.conversation
    }

    pub(super) fn sees(&self, event: UpdateKind) -> bool {
        self.sees.contains(&event)
    }

    pub(super) fn may_append(&self) -> bool {
        self.appends
    }

    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        now <= self.ends.plus(JWT_LEEWAY)
    }
}

/// The keys as last fetched: a JSON object from the name of a backend to a key or a list of keys.
#[derive(Debug)]
pub struct Keys(Kept<Key>);

struct Key(Zeroizing<String>);

#[derive(Deserialize)]
struct Header {
    alg: String,
    /// Extensions that a reader must understand (RFC 7515). None is supported.
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<Value>,
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

const MALFORMED: FeedReply = FeedReply::Unauthorized("send a valid token: Authorization: Bearer …, or ?token=…");

impl Keys {
    pub fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self(Kept::new(store, clock, "the feed's keys", keys))
    }

    /// Fetches now. If that fails, the loaded keys stay in use.
    pub(super) async fn load(&self) {
        self.0.load().await;
    }

    pub(super) async fn viewer(&self, token: Option<&str>, now: Timestamp) -> Result<Viewer, FeedReply> {
        // A request without a token causes no fetch.
        let token = token.and_then(Token::read).ok_or(MALFORMED)?;
        match self.0.find(|keys| token.is_signed_by(keys).then_some(())).await {
            Ok(Some(())) => token.viewer(now),
            Ok(None) => Err(MALFORMED),
            Err(Unknown) => Err(FeedReply::Unavailable),
        }
    }
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
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return fits };
            mac.update(self.signed.as_bytes());
            mac.verify_slice(&self.signature).is_ok() | fits
        })
    }

    /// The viewer of a verified token.
    fn viewer(&self, now: Timestamp) -> Result<Viewer, FeedReply> {
        let refused = |why: &'static str| Err(FeedReply::Unauthorized(why));
        let claims = URL_SAFE_NO_PAD.decode(self.claims).ok();
        let Some(claims) = claims.and_then(|json| serde_json::from_slice::<Claims>(&json).ok()) else {
            return refused("the token's claims are not a JSON object");
        };
        let Some(Value::String(conversation)) = claims.sub else {
            return refused("the token has no sub: the conversation's name, as text");
        };
        if conversation.is_empty() || conversation.len() > MAX_CONVERSATION_BYTES {
            return refused("the token's sub is empty, or longer than 512 bytes");
        }
        let Some(ends) = claims.exp.as_ref().and_then(seconds) else {
            return refused("the token has no exp: its end in seconds since 1970, as a number");
        };
        if now > ends.plus(JWT_LEEWAY) {
            return refused("the token has expired");
        }
        if ends > now.plus(MAX_VIEWER_TOKEN_LIFETIME).plus(JWT_LEEWAY) {
            return refused("the token's exp is too far ahead; allowed: a day");
        }
        match claims.nbf.as_ref().map(seconds) {
            Some(None) => return refused("the token's nbf is not a number"),
            Some(Some(begins)) if begins > now.plus(JWT_LEEWAY) => return refused("the token is not valid yet"),
            Some(Some(_)) | None => {}
        }
        let all = [UpdateKind::Action, UpdateKind::Context, UpdateKind::Message];
        let (sees, appends) = match &claims.scope {
            None => (all.to_vec(), false),
            Some(Value::String(scope)) => {
                let has = |word: &str| scope.split(' ').any(|given| given == word);
                (all.into_iter().filter(|kind| has(kind.as_str())).collect(), has("append"))
            }
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                return refused("the token's scope is not a text");
            }
        };
        Ok(Viewer { conversation, sees, appends, ends })
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
                tracing::error!(allowed = MAX_VIEWER_KEYS, "the feed's secret has more keys than are used");
                return Ok(keys);
            }
            keys.push(Key(key));
        }
    }
    Ok(keys)
}
