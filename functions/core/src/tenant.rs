//! A tenant as it is stored: one of many customers of one provider, with secrets of its own.
//!
//! Promises: a tenant has one secret, or two while one is replaced; a secret is never in a Debug, a log or an error. Pure.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use tidings_config::tenant::TenantName;
use tidings_config::time::Timestamp;
use zeroize::Zeroizing;

/// Whose it is: a source with `tenants: true`, and a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantKey {
    pub source: String,
    pub name: TenantName,
}

impl TenantKey {
    /// The partition key: `{source}/{tenant}`, as claim keys of its events begin.
    pub fn partition(&self) -> String {
        format!("{}/{}", self.source, self.name)
    }

    /// Of a stored partition key. `None`: it isn't one.
    pub fn stored(partition: &str) -> Option<Self> {
        let (source, name) = partition.split_once('/')?;
        Some(Self { source: source.to_owned(), name: name.parse().ok()? })
    }
}

/// A secret as its provider shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct TenantSecret(Zeroizing<String>);

impl TenantSecret {
    pub fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for TenantSecret {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for TenantSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantSecret(redacted)")
    }
}

impl Serialize for TenantSecret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TenantSecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// The record of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRecord {
    /// The secret that is used from now on.
    pub secret: TenantSecret,
    /// The one before, while it is accepted as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// Since when its requests are refused. `None`: it is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Timestamp>,
    pub created: Timestamp,
    /// When its secret was replaced. `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<Timestamp>,
    /// The version that was read. `None`: there must be none yet.
    #[serde(skip)]
    pub version: Option<u64>,
}

/// A replaced secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    pub secret: TenantSecret,
    /// From then on it is refused.
    pub until: Timestamp,
}

impl TenantRecord {
    /// An active tenant that isn't stored yet.
    pub fn new(secret: TenantSecret, now: Timestamp) -> Self {
        Self { secret, previous: None, disabled: None, created: now, rotated: None, version: None }
    }

    pub fn is_active(&self) -> bool {
        self.disabled.is_none()
    }

    /// With a new secret. The one before is accepted for a while longer; the one before that no more.
    #[must_use]
    pub fn rotated(self, secret: TenantSecret, keep: Duration, now: Timestamp) -> Self {
        let previous = (!keep.is_zero()).then(|| Previous { secret: self.secret, until: now.plus(keep) });
        Self { secret, previous, rotated: Some(now), ..self }
    }

    /// Refused from now on, with its secrets kept. It stays disabled since it first was.
    #[must_use]
    pub fn disabled(self, now: Timestamp) -> Self {
        Self { disabled: self.disabled.or(Some(now)), ..self }
    }

    #[must_use]
    pub fn enabled(self) -> Self {
        Self { disabled: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_ms(0).plus(Duration::from_secs(seconds))
    }

    fn secret(text: &str) -> TenantSecret {
        TenantSecret::from(text)
    }

    #[test]
    fn a_rotation_keeps_one_secret_beside_the_new_one() {
        let second = TenantRecord::new(secret("one"), at(0)).rotated(secret("two"), Duration::from_secs(60), at(10));
        assert_eq!(second.previous, Some(Previous { secret: secret("one"), until: at(70) }));
        let third = second.rotated(secret("three"), Duration::ZERO, at(20));
        assert_eq!((third.secret, third.previous, third.rotated), (secret("three"), None, Some(at(20))));
    }

    #[test]
    fn a_disabled_tenant_keeps_its_secrets_and_the_time_when_it_was_first_disabled() {
        let disabled = TenantRecord::new(secret("one"), at(0)).disabled(at(5)).disabled(at(9));
        assert_eq!((disabled.is_active(), disabled.disabled), (false, Some(at(5))));
        assert_eq!(disabled.enabled(), TenantRecord::new(secret("one"), at(0)));
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_is_never_shown() {
        let record = TenantRecord::new(secret("hunter2"), at(0)).rotated(secret("hunter3"), Duration::from_secs(60), at(10));
        for record in [record.clone(), record.disabled(at(20))] {
            let json = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<TenantRecord>(&json).unwrap(), record);
            assert!(!format!("{record:?}").contains("hunter"));
        }
    }

    #[test]
    fn a_partition_key_names_one_tenant() {
        let key = TenantKey { source: "stripe".to_owned(), name: "acme".parse().unwrap() };
        assert_eq!(key.partition(), "stripe/acme");
        assert_eq!(TenantKey::stored("stripe/acme"), Some(key));
        for other in ["stripe", "stripe/", "stripe/a/b", ""] {
            assert_eq!(TenantKey::stored(other), None, "{other:?}");
        }
    }
}
