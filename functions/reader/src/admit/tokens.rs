//! Bearer tokens from a secret: a JSON object from a caller's name to a token or a list of tokens, so that a caller
//! can rotate its token without an interruption: `{"bot": ["new…", "old…"], "crm": "…"}`.
//!
//! Promises: the time of a comparison reveals nothing about a token.

use super::kept::{Kept, Unknown};
use crate::reply::Reply;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::{Choice, ConstantTimeEq};
use tidings_config::limits::{MAX_CONTEXT_TOKEN_BYTES, MAX_CONTEXT_TOKENS, MIN_CONTEXT_TOKEN_BYTES};
use tidings_config::time::Clock;
use tidings_core::ports::SecretStore;
use tidings_core::secrets::parse;

/// The tokens as last fetched.
#[derive(Debug)]
pub struct TokenBook(Kept<Token>);

/// A token's hash: all hashes have one length, and the token itself isn't stored.
struct Token {
    caller: String,
    sha256: [u8; 32],
}

impl TokenBook {
    pub fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self(Kept::new(store, clock, "the read API's tokens", tokens))
    }

    /// Fetches now. If that fails, the loaded tokens stay in use.
    pub(crate) async fn load(&self) {
        self.0.load().await;
    }

    /// The caller with this token.
    pub(crate) async fn admit(&self, authorization: Option<&str>) -> Result<String, Reply> {
        // A request without a token causes no fetch.
        let given = authorization.and_then(bearer).ok_or(Reply::Unauthorized)?;
        match self.0.find(|tokens| find(tokens, given)).await {
            Ok(caller) => caller.ok_or(Reply::Unauthorized),
            Err(Unknown) => Err(Reply::Unavailable),
        }
    }
}

/// The token of `Bearer …`. The scheme's name ignores case (RFC 9110).
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim_matches(' ');
    let fits = (MIN_CONTEXT_TOKEN_BYTES..=MAX_CONTEXT_TOKEN_BYTES).contains(&token.len());
    (scheme.eq_ignore_ascii_case("Bearer") && fits).then_some(token)
}

/// Compares with every token, so that the time doesn't reveal which one is similar.
fn find(tokens: &[Token], given: &str) -> Option<String> {
    let given = sha256(given);
    let mut caller = None;
    for token in tokens {
        let is_equal: Choice = token.sha256.ct_eq(&given);
        if bool::from(is_equal) {
            caller = Some(&token.caller);
        }
    }
    caller.cloned()
}

fn sha256(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Parses the secret's document. A token of a wrong length is left out, and the log names its caller.
fn tokens(document: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    for (caller, given) in parse(document).map_err(|error| error.to_string())? {
        for token in given.0 {
            if !(MIN_CONTEXT_TOKEN_BYTES..=MAX_CONTEXT_TOKEN_BYTES).contains(&token.len()) {
                let (bytes, least, most) = (token.len(), MIN_CONTEXT_TOKEN_BYTES, MAX_CONTEXT_TOKEN_BYTES);
                tracing::error!(caller, bytes, least, most, "this token is too short or too long, and is not accepted");
                continue;
            }
            if tokens.len() == MAX_CONTEXT_TOKENS {
                tracing::error!(allowed = MAX_CONTEXT_TOKENS, "the secret of the read API has more tokens than are accepted");
                return Ok(tokens);
            }
            tokens.push(Token { caller: caller.clone(), sha256: sha256(&token) });
        }
    }
    Ok(tokens)
}
