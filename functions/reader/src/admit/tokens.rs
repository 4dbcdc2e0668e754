//! Bearer tokens of a secret: a JSON object from a caller's name to a token or a list of tokens, so that a caller can change theirs
//! without a moment without one: `{"bot": ["new…", "old…"], "crm": "…"}`.
//!
//! Promises: the time of a comparison says nothing about a token; a token that was taken out of the secret is refused after
//! [`SECRETS_REFRESH`](tidings_config::limits::SECRETS_REFRESH), and after [`TOKENS_KEPT`] if Secrets Manager has no answer. Never: a fetch for each wrong token.

use crate::reply::Reply;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use subtle::{Choice, ConstantTimeEq};
use tidings_config::limits::{MAX_CONTEXT_TOKEN_BYTES, MAX_CONTEXT_TOKENS, MIN_CONTEXT_TOKEN_BYTES, TOKENS_KEPT};
use tidings_config::time::Clock;
use tidings_core::ports::SecretStore;
use tidings_core::secrets::{Fetches, parse};

/// The tokens as they were last fetched.
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

/// Tokens are left out.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("tokens", &self.tokens.len()).field("loaded", &self.fetches.loaded).finish_non_exhaustive()
    }
}

/// Of the token its hash: all have one length, and the token itself isn't kept.
struct Token {
    caller: String,
    sha256: [u8; 32],
}

impl TokenBook {
    pub fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, state: Mutex::default() }
    }

    /// Fetches now. If that fails, the tokens that were fetched before are kept.
    pub(crate) async fn load(&self) {
        let now = self.clock.now();
        self.state().fetches.tried = Some(now);
        let fetched = self.store.fetch().await.map_err(|error| error.to_string());
        match fetched.and_then(|document| tokens(&document)) {
            Ok(tokens) => {
                if tokens.is_empty() {
                    tracing::warn!("the secret of the read API has no token: every request is answered 503");
                }
                let mut state = self.state();
                (state.tokens, state.fetches.loaded) = (tokens, Some(now));
            }
            Err(cause) => tracing::error!(cause, "the tokens couldn't be fetched; those fetched before stay in use for a while"),
        }
    }

    /// The caller whose token this is.
    pub(crate) async fn admit(&self, authorization: Option<&str>) -> Result<String, Reply> {
        // Nothing is fetched for a request that has no token at all.
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

    /// `None`: none of the tokens. An error: which tokens there are isn't known.
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

/// The token of `Bearer …`. The scheme's name is of either case, as RFC 9110 has it.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim_matches(' ');
    let fits = (MIN_CONTEXT_TOKEN_BYTES..=MAX_CONTEXT_TOKEN_BYTES).contains(&token.len());
    (scheme.eq_ignore_ascii_case("Bearer") && fits).then_some(token)
}

/// Compares with every token, so that the time says nothing about which of them it is like.
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

/// Of the secret's document. A token that is too short to be one is left out, and the log says whose it is.
fn tokens(document: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    for (caller, given) in parse(document).map_err(|error| error.to_string())? {
        for token in given.0 {
            if !(MIN_CONTEXT_TOKEN_BYTES..=MAX_CONTEXT_TOKEN_BYTES).contains(&token.len()) {
                let (bytes, least, most) = (token.len(), MIN_CONTEXT_TOKEN_BYTES, MAX_CONTEXT_TOKEN_BYTES);
                tracing::error!(caller, bytes, least, most, "this token is too short or too long, and isn't accepted");
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
