//! An endpoint as it is stored: what was registered, and its state. An endpoint of the project's file is stored once its
//! state changes.

use crate::limits::DISABLED_AFTER;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tidings_config::endpoint::{Endpoint, EndpointId};
use tidings_config::time::Timestamp;
use tidings_core::claim::Sha256Hex;

/// Bytes in the id of an endpoint that is registered at run time: 80 bits.
const ID_BYTES: usize = 10;

/// A new id for an endpoint that is registered at run time. `None`: the operating system returned no random bytes.
pub fn random_id() -> Option<EndpointId> {
    let mut bytes = [0; ID_BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    EndpointId::of_name(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()).ok()
}

/// The id that follows from this text, as long as a new one.
pub fn id_of(text: &str) -> Option<EndpointId> {
    EndpointId::of_name(Sha256Hex::of(text.as_bytes()).digits().get(..2 * ID_BYTES)?).ok()
}

/// One endpoint, whether from the file or registered at run time.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    pub endpoint: Endpoint,
    pub status: Status,
    /// The version of its record. `None`: it has none yet.
    pub version: Option<u64>,
    /// Whether the project's file has it: then its record has only its status.
    pub of_file: bool,
}

/// A record of the endpoints table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointRecord {
    pub id: EndpointId,
    /// `None`: the project's file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    pub status: Status,
    /// The version that was read. `None`: there must be none yet.
    #[serde(skip)]
    pub version: Option<u64>,
}

/// The state of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    #[serde(default)]
    pub state: EndpointState,
    /// Its first failed attempt since the last one that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Counts the rotations of its secret, if that follows from the stack's own.
    #[serde(default)]
    pub generation: u32,
    /// Until then the secret before signs as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_until: Option<Timestamp>,
    /// When it was registered. `None`: the file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Its owner's label: a portal shows an owner's endpoints only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The SHA-256 of the request that created it, if that had an `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// The SHA-256 of the last rotation's `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_by: Option<String>,
}

/// Whether it gets webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum EndpointState {
    #[default]
    Active,
    Disabled {
        reason: Disabled,
        since: Timestamp,
        /// Whether the notice of it was published.
        #[serde(default)]
        noticed: bool,
    },
}

/// Why an endpoint is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disabled {
    /// An operator or a program did it.
    ByHand,
    /// It answered 410.
    Gone,
    /// It failed for [`DISABLED_AFTER`].
    Failing,
}

impl Disabled {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// The result of an attempt, for the endpoint's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Succeeded,
    Failed,
    /// It answered 410.
    Gone,
}

impl Status {
    pub fn is_active(&self) -> bool {
        self.state == EndpointState::Active
    }

    /// The state after an attempt. `None`: it stays as it is, and nothing is written.
    #[must_use]
    pub fn after(&self, health: Health, now: Timestamp) -> Option<Self> {
        if !self.is_active() {
            return None;
        }
        let disabled = |reason| EndpointState::Disabled { reason, since: now, noticed: false };
        match (health, self.failing_since) {
            (Health::Succeeded, None) => None,
            (Health::Succeeded, Some(_)) => Some(Self { failing_since: None, ..self.clone() }),
            (Health::Failed, None) => Some(Self { failing_since: Some(now), ..self.clone() }),
            (Health::Failed, Some(since)) if now.since(since) >= DISABLED_AFTER => {
                Some(Self { state: disabled(Disabled::Failing), ..self.clone() })
            }
            (Health::Failed, Some(_)) => None,
            (Health::Gone, _) => Some(Self { state: disabled(Disabled::Gone), ..self.clone() }),
        }
    }

    /// Disabled by hand, without a notice.
    #[must_use]
    pub fn disabled(&self, now: Timestamp) -> Self {
        Self { state: EndpointState::Disabled { reason: Disabled::ByHand, since: now, noticed: true }, ..self.clone() }
    }

    /// Active again: what failed before isn't counted.
    #[must_use]
    pub fn enabled(&self) -> Self {
        Self { state: EndpointState::Active, failing_since: None, ..self.clone() }
    }

    /// With a new secret. The one before signs for a while longer; the one before that no more.
    #[must_use]
    pub fn rotated(&self, keep: Duration, now: Timestamp) -> Self {
        Self { generation: self.generation.saturating_add(1), previous_until: Some(now.plus(keep)), ..self.clone() }
    }

    /// Whether the secret before signs as well.
    pub fn signs_with_previous(&self, now: Timestamp) -> bool {
        self.previous_until.is_some_and(|until| now < until)
    }
}

impl Registered {
    /// The record with another status.
    pub fn record(&self, status: Status) -> EndpointRecord {
        let endpoint = (!self.of_file).then(|| self.endpoint.clone());
        EndpointRecord { id: self.endpoint.id.clone(), endpoint, status, version: self.version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_ms(0).plus(Duration::from_secs(seconds))
    }

    #[test]
    fn an_endpoint_that_fails_for_three_days_is_disabled_and_one_that_succeeds_in_between_is_not() {
        let failing = Status::default().after(Health::Failed, at(0)).unwrap();
        assert_eq!(failing.failing_since, Some(at(0)));
        let three_days = DISABLED_AFTER.as_secs();
        assert_eq!(failing.after(Health::Failed, at(three_days - 1)), None);
        let disabled = failing.after(Health::Failed, at(three_days)).unwrap();
        let state = EndpointState::Disabled { reason: Disabled::Failing, since: at(three_days), noticed: false };
        assert_eq!(disabled.state, state);
        assert_eq!(disabled.after(Health::Succeeded, at(three_days)), None, "an attempt that was under way enables nothing");

        let well = failing.after(Health::Succeeded, at(three_days - 1)).unwrap();
        assert_eq!(well, Status::default());
        assert_eq!(well.after(Health::Succeeded, at(1)), None, "a success is no write");
        assert_eq!(disabled.enabled(), Status::default());
    }

    #[test]
    fn an_endpoint_that_is_gone_is_disabled_at_once() {
        let gone = Status::default().after(Health::Gone, at(5)).unwrap();
        assert_eq!(gone.state, EndpointState::Disabled { reason: Disabled::Gone, since: at(5), noticed: false });
    }

    #[test]
    fn the_secret_before_signs_until_its_time() {
        let rotated = Status::default().rotated(Duration::from_secs(60), at(0));
        assert_eq!(rotated.generation, 1);
        assert!(rotated.signs_with_previous(at(59)) && !rotated.signs_with_previous(at(60)));
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for status in [Status::default(), Status::default().after(Health::Gone, at(5)).unwrap()] {
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status, "{json}");
        }
        assert_eq!(serde_json::from_str::<Status>("{}").unwrap(), Status::default());
    }
}
