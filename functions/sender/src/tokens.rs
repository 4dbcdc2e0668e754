//! Tokens that are fetched before a request: Teams, Google Chat. Each is used until shortly before it expires.

use crate::Sender;
use crate::prepare::Later;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use tidings_config::limits::SEND_TIMEOUT;
use tidings_config::time::Timestamp;
use tidings_core::ports::{Call, Redacted};
use tidings_outgoing::limits::{MAX_ANSWER_BYTES, TOKEN_MARGIN};
use tidings_outgoing::{Blame, ConfiguredChannel, Reply, Token, Values};
use zeroize::Zeroizing;

/// By the channel's name in `channels.yaml`.
#[derive(Default)]
pub(crate) struct Tokens {
    known: Mutex<BTreeMap<String, (Zeroizing<String>, Timestamp)>>,
    /// Held while one is fetched: other sends wait for it.
    fetching: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

impl Tokens {
    fn get(&self, channel: &str, now: Timestamp) -> Option<Zeroizing<String>> {
        let tokens = self.known.lock().expect("nothing panics while it holds this");
        tokens.get(channel).filter(|(_, until)| now < *until).map(|(token, _)| token.clone())
    }

    fn keep(&self, channel: &str, token: Zeroizing<String>, until: Timestamp) {
        self.known.lock().expect("nothing panics while it holds this").insert(channel.to_owned(), (token, until));
    }

    /// Called if a provider refuses a token.
    pub(crate) fn forget(&self, channel: &str) {
        self.known.lock().expect("nothing panics while it holds this").remove(channel);
    }
}

impl Sender {
    /// The channel's token. Errors: there is none now. Nothing was sent then.
    pub(crate) async fn token(
        &self,
        configured: &ConfiguredChannel,
        token: &Token,
        values: &Values<'_>,
    ) -> Result<Zeroizing<String>, Later> {
        let now = self.ports.clock.now();
        if let Some(token) = self.tokens.get(&configured.name, now) {
            return Ok(token);
        }
        let _fetching = self.tokens.fetching.lock().await;
        if let Some(token) = self.tokens.get(&configured.name, now) {
            return Ok(token);
        }
        let later = |reason: String, blame| Later { reason: format!("no token: {reason}"), blame };
        let request = token.request(&configured.channel, values, now);
        let request = request.map_err(|error| later(error.to_string(), Some(Blame::Secret)))?;
        let headers = request.headers.into_iter().map(|(name, value)| (name, Redacted(value))).collect();
        let (method, url, body) = (request.method, request.url, request.body);
        let call = Call { method, url, headers, body, within: SEND_TIMEOUT / 2, at_most: MAX_ANSWER_BYTES };
        let answered = self.ports.https.call(&call).await.map_err(|error| later(error.to_string(), None))?;
        let reply = Reply { status: answered.status, headers: &answered.headers, body: &answered.body };
        let fetched =
            token.read(reply).map_err(|error| later(error.to_string(), error.is_of_the_secret().then_some(Blame::Secret)))?;
        let until = now.plus(fetched.lifetime.saturating_sub(TOKEN_MARGIN));
        self.tokens.keep(&configured.name, fetched.value.clone(), until);
        Ok(fetched.value)
    }
}
