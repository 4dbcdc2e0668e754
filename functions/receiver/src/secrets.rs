//! The sources' secrets, held in memory.
//!
//! Promises: loaded in INIT, fetched again every five minutes; on a signature that doesn't match, at most once a minute;
//! the stale ones serve while the store is down. Never: a secret in a log, an error or a Debug. A source without a secret
//! is answered 503, never 401.

use crate::verify::Key;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_core::config::OneOrMany;
use tidings_core::config::source::Source;
use tidings_core::limits::{
    MAX_SECRET_DOCUMENT_BYTES, MAX_SECRETS_PER_SOURCE, SECRETS_REFRESH, SECRETS_RETRY, SECRETS_RETRY_EMPTY,
};
use tidings_core::ports::SecretStore;
use tidings_core::telemetry::Metric;
use tidings_core::time::{Clock, Timestamp};
use zeroize::Zeroizing;

/// The keys of one source, newest first.
pub type Keys = Arc<[Key]>;

/// Keys and tokens, by source.
type Secrets = (HashMap<String, Keys>, HashMap<String, Zeroizing<String>>);

/// The secrets as they were last fetched.
#[derive(Debug)]
pub struct SecretBook {
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: HashMap<String, Keys>,
    /// By source: `{source}.verify_token` of the document.
    verify_tokens: HashMap<String, Zeroizing<String>>,
    /// The last fetch that succeeded.
    loaded: Option<Timestamp>,
    /// The last fetch of any end.
    tried: Option<Timestamp>,
}

/// Keys redact themselves; tokens are left out.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("keys", &self.keys).field("loaded", &self.loaded).finish_non_exhaustive()
    }
}

impl SecretBook {
    pub fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, state: Mutex::default() }
    }

    /// Fetches now. `true` if there are secrets that were just fetched.
    pub async fn load(&self, sources: &[Source]) -> bool {
        let now = self.clock.now();
        self.state().tried = Some(now);
        let fetched = match self.store.fetch().await {
            Ok(document) => read(&document, sources),
            Err(unavailable) => Err(unavailable.to_string()),
        };
        match fetched {
            Ok((keys, verify_tokens)) => {
                let mut state = self.state();
                state.keys = keys;
                state.verify_tokens = verify_tokens;
                state.loaded = Some(now);
                true
            }
            Err(cause) => {
                Metric::SecretsUnavailable.count("all", now);
                tracing::error!(cause, "no secrets could be loaded; those loaded before stay in use");
                false
            }
        }
    }

    /// The keys of a source, fetched again if they are old. `None`: there are none.
    pub async fn keys(&self, sources: &[Source], source: &Source) -> Option<Keys> {
        if self.due() {
            self.load(sources).await;
        }
        self.state().keys.get(&source.name).cloned()
    }

    /// What the operator agreed on with the provider for its handshake.
    pub fn verify_token(&self, source: &str) -> Option<Zeroizing<String>> {
        self.state().verify_tokens.get(source).cloned()
    }

    /// Fetches because a signature didn't match, unless that was done within a minute. `true` if it was worth it.
    pub async fn refresh_on_mismatch(&self, sources: &[Source]) -> bool {
        let waited = self.state().tried.is_none_or(|tried| self.clock.now().since(tried) >= SECRETS_RETRY);
        waited && self.load(sources).await
    }

    fn due(&self) -> bool {
        let now = self.clock.now();
        let state = self.state();
        let since = |at: Option<Timestamp>, limit| at.is_none_or(|at| now.since(at) >= limit);
        if state.keys.is_empty() {
            since(state.tried, SECRETS_RETRY_EMPTY)
        } else {
            since(state.loaded, SECRETS_REFRESH) && since(state.tried, SECRETS_RETRY)
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this")
    }
}

/// Why a document of secrets can't be read. It names the place and nothing that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secrets are no JSON object from source to a secret or a list of secrets (line {line} column {column})")]
pub struct DocumentError {
    line: usize,
    column: usize,
}

/// The document's form: from source to its secrets, newest first.
pub fn parse(document: &str) -> Result<BTreeMap<String, OneOrMany<String>>, DocumentError> {
    serde_json::from_str(document).map_err(|error| DocumentError { line: error.line(), column: error.column() })
}

/// Reads the document: a JSON object from source to a secret or a list of them, newest first. An error names what is
/// wrong, never what is there. Beside its secrets a source may have a token for handshakes: `{source}.verify_token`, a name
/// that no source can have.
fn read(document: &str, sources: &[Source]) -> Result<Secrets, String> {
    if document.len() > MAX_SECRET_DOCUMENT_BYTES {
        return Err(format!("the secret has {} bytes, allowed: {MAX_SECRET_DOCUMENT_BYTES}", document.len()));
    }
    let secrets = parse(document).map_err(|error| error.to_string())?;
    let mut keys = HashMap::new();
    let mut verify_tokens = HashMap::new();
    for source in sources {
        let token = secrets.get(&format!("{}.verify_token", source.name)).and_then(|token| token.0.first());
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            verify_tokens.insert(source.name.clone(), Zeroizing::new(token.clone()));
        }
        let Some(OneOrMany(texts)) = secrets.get(&source.name) else {
            tracing::warn!(source = source.name, "this source has no secret: its requests are answered 503");
            continue;
        };
        if texts.len() > MAX_SECRETS_PER_SOURCE {
            tracing::warn!(
                source = source.name,
                secrets = texts.len(),
                allowed = MAX_SECRETS_PER_SOURCE,
                "more secrets than are tried"
            );
        }
        let mut prepared = Vec::new();
        for (index, text) in texts.iter().take(MAX_SECRETS_PER_SOURCE).enumerate() {
            match Key::prepare(&source.scheme, text) {
                Ok(key) => prepared.push(key),
                Err(why) => tracing::error!(source = source.name, index, %why, "this secret can't be used"),
            }
        }
        if !prepared.is_empty() {
            keys.insert(source.name.clone(), prepared.into());
        }
    }
    Ok((keys, verify_tokens))
}
