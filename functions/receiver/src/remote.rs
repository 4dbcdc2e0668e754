//! Public keys that providers publish: fetched when a request needs one, kept, and shared by all requests that follow.
//!
//! Promises: nothing is fetched before all else about a request is right; at most one fetch a minute a source, whatever its
//! requests ask for, since they may be forged; a key that was fetched stays in use while its address is down.

use crate::verify::{KeySet, NeededKey, PublicKeys};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_core::config::source::Source;
use tidings_core::limits::{KEY_LIFETIME, KEY_RETRY, MAX_KEYS_PER_SOURCE};
use tidings_core::ports::{Get, HttpsGet};
use tidings_core::telemetry::Metric;
use tidings_core::time::{Clock, Timestamp};

/// The keys as they were last fetched.
pub struct RemoteKeys {
    https: Arc<dyn HttpsGet>,
    clock: Arc<dyn Clock>,
    state: Mutex<HashMap<String, Fetched>>,
}

/// Of one source.
#[derive(Clone, Default)]
struct Fetched {
    keys: Arc<PublicKeys>,
    /// In the order in which they were first fetched, with what each is.
    addresses: Vec<NeededKey>,
    tried: Option<Timestamp>,
}

/// What came of asking for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// Its address was read: look again.
    Done,
    /// Its address was read within the minute, and holds no such key.
    NoSuchKey,
    /// It couldn't be read, or not yet: we can't tell real from forged.
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

    /// The source's keys. Key sets that are old are fetched again first: a provider takes a key back by leaving it out.
    pub async fn of(&self, source: &Source) -> Arc<PublicKeys> {
        if source.scheme.remote_key.is_none() {
            return Arc::default();
        }
        let now = self.clock.now();
        let fetched = self.state().get(&source.name).cloned().unwrap_or_default();
        let is_old = |set: &KeySet| now.since(set.fetched) >= KEY_LIFETIME;
        let old = fetched.addresses.iter().find(|key| !key.is_certificate && fetched.keys.get(&key.url).is_some_and(is_old));
        if let Some(old) = old {
            self.fetch(source, old).await;
        }
        self.state().get(&source.name).map(|fetched| Arc::clone(&fetched.keys)).unwrap_or_default()
    }

    /// Fetches what a request needs, unless something was fetched for its source within the minute.
    pub async fn fetch(&self, source: &Source, needed: &NeededKey) -> Fetch {
        let now = self.clock.now();
        let within = |at: Option<Timestamp>| at.is_some_and(|at| now.since(at) < KEY_RETRY);
        if within(needed.known_since) {
            return Fetch::NoSuchKey;
        }
        {
            let mut state = self.state();
            let fetched = state.entry(source.name.clone()).or_default();
            if within(fetched.tried) {
                return Fetch::Unavailable;
            }
            fetched.tried = Some(now);
        }
        let read = if needed.is_certificate { KeySet::of_certificate } else { KeySet::of_jwks };
        let document = self.https.get(&Get::public(&needed.url)).await.map_err(|error| error.to_string());
        match document.and_then(|document| read(&document, now).map_err(|error| error.to_string())) {
            Ok(set) => {
                self.keep(source, needed, set);
                Fetch::Done
            }
            Err(cause) => {
                Metric::KeyUnavailable.count(&source.name);
                tracing::error!(source = source.name, cause, "the provider's key couldn't be fetched");
                Fetch::Unavailable
            }
        }
    }

    fn keep(&self, source: &Source, needed: &NeededKey, set: KeySet) {
        let mut state = self.state();
        let fetched = state.entry(source.name.clone()).or_default();
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
