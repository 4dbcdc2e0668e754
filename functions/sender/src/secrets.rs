//! The channels' secrets: a JSON object from a secret's name to a text, an object of several values, or a list of these,
//! newest first. Fetched when one is first needed, again every five minutes, and when a provider refuses one, at most once a
//! minute. Old secrets stay in use while the store doesn't respond.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::limits::MAX_SECRET_DOCUMENT_BYTES;
use tidings_config::time::Clock;
use tidings_core::ports::SecretStore;
use tidings_core::secrets::Fetches;

pub(crate) struct Secrets {
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Held while the document is fetched: other sends wait for it.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    secrets: BTreeMap<String, Value>,
    fetches: Fetches,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Secrets {
    pub(crate) fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, state: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// The secret of this name: a text or an object. `None`: the document has none, or couldn't be fetched.
    pub(crate) async fn get(&self, name: &str) -> Option<Value> {
        // The document may be on its way.
        if !self.state().secrets.contains_key(name) || self.is_due(name) {
            let _fetching = self.fetching.lock().await;
            if self.is_due(name) {
                self.load().await;
            }
        }
        self.state().secrets.get(name).cloned()
    }

    /// Called if a provider refuses a secret: there may be a newer one.
    pub(crate) async fn refused(&self) {
        let _fetching = self.fetching.lock().await;
        let may_retry = self.state().fetches.may_retry(self.clock.now());
        if may_retry {
            self.load().await;
        }
    }

    fn is_due(&self, name: &str) -> bool {
        let state = self.state();
        state.fetches.is_due(!state.secrets.contains_key(name), self.clock.now())
    }

    async fn load(&self) {
        let now = self.clock.now();
        self.state().fetches.tried = Some(now);
        let fetched = self.store.fetch().await.map_err(|error| error.to_string());
        match fetched.and_then(|document| read(&document)) {
            Ok(secrets) => {
                let mut state = self.state();
                (state.secrets, state.fetches.loaded) = (secrets, Some(now));
            }
            Err(cause) => tracing::error!(cause, "the channels' secrets could not be fetched; those loaded before stay in use"),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this")
    }
}

/// Errors name the place and no content.
fn read(document: &str) -> Result<BTreeMap<String, Value>, String> {
    if document.len() > MAX_SECRET_DOCUMENT_BYTES {
        return Err(format!("the secrets have {} bytes, allowed: {MAX_SECRET_DOCUMENT_BYTES}", document.len()));
    }
    let all: BTreeMap<String, Value> = serde_json::from_str(document).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("the secrets aren't a JSON object from a name to a secret (line {line} column {column})")
    })?;
    Ok(all.into_iter().filter_map(|(name, value)| Some((name, newest(value)?))).collect())
}

/// A text that is a JSON object is one: Secrets Manager's console writes texts.
fn newest(value: Value) -> Option<Value> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(serde_json::from_str(&text).ok().filter(Value::is_object).unwrap_or(Value::String(text))),
        Value::Array(list) => newest(list.into_iter().next()?),
        object @ Value::Object(_) => Some(object),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_a_text_an_object_or_the_newest_of_a_list() {
        let document = r#"{"a": "x", "b": {"id": "i"}, "c": "{\"id\":\"j\"}", "d": ["new", "old"], "e": "", "f": 7, "g": "[1]"}"#;
        let read = read(document).unwrap();
        assert_eq!(
            (&read["a"], &read["b"], &read["c"], &read["d"]),
            (&json!("x"), &json!({"id": "i"}), &json!({"id": "j"}), &json!("new"))
        );
        assert_eq!((read.get("e"), read.get("f"), &read["g"]), (None, None, &json!("[1]")));
    }

    #[test]
    fn an_error_names_only_the_place() {
        let error = read("{\n  \"a\": hunter2 }").unwrap_err();
        assert!(error.ends_with("(line 2 column 8)") && !error.contains("hunter2"), "{error}");
        assert!(read(&" ".repeat(MAX_SECRET_DOCUMENT_BYTES + 1)).unwrap_err().contains("allowed: 65536"));
    }
}
