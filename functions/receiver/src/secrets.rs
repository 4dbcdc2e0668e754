//! The sources' secrets, held in memory.
//!
//! Promises: loaded in INIT, fetched again every five minutes; on a signature that doesn't match, at most once a minute;
//! the stale ones serve while the store is down. Never: a secret in a log, an error or a Debug. A source without a secret
//! is answered 503, never 401.

use crate::verify::Key;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_core::config::OneOrMany;
use tidings_core::config::source::Source;
use tidings_core::limits::{
    MAX_SECRET_DOCUMENT_BYTES, MAX_SECRETS_PER_SOURCE, SECRETS_REFRESH, SECRETS_RETRY, SECRETS_RETRY_EMPTY,
};
use tidings_core::ports::SecretStore;
use tidings_core::telemetry::Metric;
use tidings_core::time::{Clock, Timestamp};

/// The keys of one source, newest first.
pub type Keys = Arc<[Key]>;

/// The secrets as they were last fetched.
#[derive(Debug)]
pub struct SecretBook {
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: HashMap<String, Keys>,
    /// The last fetch that succeeded.
    loaded: Option<Timestamp>,
    /// The last fetch of any end.
    tried: Option<Timestamp>,
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
            Ok(keys) => {
                let mut state = self.state();
                state.keys = keys;
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

/// Reads the document: a JSON object from source to a secret or a list of them, newest first. An error names what is
/// wrong, never what is there.
fn read(document: &str, sources: &[Source]) -> Result<HashMap<String, Keys>, String> {
    if document.len() > MAX_SECRET_DOCUMENT_BYTES {
        return Err(format!("the secret has {} bytes, allowed: {MAX_SECRET_DOCUMENT_BYTES}", document.len()));
    }
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Document(BTreeMap<String, OneOrMany<String>>);
    let Document(secrets) = serde_json::from_str(document).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        format!("the secret is not a JSON object from source to a text or a list of texts ({place})")
    })?;

    let mut keys = HashMap::new();
    for source in sources {
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
    Ok(keys)
}
