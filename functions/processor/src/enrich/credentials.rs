//! The APIs' secrets, in memory: fetched when one is first needed, again every five minutes, and when an API refuses
//! a secret, at most once a minute. Old secrets stay in use while the store is down.

use crate::failure::FetchError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex};
use tidings_config::OneOrMany;
use tidings_config::limits::{SECRETS_REFRESH, SECRETS_RETRY};
use tidings_config::rules::SentAs;
use tidings_config::time::{Clock, Timestamp};
use tidings_core::ports::{Redacted, SecretStore};
use tidings_core::secrets::parse;
use zeroize::Zeroizing;

pub(crate) struct Credentials {
    store: Option<Arc<dyn SecretStore>>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    secrets: Arc<BTreeMap<String, Redacted>>,
    loaded: Option<Timestamp>,
    tried: Option<Timestamp>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Credentials {
    pub(crate) fn new(store: Option<Arc<dyn SecretStore>>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, state: Mutex::default() }
    }

    /// The header with an API's secret, and its value. Errors: why there is none.
    pub(crate) async fn header(&self, api: &str, sent_as: &SentAs) -> Result<(String, Redacted), FetchError> {
        self.refresh(SECRETS_REFRESH).await?;
        let secrets = Arc::clone(&self.state().secrets);
        let secret = secrets.get(api).ok_or(FetchError::NoSecret)?;
        let text = |text: String| Redacted(Zeroizing::new(text));
        Ok(match sent_as {
            SentAs::Bearer => ("authorization".to_owned(), text(format!("Bearer {}", *secret.0))),
            SentAs::Basic => ("authorization".to_owned(), text(format!("Basic {}", STANDARD.encode(secret.0.as_bytes())))),
            SentAs::Header(name) => (name.clone(), secret.clone()),
        })
    }

    /// Called if the API refuses its secret: there may be a newer one. Returns whether the secrets were read again.
    pub(crate) async fn refused(&self) -> bool {
        let before = self.state().loaded;
        // Zero age: always refresh.
        let _ = self.refresh(std::time::Duration::ZERO).await;
        self.state().loaded != before
    }

    /// Reads the document if the loaded one is older than this.
    async fn refresh(&self, age: std::time::Duration) -> Result<(), FetchError> {
        let Some(store) = &self.store else {
            return Err(FetchError::NoSecrets);
        };
        let now = self.clock.now();
        {
            let mut state = self.state();
            let within = |at: Option<Timestamp>, time| at.is_some_and(|at| now.since(at) < time);
            if within(state.loaded, age) || (state.loaded.is_some() && within(state.tried, SECRETS_RETRY)) {
                return Ok(());
            }
            state.tried = Some(now);
        }
        let document = store.fetch().await.map_err(FetchError::SecretUnavailable);
        match document.and_then(|document| parse(&document).map_err(FetchError::SecretUnreadable)) {
            Ok(document) => {
                let newest = |(api, OneOrMany(secrets)): (String, OneOrMany<String>)| {
                    secrets.into_iter().next().filter(|secret| !secret.is_empty()).map(|s| (api, Redacted(Zeroizing::new(s))))
                };
                let mut state = self.state();
                state.secrets = Arc::new(document.into_iter().filter_map(newest).collect());
                state.loaded = Some(now);
                Ok(())
            }
            Err(error) => {
                let cause = error.source().map(ToString::to_string);
                tracing::error!(cause, "the APIs' secrets could not be fetched");
                // Old secrets stay in use.
                if self.state().loaded.is_some() { Ok(()) } else { Err(error) }
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this")
    }
}
