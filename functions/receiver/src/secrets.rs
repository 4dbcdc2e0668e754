//! The sources' secrets, in memory.
//!
//! Promises: loaded in INIT and fetched again every five minutes; after a signature that doesn't match, at most once
//! a minute. Old secrets stay in use while the store is down. Never: a secret in a log, an error or a Debug. A source
//! without a secret gets 503, never 401. Handshake secrets are in a secret of their own and are tried first. Each of
//! the two documents can fail alone: the other one stays in use, and a source that may lack a secret because of the
//! failure gets 503.

use crate::capture::{self, Window};
use crate::reply::Reply;
use crate::verify::Key;
use futures::future::join;
use futures::lock::Mutex as AsyncMutex;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::OneOrMany;
use tidings_config::handshake::Answer;
use tidings_config::limits::{MAX_CAPTURED_SECRETS_PER_SOURCE, MAX_SECRETS_PER_SOURCE};
use tidings_config::source::Source;
use tidings_config::time::Clock;
use tidings_core::ports::{HandshakeSecrets, SecretStore};
use tidings_core::secrets::{Fetches, parse};
use tidings_core::telemetry::Metric;
use zeroize::Zeroizing;

/// The keys of one source, newest first.
pub type Keys = Arc<[Key]>;

/// A parsed document.
type Document = BTreeMap<String, OneOrMany<String>>;

/// The documents' content, by source.
#[derive(Default)]
struct Secrets {
    keys: HashMap<String, Keys>,
    /// The entries `{source}.verify_token`.
    verify_tokens: HashMap<String, Zeroizing<String>>,
    /// The entries `{source}.capture`.
    windows: HashMap<String, Window>,
}

/// The secrets as last fetched.
#[derive(Debug)]
pub struct SecretBook {
    store: Arc<dyn SecretStore>,
    captured: Option<Arc<dyn HandshakeSecrets>>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// In this container, handshakes store their secrets one at a time. The store prevents other containers from
    /// overwriting it.
    storing: AsyncMutex<()>,
}

#[derive(Default)]
struct State {
    secrets: Secrets,
    /// The sources' own document as last read.
    document: Option<Document>,
    /// The document of handshake secrets as last read.
    handshakes: Option<Document>,
    /// Whether the last fetch has read it, or there is none.
    knows_handshakes: bool,
    /// A successful fetch has read both.
    fetches: Fetches,
}

/// Keys redact themselves; tokens are left out.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("keys", &self.secrets.keys).field("loaded", &self.fetches.loaded).finish_non_exhaustive()
    }
}

impl SecretBook {
    pub fn new(store: Arc<dyn SecretStore>, captured: Option<Arc<dyn HandshakeSecrets>>, clock: Arc<dyn Clock>) -> Self {
        Self { store, captured, clock, state: Mutex::default(), storing: AsyncMutex::default() }
    }

    /// Fetches now. Returns whether one of the documents was fetched.
    pub async fn load(&self, sources: &[Source]) -> bool {
        let now = self.clock.now();
        self.state().fetches.tried = Some(now);
        let (document, handshakes) = join(self.fetch(), self.fetch_handshakes(sources)).await;
        for (what, result) in [("secrets", document.as_ref().err()), ("captured secrets", handshakes.as_ref().err())] {
            if let Some(cause) = result {
                tracing::error!(what, cause, "secrets could not be loaded; those loaded before stay in use");
            }
        }
        if document.is_err() || handshakes.is_err() {
            Metric::SecretsUnavailable.measure(1);
        }
        let mut state = self.state();
        if document.is_ok() && handshakes.is_ok() {
            state.fetches.loaded = Some(now);
        }
        let any = document.is_ok() || matches!(handshakes, Ok(Some(_)));
        state.knows_handshakes = handshakes.is_ok();
        state.document = document.ok().or_else(|| state.document.take());
        state.handshakes = handshakes.ok().flatten().or_else(|| state.handshakes.take());
        if any {
            let none = Document::new();
            let (document, handshakes) = (state.document.as_ref().unwrap_or(&none), state.handshakes.as_ref().unwrap_or(&none));
            state.secrets = prepare(document, handshakes, sources);
        }
        any
    }

    async fn fetch(&self) -> Result<Document, String> {
        read(&self.store.fetch().await.map_err(|unavailable| unavailable.to_string())?)
    }

    /// `None`: no source uses it.
    async fn fetch_handshakes(&self, sources: &[Source]) -> Result<Option<Document>, String> {
        let Some(store) = self.captured_for(sources) else { return Ok(None) };
        read(&store.fetch().await.map_err(|unavailable| unavailable.to_string())?.document).map(Some)
    }

    /// Whether the source may have a secret that isn't loaded. Then a request that doesn't verify may still be genuine.
    pub fn may_lack(&self, source: &Source) -> bool {
        self.captured.is_some() && source.captures() && !self.state().knows_handshakes
    }

    /// The secret of handshake secrets, if one of our sources uses it.
    fn captured_for(&self, sources: &[Source]) -> Option<&Arc<dyn HandshakeSecrets>> {
        self.captured.as_ref().filter(|_| sources.iter().any(Source::captures))
    }

    /// Stores a handshake secret, if the source's window is open for a sender with `token`. `Ok`: it is stored.
    pub async fn capture(
        &self,
        sources: &[Source],
        source: &Source,
        token: Option<&str>,
        secret: Zeroizing<String>,
    ) -> Result<(), Reply> {
        let now = self.clock.now();
        let is_open = || self.state().secrets.windows.get(&source.name).is_some_and(|window| window.is_open(token, now));
        // A window that was opened a moment ago counts.
        if !is_open() {
            self.refresh_on_mismatch(sources).await;
        }
        if self.state().document.is_none() {
            return Err(Reply::NoSecret);
        }
        if !is_open() {
            tracing::warn!(source = source.name, "a handshake secret was received, but no capture window is open");
            return Err(Reply::Unauthentic);
        }
        let store = self.captured_for(sources).ok_or(Reply::NoSecret)?;
        let stored = {
            let _one_at_a_time = self.storing.lock().await;
            capture::store(&**store, &source.name, &secret).await
        };
        stored.map_err(|why| {
            Metric::SecretNotStored.count_as(&source.name, why.code());
            tracing::error!(source = source.name, cause = %why, "the handshake secret could not be stored");
            Reply::NoSecret
        })?;
        Metric::SecretCaptured.count(&source.name);
        self.load(sources).await;
        Ok(())
    }

    /// Fetches the secrets if they are due.
    pub async fn load_if_due(&self, sources: &[Source]) {
        if self.due() {
            self.load(sources).await;
        }
    }

    /// The keys of a source. Fetches the secrets first if they are due. `None`: there are none.
    pub async fn keys(&self, sources: &[Source], source: &Source) -> Option<Keys> {
        self.load_if_due(sources).await;
        self.state().secrets.keys.get(&source.name).cloned()
    }

    /// Number of sources without a secret. Fetches the secrets first if they are due.
    pub async fn missing(&self, sources: &[Source]) -> usize {
        self.load_if_due(sources).await;
        let state = self.state();
        sources.iter().filter(|source| !source.tenants && !state.secrets.keys.contains_key(&source.name)).count()
    }

    /// The token that the operator agreed on with the provider for its handshake.
    pub fn verify_token(&self, source: &str) -> Option<Zeroizing<String>> {
        self.state().secrets.verify_tokens.get(source).cloned()
    }

    /// Fetches because a signature didn't match, at most once a minute. Returns whether the secrets changed.
    pub async fn refresh_on_mismatch(&self, sources: &[Source]) -> bool {
        let waited = self.state().fetches.may_retry(self.clock.now());
        waited && self.load(sources).await
    }

    fn due(&self) -> bool {
        let state = self.state();
        state.fetches.is_due(state.secrets.keys.is_empty(), self.clock.now())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this")
    }
}

/// Parses a document. Errors: why it can't be read.
fn read(document: &str) -> Result<Document, String> {
    parse(document).map_err(|error| error.to_string())
}

/// Makes keys from the documents. Beside its secrets a source may have a token for handshakes,
/// `{source}.verify_token`, and a capture window, `{source}.capture`. No source can have such a name.
fn prepare(document: &Document, handshakes: &Document, sources: &[Source]) -> Secrets {
    let mut secrets = Secrets::default();
    let mut keys: Vec<(&Source, Vec<Key>)> = Vec::new();
    for source in sources {
        let entry = |of: &str| document.get(&format!("{}.{of}", source.name)).map(|entry| entry.0.as_slice());
        if let Some(token) = entry("verify_token").and_then(<[_]>::first).filter(|token| !token.is_empty()) {
            secrets.verify_tokens.insert(source.name.clone(), Zeroizing::new(token.clone()));
        }
        match entry("capture").map(Window::parse) {
            Some(Ok(window)) => drop(secrets.windows.insert(source.name.clone(), window)),
            Some(Err(why)) => tracing::error!(source = source.name, why, "this capture window can't be used"),
            None => {}
        }
        // The keys of its tenants are in the tenants table.
        if source.tenants {
            continue;
        }
        let texts: Vec<&String> = [(handshakes, MAX_CAPTURED_SECRETS_PER_SOURCE), (document, MAX_SECRETS_PER_SOURCE)]
            .into_iter()
            .flat_map(|(of, allowed)| of.get(&source.name).map_or(&[][..], |texts| up_to(allowed, source, &texts.0)))
            .collect();
        if texts.is_empty() {
            tracing::warn!(source = source.name, "this source has no secret: its requests get 503");
            continue;
        }
        let mut prepared = Vec::new();
        for (index, text) in texts.into_iter().enumerate() {
            match Key::prepare(&source.scheme, text) {
                Ok(key) => prepared.push(key),
                Err(why) => tracing::error!(source = source.name, index, %why, "this secret can't be used"),
            }
        }
        if !prepared.is_empty() {
            keys.push((source, prepared));
        }
    }
    share_answers(&mut keys);
    secrets.keys = keys.into_iter().map(|(source, keys)| (source.name.clone(), keys.into())).collect();
    secrets
}

/// For a key that several sources share: a text that one source's handshake signs for anyone isn't accepted as another's event.
fn share_answers(keys: &mut [(&Source, Vec<Key>)]) {
    let signing: Vec<(String, Key, Vec<Answer>)> = keys
        .iter()
        .filter(|(source, _)| source.macs().next().is_some())
        .flat_map(|(source, keys)| keys.iter().map(|key| (source.name.clone(), key.clone(), source.macs().cloned().collect())))
        .collect();
    for (source, keys) in keys {
        for (of, shared, answers) in signing.iter().filter(|(of, _, _)| *of != source.name) {
            for key in keys.iter_mut().filter(|key| key.is_same(shared)) {
                tracing::warn!(source = source.name, of, "two sources share a secret, and a handshake of one gives MACs with it");
                key.add_shared(answers.iter().cloned());
            }
        }
    }
}

/// The first secrets, up to the limit.
fn up_to<'t>(allowed: usize, source: &Source, texts: &'t [String]) -> &'t [String] {
    if texts.len() > allowed {
        tracing::warn!(source = source.name, secrets = texts.len(), allowed, "this source has more secrets than are tried");
    }
    &texts[..texts.len().min(allowed)]
}
