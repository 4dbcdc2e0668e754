//! Providers' public keys: fetched when a request needs one, cached, and shared by later requests.
//!
//! Promises: a key is fetched only after every other check of a request has passed, including the form of the
//! address. One address is fetched at most once a minute. Addresses that requests name may be forged, so they have a
//! `Budget` for each source; a forged request never prevents a genuine one's fetch. A fetched key stays in use while
//! its address is down.

mod budget;

use crate::verify::{KeyDocument, KeySet, NeededKey, PublicKeys};
use budget::Budget;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::limits::{KEY_LIFETIME, KEY_RETRY, MAX_KEYS_PER_SOURCE};
use tidings_config::source::Source;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::ports::{Get, GetError, HttpsGet};
use tidings_core::telemetry::Metric;

/// The keys as last fetched.
pub struct RemoteKeys {
    https: Arc<dyn HttpsGet>,
    clock: Arc<dyn Clock>,
    state: Mutex<HashMap<String, Fetched>>,
}

/// The keys of one source.
#[derive(Clone, Default)]
struct Fetched {
    keys: Arc<PublicKeys>,
    /// In the order of the first fetch, with the kind of each.
    addresses: Vec<NeededKey>,
    /// Addresses that failed within [`KEY_RETRY`]. The budget bounds those that requests name.
    failed: HashMap<String, Failed>,
    budget: Budget,
}

/// A fetch that failed or is still running.
#[derive(Clone, Copy, Debug)]
struct Failed {
    at: Timestamp,
    /// The result for requests that name it.
    end: Fetch,
}

/// The result of asking for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// The address was read: look again.
    Done,
    /// The address was read within the minute and doesn't have this key, or its host says that the address doesn't
    /// exist. A genuine request wouldn't name it.
    NoSuchKey,
    /// It couldn't be read, or not yet: a genuine request can't be distinguished from a forged one.
    Unavailable,
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys").field("https", &self.https).finish_non_exhaustive()
    }
}

impl RemoteKeys {
    pub fn new(https: Arc<dyn HttpsGet>, clock: Arc<dyn Clock>) -> Self {
        Self { https, clock, state: Mutex::default() }
    }

    /// The source's keys. Old key sets are fetched again first: a provider revokes a key by removing it.
    pub async fn of(&self, source: &Source) -> Arc<PublicKeys> {
        if source.schemes().all(|scheme| scheme.remote_key.is_none()) {
            return Arc::default();
        }
        let now = self.clock.now();
        let fetched = self.state().get(&source.name).cloned().unwrap_or_default();
        let is_old = |set: &KeySet| now.since(set.fetched) >= KEY_LIFETIME;
        let old = fetched
            .addresses
            .iter()
            .find(|key| key.kind == KeyDocument::KeySet && fetched.keys.get(&key.url).is_some_and(is_old));
        if let Some(old) = old {
            self.fetch(source, old).await;
        }
        self.state().get(&source.name).map(|fetched| Arc::clone(&fetched.keys)).unwrap_or_default()
    }

    /// Fetches what a request needs, unless its address was tried within the minute or the budget is empty.
    pub async fn fetch(&self, source: &Source, needed: &NeededKey) -> Fetch {
        let now = self.clock.now();
        if needed.known_since.is_some_and(|at| now.since(at) < KEY_RETRY) {
            return Fetch::NoSuchKey;
        }
        if let Err(end) = self.begin(source, needed, now) {
            return end;
        }
        let set = match self.https.get(&Get::public(&needed.url)).await {
            Ok(document) => KeySet::of(needed.kind, &document, now).map_err(|error| error.to_string()),
            Err(error) if is_no_such_address(needed, &error) => {
                self.state().entry(source.name.clone()).or_default().end(needed, now, Fetch::NoSuchKey);
                return Fetch::NoSuchKey;
            }
            Err(error) => Err(error.to_string()),
        };
        match set {
            Ok(set) => {
                self.keep(source, needed, set);
                Fetch::Done
            }
            Err(cause) => {
                Metric::KeyUnavailable.count(&source.name);
                tracing::error!(source = source.name, cause, "the provider's key could not be fetched");
                Fetch::Unavailable
            }
        }
    }

    /// Whether the address may be fetched now. If so, no other request fetches it meanwhile.
    fn begin(&self, source: &Source, needed: &NeededKey, now: Timestamp) -> Result<(), Fetch> {
        let mut state = self.state();
        let fetched = state.entry(source.name.clone()).or_default();
        fetched.failed.retain(|_, failed| now.since(failed.at) < KEY_RETRY);
        if let Some(failed) = fetched.failed.get(&needed.url) {
            return Err(failed.end);
        }
        let has_budget = match needed.kind {
            // The scheme names this address, not the request.
            KeyDocument::KeySet => true,
            KeyDocument::Certificate { .. } => fetched.budget.take(&needed.url, now),
        };
        if !has_budget {
            return Err(Fetch::Unavailable);
        }
        fetched.end(needed, now, Fetch::Unavailable);
        Ok(())
    }

    fn keep(&self, source: &Source, needed: &NeededKey, set: KeySet) {
        let mut state = self.state();
        let fetched = state.entry(source.name.clone()).or_default();
        fetched.failed.remove(&needed.url);
        let keys = Arc::make_mut(&mut fetched.keys);
        keys.insert(needed.url.clone(), set);
        if fetched.addresses.iter().all(|known| known.url != needed.url) {
            fetched.addresses.push(NeededKey { known_since: None, ..needed.clone() });
        }
        if fetched.addresses.len() > MAX_KEYS_PER_SOURCE {
            keys.remove(&fetched.addresses.remove(0).url);
        }
    }

    fn state(&self) -> MutexGuard<'_, HashMap<String, Fetched>> {
        self.state.lock().expect("nothing panics while it holds this")
    }
}

impl Fetched {
    fn end(&mut self, needed: &NeededKey, at: Timestamp, end: Fetch) {
        self.failed.insert(needed.url.clone(), Failed { at, end });
    }
}

/// Whether the provider's own host says that a certificate's address doesn't exist. A status that a proxy or a policy
/// of ours may give (401, 403, 407), an overloaded host (429) or a failing one proves nothing. A request can't choose
/// a key set's address.
fn is_no_such_address(needed: &NeededKey, error: &GetError) -> bool {
    match (needed.kind, error) {
        (KeyDocument::Certificate { .. }, GetError::Status(status)) => matches!(status, 400 | 404 | 410),
        (KeyDocument::Certificate { .. }, GetError::NoAnswer(_)) | (KeyDocument::KeySet, _) => false,
    }
}
