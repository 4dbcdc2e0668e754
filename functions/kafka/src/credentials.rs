//! The document of Kafka's secrets: an object from a sink's name to `username` and `password`.
//!
//! Fetched when a connection needs one, at most every five minutes, and again when brokers refuse us, at most once a minute. Old
//! credentials stay in use while the store doesn't respond. Never: a password in a log or an error.

use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tidings_config::limits::MAX_SECRET_DOCUMENT_BYTES;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::ports::SecretStore;
use tidings_core::secrets::Fetches;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// User and password. Its `Debug` shows neither.
#[derive(Clone, Deserialize)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    #[serde(deserialize_with = "zeroizing")]
    pub(crate) password: Zeroizing<String>,
}

fn zeroizing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

#[derive(Debug)]
pub(crate) struct CredentialBook {
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    /// Held while one fetches: the others wait for it.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: BTreeMap<String, Credentials>,
    fetches: Fetches,
}

impl CredentialBook {
    pub(crate) fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, state: Mutex::default() }
    }

    /// The credentials of this name. `None`: the document has none, or couldn't be fetched.
    pub(crate) async fn get(&self, name: &str) -> Option<Credentials> {
        let now = self.clock.now();
        let mut state = self.state.lock().await;
        if state.fetches.is_due(!state.known.contains_key(name), now) {
            self.load(&mut state, now).await;
        }
        state.known.get(name).cloned()
    }

    /// Called if brokers refuse us: there may be a newer password.
    pub(crate) async fn refused(&self) {
        let now = self.clock.now();
        let mut state = self.state.lock().await;
        if state.fetches.may_retry(now) {
            self.load(&mut state, now).await;
        }
    }

    async fn load(&self, state: &mut State, now: Timestamp) {
        state.fetches.tried = Some(now);
        let fetched = self.store.fetch().await.map_err(|error| error.to_string());
        match fetched.and_then(|document| read(&document)) {
            Ok(known) => (state.known, state.fetches.loaded) = (known, Some(now)),
            Err(cause) => tracing::error!(cause, "Kafka's secrets could not be fetched; those loaded before stay in use"),
        }
    }
}

/// Errors name the place and no content.
fn read(document: &str) -> Result<BTreeMap<String, Credentials>, String> {
    if document.len() > MAX_SECRET_DOCUMENT_BYTES {
        return Err(format!("the document has {} bytes, allowed: {MAX_SECRET_DOCUMENT_BYTES}", document.len()));
    }
    serde_json::from_str(document).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("line {line}, column {column}: not an object from names to username and password")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_and_an_error_repeats_none_of_it() {
        let known = read(r#"{"log": {"username": "ann", "password": "hunter2"}}"#).unwrap();
        assert_eq!((known["log"].username.as_str(), known["log"].password.as_str()), ("ann", "hunter2"));
        assert!(!format!("{known:?}").contains("hunter2"));
        for bad in ["", "[]", r#"{"log": "hunter2"}"#, r#"{"log": {"password": "hunter2"}}"#, &" ".repeat(70_000)] {
            let said = read(bad).unwrap_err();
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
