//! One request with one set of secrets, keys and clock to verify it with.

use super::token;
use receiver::delivery::Delivery;
use receiver::verify::{Key, Keys, PublicKeys, Rejection, verify};
use tidings_config::limits::MAX_SECRETS_PER_SOURCE;
use tidings_config::source::Source;
use tidings_config::tenant::TenantName;
use tidings_config::time::Timestamp;

#[derive(Clone)]
pub(super) struct Attempt {
    pub source: Source,
    /// Whose secrets they are. `None`: the source's own.
    pub tenant: Option<TenantName>,
    /// Newest first, in the order of the document.
    pub secrets: Vec<String>,
    pub public: PublicKeys,
    pub delivery: Delivery,
    /// The URL of the captured request: with scheme and host if they are known, without the query.
    pub url: String,
    pub now: Timestamp,
}

impl Attempt {
    /// Verifies as the receiver does. Returns the index of the matching secret; the newest is 0.
    pub(super) fn verify(&self) -> Result<usize, Rejection> {
        let tried = self.secrets.iter().take(MAX_SECRETS_PER_SOURCE);
        let keys: Vec<Key> = tried.filter_map(|secret| Key::prepare(&self.source.scheme, secret).ok()).collect();
        let keys = Keys { secrets: &keys, public: &self.public, tenant: self.tenant.as_ref() };
        verify(&self.source, keys, &self.delivery, self.now).map(|verified| verified.secret_index())
    }

    /// Whether it verifies at a time when it is fresh.
    pub(super) fn verifies_ever(&self) -> bool {
        self.timeless().verify().is_ok()
    }

    /// The same, but a missing provider's key also counts as success. It doesn't check what that key signs.
    pub(super) fn agrees_ever(&self) -> bool {
        matches!(self.timeless().verify(), Ok(_) | Err(Rejection::KeyNeeded(_)))
    }

    /// The same without a check of the time.
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
