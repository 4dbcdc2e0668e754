//! The document of secrets: the stack's own secret under `@master`, and secrets of endpoints by the names that
//! `endpoints.yaml` gives them, newest first.
//!
//! Promises: a document that can't be fetched leaves the one before in use; without any, nothing is attempted and nothing
//! counts as failed. Never: a secret in a log or an error.

use crate::endpoint::Registered;
use crate::limits::{MAX_SECRETS, MIN_MASTER_BYTES};
use crate::sign::{Keys, SigningKey, SigningPair};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError};
use tidings_config::time::{Clock, Timestamp};
use tidings_core::ports::{SecretStore, Unavailable};
use tidings_core::secrets::{Fetches, parse};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// The name of the stack's own secret.
pub const MASTER: &str = "@master";

/// The secrets as last fetched.
#[derive(Debug)]
pub struct SecretBook {
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    /// Held while one attempt fetches: the others wait for it.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    secrets: Arc<Secrets>,
    fetches: Fetches,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("fetches", &self.fetches).finish_non_exhaustive()
    }
}

/// A document of secrets, read.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, Vec<Zeroizing<String>>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").field(&self.0.len()).finish()
    }
}

/// Why an endpoint's webhooks can't be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    #[error("the secrets could not be fetched: {0}")]
    Unavailable(#[from] Unavailable),
    #[error("the document of secrets has no usable {0:?}")]
    Missing(String),
}

impl Secrets {
    /// Reads a document. An error names the place, and no content.
    pub fn read(document: &str) -> Result<Self, String> {
        let read = parse(document).map_err(|error| error.to_string())?;
        let secrets = read.into_iter().map(|(name, secrets)| (name, secrets.0.into_iter().map(Zeroizing::new).collect()));
        Ok(Self(secrets.collect()))
    }

    /// The keys of an endpoint.
    pub fn keys(&self, registered: &Registered, now: Timestamp) -> Result<Keys, KeysError> {
        let (id, status) = (&registered.endpoint.id, &registered.status);
        let missing = |name: &str| KeysError::Missing(name.to_owned());
        let mut keys = Keys::default();
        let mut generations = vec![status.generation];
        if status.signs_with_previous(now) {
            generations.extend(status.generation.checked_sub(1));
        }
        let master = || {
            let master = self.0.get(MASTER).and_then(|secrets| secrets.first());
            master.filter(|master| master.len() >= MIN_MASTER_BYTES).ok_or_else(|| missing(MASTER))
        };
        match &registered.endpoint.secret {
            Some(name) => {
                let given = self.0.get(name).into_iter().flatten().take(MAX_SECRETS);
                keys.secrets = given.filter_map(|secret| SigningKey::parse(secret).ok()).collect();
                if keys.secrets.is_empty() {
                    return Err(missing(name));
                }
            }
            None => {
                let master = master()?;
                keys.secrets = generations.iter().map(|n| SigningKey::derived(master.as_bytes(), id, *n)).collect();
            }
        }
        if registered.endpoint.ed25519 {
            let master = master()?;
            keys.pairs = generations.iter().map(|n| SigningPair::derived(master.as_bytes(), id, *n)).collect();
        }
        Ok(keys)
    }
}

impl SecretBook {
    pub fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, state: Mutex::default() }
    }

    /// The keys of an endpoint. If there are none, the document is fetched again, at most once a minute.
    pub async fn keys(&self, registered: &Registered) -> Result<Keys, KeysError> {
        let now = self.clock.now();
        let mut state = self.state.lock().await;
        let mut failed = None;
        if state.fetches.is_due(state.secrets.0.is_empty(), now) {
            failed = self.fetch(&mut state, now).await.err();
        }
        let keys = state.secrets.keys(registered, now);
        if keys.is_err() && state.fetches.may_retry(now) {
            failed = self.fetch(&mut state, now).await.err();
            return state.secrets.keys(registered, now).map_err(|error| failed.unwrap_or(error));
        }
        keys.map_err(|error| failed.unwrap_or(error))
    }

    async fn fetch(&self, state: &mut State, now: Timestamp) -> Result<(), KeysError> {
        state.fetches.tried = Some(now);
        let fetched = self.store.fetch().await.inspect_err(|error| {
            tracing::error!(cause = %error, "the endpoints' secrets could not be fetched; those loaded before stay in use");
        })?;
        match Secrets::read(&fetched) {
            Ok(secrets) => {
                state.secrets = Arc::new(secrets);
                state.fetches.loaded = Some(now);
            }
            Err(cause) => tracing::error!(cause, "the endpoints' secrets can't be read; those loaded before stay in use"),
        }
        Ok(())
    }
}

/// A lock that a panic can't poison for others.
pub(crate) fn locked<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
