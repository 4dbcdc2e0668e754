//! Bearer tokens from a secret: a JSON object from a caller's name to a token or a list of tokens, so that a caller
//! can rotate its token without an interruption: `{"bot": ["new…", "old…"], "crm": "…"}`.
//!
//! Promises: the time of a comparison reveals nothing about a token. A token that was removed from the secret is
//! refused after [`SECRETS_REFRESH`](tidings_config::limits::SECRETS_REFRESH), or after [`TOKENS_KEPT`] if Secrets
//! Manager doesn't respond. Never: a fetch for each wrong token.

use crate::reply::Reply;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use subtle::{Choice, ConstantTimeEq};
use tidings_config::limits::{MAX_CONTEXT_TOKEN_BYTES, MAX_CONTEXT_TOKENS, MIN_CONTEXT_TOKEN_BYTES, TOKENS_KEPT};
use tidings_config::time::Clock;
use tidings_core::ports::SecretStore;
use tidings_core::secrets::{Fetches, parse};

/// The tokens as last fetched.
#[derive(Debug)]
pub struct TokenBook {
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tokens: Vec<Token>,
    fetches: Fetches,
}

/// Its Debug leaves out the tokens.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("tokens", &self.tokens.len()).field("loaded", &self.fetches.loaded).finish_non_exhaustive()
    }
}

/// A token's hash: all hashes have one length, and the token itself isn't stored.
struct Token {
    caller: String,
    sha256: [u8; 32],
}

impl TokenBook {
    pub fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, state: Mutex::default() }
    }

    /// Fetches now. If that fails, the loaded tokens stay in use.
    pub(crate) async fn load(&self) {
        let now = self.clock.now();
        self.state().fetches.tried = Some(now);
        let fetched = self.store.fetch().await.map_err(|error| error.to_string());
        match fetched.and_then(|document| tokens(&document)) {
            Ok(tokens) => {
                if tokens.is_empty() {
                    tracing::warn!("the secret of the read API has no token: every request gets 503");
                }
                let mut state = self.state();
                (state.tokens, state.fetches.loaded) = (tokens, Some(now));
            }
            Err(cause) => tracing::error!(cause, "the tokens could not be fetched; those loaded before stay in use for a while"),
        }
    }

    /// The caller with this token.
    pub(crate) async fn admit(&self, authorization: Option<&str>) -> Result<String, Reply> {
        // A request without a token causes no fetch.
        let given = authorization.and_then(bearer).ok_or(Reply::Unauthorized)?;
        if self.is_due() {
            self.load().await;
        }
        if let Some(caller) = self.caller(given)? {
            return Ok(caller);
        }
        if self.may_retry() {
            self.load().await;
        }
        self.caller(given)?.ok_or(Reply::Unauthorized)
    }

    /// `None`: no token matches. Errors: the tokens aren't known.
    fn caller(&self, given: &str) -> Result<Option<String>, Reply> {
        let now = self.clock.now();
        let state = self.state();
        let is_known = !state.tokens.is_empty() && state.fetches.loaded.is_some_and(|loaded| now.since(loaded) < TOKENS_KEPT);
        if is_known { Ok(find(&state.tokens, given)) } else { Err(Reply::Unavailable) }
    }

    fn is_due(&self) -> bool {
        let state = self.state();
        state.fetches.is_due(state.tokens.is_empty(), self.clock.now())
    }

    fn may_retry(&self) -> bool {
        self.state().fetches.may_retry(self.clock.now())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this")
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
