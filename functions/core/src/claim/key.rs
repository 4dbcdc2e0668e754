//! The identity of an event, and its digests.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use tidings_config::limits::{MAX_DELIVERY_ID_BYTES, MAX_EVENT_ID_BYTES};
use tidings_config::tenant::TenantName;

/// Who sent an event: its source, or `{source}/{tenant}`. Neither name can contain `/` or `#`, so no two senders are equal.
pub fn sender<'s>(source: &'s str, tenant: Option<&TenantName>) -> Cow<'s, str> {
    tenant.map_or(Cow::Borrowed(source), |tenant| Cow::Owned(format!("{source}/{tenant}")))
}

/// `{source}#{event key}`, for a tenant `{source}/{tenant}#{event key}`: the identity of an event everywhere in Tidings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct ClaimKey(String);

impl ClaimKey {
    /// A key that no event has, for the claims table's [`Probe`](crate::ports::Probe).
    pub fn of_no_event() -> Self {
        Self("@ready".to_owned())
    }

    pub fn new(source: &str, event_key: &str) -> Self {
        Self(format!("{source}#{event_key}"))
    }

    /// The key of an id that the signature covers. A long id, an empty one, and one that isn't printable ASCII is
    /// replaced by its hash.
    pub fn from_signed_id(source: &str, id: &str) -> Self {
        if !id.is_empty() && id.len() <= MAX_EVENT_ID_BYTES && id.bytes().all(|b| b.is_ascii_graphic()) {
            Self::new(source, id)
        } else {
            Self::new(source, &format!("id-{}", Sha256Hex::of(id.as_bytes())))
        }
    }

    /// The key of an event whose id isn't signed: the SHA-256 of the signed bytes, with the delivery's id if there is
    /// one. `part` distinguishes the events of one delivery.
    pub fn from_signed_bytes(source: &str, digest: &Sha256Hex, delivery: Option<&str>, part: Option<usize>) -> Self {
        let mut key = digest.as_str().to_owned();
        if let Some(part) = part {
            key.push_str(&format!("/{part}"));
        }
        if let Some(delivery) = delivery {
            key.push('+');
            if delivery.len() <= MAX_DELIVERY_ID_BYTES && delivery.bytes().all(|b| b.is_ascii_graphic()) {
                key.push_str(delivery);
            } else {
                key.push_str(Sha256Hex::of(delivery.as_bytes()).as_str());
            }
        }
        Self::new(source, &key)
    }

    /// The key of a delivery that can't be read as an event. No event has such a key. So a captured request that is
    /// sent with another header and therefore can't be read doesn't take the key of its event.
    pub fn unreadable(source: &str, digest: &Sha256Hex, part: Option<usize>) -> Self {
        match part {
            None => Self::new(source, &format!("unreadable:{}", digest.as_str())),
            Some(n) => Self::new(source, &format!("unreadable:{}/{n}", digest.as_str())),
        }
    }

    /// The key within one window of time, for events whose bytes may repeat.
    #[must_use]
    pub fn in_window(self, window: i64) -> Self {
        Self(format!("{}@{window}", self.0))
    }

    /// Whether it is an internal event: a source's name can't begin with `@`.
    pub fn is_ours(&self) -> bool {
        self.0.starts_with('@')
    }

    /// Its source, and for a tenant's event its tenant: see [`sender`]. That of our own messages begins with `@`.
    pub fn sender(&self) -> &str {
        self.0.split_once('#').map_or(self.as_str(), |(sender, _)| sender)
    }

    /// The name of its source. That of our own messages begins with `@`.
    pub fn source(&self) -> &str {
        if self.is_ours() { self.sender() } else { self.sender().split_once('/').map_or(self.sender(), |(source, _)| source) }
    }

    /// The name of its tenant. `None`: its source has none, or it is a message of our own.
    pub fn tenant(&self) -> Option<&str> {
        if self.is_ours() { None } else { self.sender().split_once('/').map(|(_, tenant)| tenant) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ClaimKey {
    fn from(key: String) -> Self {
        Self(key)
    }
}

impl fmt::Display for ClaimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sha256Hex(String);

impl Sha256Hex {
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex::encode(Sha256::digest(bytes))))
    }

    /// A digest as stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A short form, enough for people to distinguish two digests.
    pub fn short(&self) -> &str {
        self.digits().get(..12).unwrap_or(self.digits())
    }

    /// The digits without `sha256:`.
    pub fn digits(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or(&self.0)
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_do_not_fit_a_key_are_hashed() {
        assert_eq!(ClaimKey::from_signed_id("stripe", "evt_1").as_str(), "stripe#evt_1");
        let longest = "x".repeat(MAX_EVENT_ID_BYTES);
        assert_eq!(ClaimKey::from_signed_id("s", &longest).as_str(), format!("s#{longest}"));
        for odd in ["", "a b", "a\nb", "é", &"x".repeat(MAX_EVENT_ID_BYTES + 1)] {
            let key = ClaimKey::from_signed_id("s", odd);
            assert!(key.as_str().starts_with("s#id-sha256:"), "{key}");
        }
    }

    #[test]
    fn sources_cannot_reach_into_each_other() {
        // A source's name can't contain '#', so the first one always ends it.
        assert_ne!(ClaimKey::from_signed_id("a", "b#c"), ClaimKey::from_signed_id("a-b", "c"));
        let of_bytes = |delivery, part| ClaimKey::from_signed_bytes("s", &Sha256Hex::of(b"x"), delivery, part);
        assert_ne!(of_bytes(None, Some(0)), of_bytes(None, Some(1)));
    }

    #[test]
    fn the_key_of_a_tenants_event_names_its_source_and_its_tenant_and_no_other_sender_makes_it() {
        let tenant = |name: &str| name.parse::<TenantName>().unwrap();
        let key =
            |source: &str, name: Option<&str>, id: &str| ClaimKey::from_signed_id(&sender(source, name.map(tenant).as_ref()), id);
        let of_tenant = key("stripe", Some("acme"), "evt_1");
        assert_eq!(of_tenant.as_str(), "stripe/acme#evt_1");
        assert_eq!((of_tenant.sender(), of_tenant.source(), of_tenant.tenant()), ("stripe/acme", "stripe", Some("acme")));
        let without = key("stripe", None, "evt_1");
        assert_eq!((without.as_str(), without.source(), without.tenant()), ("stripe#evt_1", "stripe", None), "as it always was");
        let ours = ClaimKey::from("@join/a#b".to_owned());
        assert_eq!((ours.source(), ours.tenant()), ("@join/a", None));
        // Ids may contain every separator.
        let mut keys = Vec::new();
        for source in ["a", "a-b", "b"] {
            for name in [None, Some("a"), Some("b"), Some("a-b"), Some("a_b")] {
                for id in ["1", "/1", "#1", "a#1", "/a#1", "b/a#1", "a/b#1", "@1", "a-b"] {
                    keys.push(key(source, name, id));
                }
            }
        }
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all, "two senders or two ids have one key");
    }

    #[test]
    fn a_delivery_id_ends_the_key() {
        let of_bytes = |delivery: &str, part| ClaimKey::from_signed_bytes("s", &Sha256Hex::of(b"x"), Some(delivery), part);
        let longest = "d".repeat(MAX_DELIVERY_ID_BYTES);
        assert!(
            of_bytes("d-1", None).as_str().ends_with("+d-1")
                && of_bytes(&longest, Some(2)).as_str().ends_with(&format!("/2+{longest}"))
        );
        for odd in ["a b", "é", &format!("{longest}d")] {
            assert!(of_bytes(odd, Some(1)).as_str().contains("+sha256:"), "{odd}");
        }
        assert_ne!(of_bytes("a/0", None), of_bytes("a", Some(0)));
    }
}
