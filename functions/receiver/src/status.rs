//! Status URLs: the `Location` of a 202 for sources with `reply: async`.
//!
//! Promises: an event is accepted whether or not its URL can be made. Never: a call for other sources.

use http::HeaderValue;
use http::header::{LOCATION, RETRY_AFTER};
use lambda_http::{Body, Response};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::limits::STATUS_RETRY;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::ports::SecretStore;
use tidings_core::secrets::Fetches;
use tidings_core::status_url::{STATUS_PATH, StatusKey};

/// Makes status URLs.
pub(crate) struct StatusUrls {
    secret: Arc<dyn SecretStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    key: Option<Arc<StatusKey>>,
    fetches: Fetches,
}

impl fmt::Debug for StatusUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusUrls").field("loaded", &self.state().fetches.loaded).finish_non_exhaustive()
    }
}

impl StatusUrls {
    pub(crate) fn new(secret: Arc<dyn SecretStore>) -> Self {
        Self { secret, state: Mutex::default() }
    }

    /// Adds the URL of these events to a response. Without the key the response stays as it is.
    pub(crate) async fn add(&self, response: &mut Response<Body>, events: &[ClaimKey], now: Timestamp) {
        let Some(key) = self.key(now).await else { return };
        let location = key.seal(events).and_then(|token| HeaderValue::try_from(format!("{STATUS_PATH}{token}")).ok());
        if let Some(location) = location {
            response.headers_mut().insert(LOCATION, location);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(STATUS_RETRY.as_secs()));
        }
    }

    /// The key, which is fetched once. It is never another: that would end the URLs that were made before.
    pub(crate) async fn key(&self, now: Timestamp) -> Option<Arc<StatusKey>> {
        {
            let mut state = self.state();
            if state.key.is_some() || !state.fetches.is_due(true, now) {
                return state.key.clone();
            }
            state.fetches.tried = Some(now);
        }
        let fetched = self.secret.fetch().await.map_err(|error| error.to_string());
        let key = fetched.and_then(|secret| StatusKey::new(&secret).ok_or_else(|| "the secret is too short".to_owned()));
        match key {
            Ok(key) => {
                let mut state = self.state();
                state.fetches.loaded = Some(now);
                state.key = Some(Arc::new(key));
                state.key.clone()
            }
            Err(cause) => {
                tracing::error!(cause, "the key of status URLs could not be fetched: events are accepted without one");
                None
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this")
    }
}
