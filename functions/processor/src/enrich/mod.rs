//! "Notify, then fetch": the objects that rules need in addition to the event.
//!
//! Promises: objects are fetched only from APIs of the configuration, by HTTPS, bounded in time and size; a container
//! fetches one version of an object once; a failing API isn't called for a while ([`Breaker`]). If an object can't be
//! fetched, the event fails before it is applied: it is retried, and finally dead-lettered. Never: a secret, an
//! address or a part of an object in a log or a reason.

mod credentials;
pub(crate) mod wanted;

use crate::failure::{FetchError, NotJson};
use credentials::Credentials;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::limits::{MAX_KEPT_OBJECTS, MAX_OBJECT_BYTES, OBJECT_LIFETIME, OBJECT_TIMEOUT};
use tidings_config::rules::{Api, IfGone};
use tidings_config::time::{Clock, Timestamp};
use tidings_core::breaker::Breaker;
use tidings_core::ports::{Get, GetError, HttpsGet, SecretStore};
use wanted::{Version, Wanted};

/// The fetcher, with its cache.
#[derive(Debug)]
pub(crate) struct Objects {
    https: Arc<dyn HttpsGet>,
    clock: Arc<dyn Clock>,
    credentials: Credentials,
    apis: BTreeMap<String, Api>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    breakers: BTreeMap<String, Breaker>,
    /// The latest at the end.
    kept: VecDeque<Kept>,
}

#[derive(Debug)]
struct Kept {
    api: String,
    path: String,
    version: Version,
    at: Timestamp,
    object: Arc<Value>,
}

impl Objects {
    pub(crate) fn new(
        apis: BTreeMap<String, Api>,
        https: Arc<dyn HttpsGet>,
        secrets: Option<Arc<dyn SecretStore>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let credentials = Credentials::new(secrets, Arc::clone(&clock));
        Self { https, clock, credentials, apis, state: Mutex::default() }
    }

    /// The object. `None`: it doesn't exist, and the rule allows that.
    pub(crate) async fn get(&self, wanted: &Wanted) -> Result<Option<Arc<Value>>, FetchError> {
        let now = self.clock.now();
        if let Some(object) = self.kept(wanted, now) {
            return Ok(Some(object));
        }
        let api = self.apis.get(&wanted.api).ok_or(FetchError::UnknownApi)?;
        if !self.state().breakers.entry(wanted.api.clone()).or_default().allows(now) {
            return Err(FetchError::LeftAlone);
        }
        match self.fetch(api, wanted).await {
            Ok(body) => {
                self.answered(wanted);
                let object: Value = serde_json::from_slice(&body)
                    .map_err(|e| FetchError::NotJson(NotJson { line: e.line(), column: e.column() }))?;
                let object = Arc::new(object);
                self.keep(wanted, now, Arc::clone(&object));
                Ok(Some(object))
            }
            Err(FetchError::Get(GetError::Status(404 | 410))) if wanted.if_gone == IfGone::Skip => {
                self.answered(wanted);
                Ok(None)
            }
            Err(FetchError::Get(error)) => {
                match is_failing(&error) {
                    true => self.failed(wanted),
                    false => self.answered(wanted),
                }
                Err(error.into())
            }
            Err(no_secret) => Err(no_secret),
        }
    }

    async fn fetch(&self, api: &Api, wanted: &Wanted) -> Result<Vec<u8>, FetchError> {
        let url = format!("{}{}", api.url, wanted.path);
        let get = Get { url: &url, header: None, at_most: MAX_OBJECT_BYTES, within: OBJECT_TIMEOUT };
        let Some(sent_as) = &api.secret else { return Ok(self.https.get(&get).await?) };
        let mut tries_again = true;
        loop {
            let (name, secret) = self.credentials.header(&wanted.api, sent_as).await?;
            match self.https.get(&Get { header: Some((&name, &secret)), ..get }).await {
                Err(GetError::Status(401 | 403)) if tries_again && self.credentials.refused().await => tries_again = false,
                answer => return Ok(answer?),
            }
        }
    }

    fn kept(&self, wanted: &Wanted, now: Timestamp) -> Option<Arc<Value>> {
        let state = self.state();
        let same = |kept: &&Kept| kept.api == wanted.api && kept.path == wanted.path && kept.version == wanted.version;
        state.kept.iter().find(same).filter(|kept| now.since(kept.at) < OBJECT_LIFETIME).map(|kept| Arc::clone(&kept.object))
    }

    fn keep(&self, wanted: &Wanted, at: Timestamp, object: Arc<Value>) {
        let mut state = self.state();
        // Another version of it is no longer needed, or soon won't be.
        state.kept.retain(|kept| kept.api != wanted.api || kept.path != wanted.path || kept.version != wanted.version);
        if state.kept.len() == MAX_KEPT_OBJECTS {
            state.kept.pop_front();
        }
        let Wanted { api, path, version, .. } = wanted.clone();
        state.kept.push_back(Kept { api, path, version, at, object });
    }

    fn answered(&self, wanted: &Wanted) {
        self.state().breakers.entry(wanted.api.clone()).or_default().answered();
    }

    fn failed(&self, wanted: &Wanted) {
        let now = self.clock.now();
        if self.state().breakers.entry(wanted.api.clone()).or_default().failed(now) {
            tracing::error!(api = wanted.api, "an API failed several times in a row and is not called for a while");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this")
    }
}

/// Whether the API itself is failing, and not only this request.
fn is_failing(error: &GetError) -> bool {
    match error {
        GetError::NoAnswer(_) => true,
        GetError::Status(status) => *status == 429 || *status >= 500,
    }
}
