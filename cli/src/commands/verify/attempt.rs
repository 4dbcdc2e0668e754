//! One request with one way to look at it.

use super::token;
use receiver::delivery::Delivery;
use receiver::verify::{Key, Keys, PublicKeys, Rejection, verify};
use tidings_config::limits::MAX_SECRETS_PER_SOURCE;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;

#[derive(Clone)]
pub(super) struct Attempt {
    pub source: Source,
    /// Newest first, as the document has them.
    pub secrets: Vec<String>,
    pub public: PublicKeys,
    pub delivery: Delivery,
    /// As the request was captured: with scheme and host where they are known, without the query.
    pub url: String,
    pub now: Timestamp,
}

impl Attempt {
    /// As the receiver verifies it. Which secret it was, the newest being 0.
    pub(super) fn verify(&self) -> Result<usize, Rejection> {
        let tried = self.secrets.iter().take(MAX_SECRETS_PER_SOURCE);
        let keys: Vec<Key> = tried.filter_map(|secret| Key::prepare(&self.source.scheme, secret).ok()).collect();
        let keys = Keys { secrets: &keys, public: &self.public };
        verify(&self.source, keys, &self.delivery, self.now).map(|verified| verified.secret_index())
    }

    /// Whether it would at the time when it was fresh.
    pub(super) fn verifies_ever(&self) -> bool {
        self.timeless().verify().is_ok()
    }

    /// The same, where the provider's key may be all that is missing. It says nothing of what that key signs.
    pub(super) fn agrees_ever(&self) -> bool {
        matches!(self.timeless().verify(), Ok(_) | Err(Rejection::KeyNeeded(_)))
    }

    /// Whatever the clock says.
    pub(super) fn timeless(&self) -> Self {
        self.with(|a| {
            a.source.scheme.timestamp = None;
            a.now = token::seen(&self.source, &self.delivery).and_then(|token| token.expires).unwrap_or(self.now);
        })
    }

    pub(super) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }
}
