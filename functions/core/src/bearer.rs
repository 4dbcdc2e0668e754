//! Bearer tokens from a secret: a JSON object from a caller's name to a token or a list of tokens, so that a caller
//! can rotate its token without an interruption: `{"bot": ["new…", "old…"], "crm": "…"}`.
//!
//! Promises: the time of a comparison reveals nothing about a token.

use crate::kept::{Kept, Unknown};
use crate::ports::SecretStore;
use crate::secrets::parse;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::{Choice, ConstantTimeEq};
use tidings_config::limits::{MAX_CONTEXT_TOKEN_BYTES, MAX_CONTEXT_TOKENS, MIN_CONTEXT_TOKEN_BYTES};
use tidings_config::time::Clock;

/// The tokens as last fetched.
#[derive(Debug)]
pub struct TokenBook(Kept<Token>);

/// A token's hash: all hashes have one length, and the token itself isn't stored.
struct Token {
    caller: String,
    sha256: [u8; 32],
}

/// Why nobody is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    /// The token is missing or wrong. Nobody is told which.
    Unauthorized,
    /// The tokens aren't known. A retry may help.
    Unavailable,
}

impl TokenBook {
    /// `whose`: whose tokens they are, for logs.
    pub fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>, whose: &'static str) -> Self {
        Self(Kept::new(store, clock, whose, tokens))
    }

    /// Fetches now. If that fails, the loaded tokens stay in use.
    pub async fn load(&self) {
        self.0.load().await;
    }

    /// The caller with this token.
    pub async fn admit(&self, authorization: Option<&str>) -> Result<String, NotAdmitted> {
        // A request without a token causes no fetch.
        let fits = |token: &&str| (MIN_CONTEXT_TOKEN_BYTES..=MAX_CONTEXT_TOKEN_BYTES).contains(&token.len());
        let given = authorization.and_then(bearer).filter(fits).ok_or(NotAdmitted::Unauthorized)?;
        match self.0.find(|tokens| find(tokens, given)).await {
            Ok(caller) => caller.ok_or(NotAdmitted::Unauthorized),
            Err(Unknown) => Err(NotAdmitted::Unavailable),
        }
    }
}

/// The token of `Bearer …`. The scheme's name ignores case (RFC 9110).
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim_matches(' '))
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
                tracing::error!(allowed = MAX_CONTEXT_TOKENS, "the secret has more tokens than are accepted");
                return Ok(tokens);
            }
            tokens.push(Token { caller: caller.clone(), sha256: sha256(&token) });
        }
    }
    Ok(tokens)
}
