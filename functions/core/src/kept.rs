//! A document of secrets as last fetched, with what this function needs of it.
//!
//! Promises: an entry that was removed from the secret isn't used after
//! [`SECRETS_REFRESH`](tidings_config::limits::SECRETS_REFRESH), or after [`TOKENS_KEPT`] if Secrets Manager doesn't
//! respond. Never: a fetch for each request that no entry fits.

use crate::ports::SecretStore;
use crate::secrets::Fetches;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::limits::TOKENS_KEPT;
use tidings_config::time::Clock;

/// Reads the entries of a document. The error names no content.
type Read<T> = fn(&str) -> Result<Vec<T>, String>;

/// The entries of a secret.
pub struct Kept<T> {
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    read: Read<T>,
    /// Whose secret it is, for logs.
    whose: &'static str,
    state: Mutex<State<T>>,
}

struct State<T> {
    entries: Vec<T>,
    fetches: Fetches,
}

/// The entries aren't known: the secret couldn't be fetched, or has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

/// Its Debug leaves out the entries.
impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Kept")
            .field("whose", &self.whose)
            .field("entries", &state.entries.len())
            .field("loaded", &state.fetches.loaded)
            .finish_non_exhaustive()
    }
}

impl<T> Kept<T> {
    pub fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>, whose: &'static str, read: Read<T>) -> Self {
        let state = Mutex::new(State { entries: Vec::new(), fetches: Fetches::default() });
        Self { store, clock, read, whose, state }
    }

    /// Fetches now. If that fails, the loaded entries stay in use.
    pub async fn load(&self) {
        let now = self.clock.now();
        self.state().fetches.tried = Some(now);
        let whose = self.whose;
        let fetched = self.store.fetch().await.map_err(|error| error.to_string());
        match fetched.and_then(|document| (self.read)(&document)) {
            Ok(entries) => {
                if entries.is_empty() {
                    tracing::warn!(whose, "this secret has no entry that can be used: every request gets 503");
                }
                let mut state = self.state();
                (state.entries, state.fetches.loaded) = (entries, Some(now));
            }
            Err(cause) => {
                tracing::error!(cause, whose, "the secret could not be fetched; what was loaded before stays in use for a while")
            }
        }
    }

    /// What `find` finds among the entries. If it finds nothing, the secret may be fetched again first.
    pub async fn find<R>(&self, find: impl Fn(&[T]) -> Option<R>) -> Result<Option<R>, Unknown> {
        if self.is_due() {
            self.load().await;
        }
        if let Some(found) = self.among(&find)? {
            return Ok(Some(found));
        }
        if self.may_retry() {
            self.load().await;
        }
        self.among(&find)
    }

    fn among<R>(&self, find: impl Fn(&[T]) -> Option<R>) -> Result<Option<R>, Unknown> {
        let now = self.clock.now();
        let state = self.state();
        let is_known = !state.entries.is_empty() && state.fetches.loaded.is_some_and(|loaded| now.since(loaded) < TOKENS_KEPT);
        if is_known { Ok(find(&state.entries)) } else { Err(Unknown) }
    }

    fn is_due(&self) -> bool {
        let state = self.state();
        state.fetches.is_due(state.entries.is_empty(), self.clock.now())
    }

    fn may_retry(&self) -> bool {
        self.state().fetches.may_retry(self.clock.now())
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().expect("nothing panics while it holds this")
    }
}
