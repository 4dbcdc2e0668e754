//! One event's delivery to one endpoint: its record and every decision about it, without I/O.
//!
//! ```text
//!            claimed ─▶ pending ──begin──▶ attempting ──2xx──▶ delivered
//!                        ▲  ▲                 │  │
//!                        │  └── next time ────┘  ├─ no more times, or not allowed ─▶ failed
//!                        └──── retried by hand ──┴─ endpoint disabled or removed ──▶ held
//! ```
//! An attempt is recorded before it is made and after it. One that was begun and has no result after [`ATTEMPT_LEASE`] counts
//! as made, with an unknown result. So no attempt is made that isn't counted.

use crate::limits::{ATTEMPT_LEASE, DUE_PARTITIONS, MAX_ANSWER_BYTES, MAX_ATTEMPTS_KEPT};
use crate::schedule::Verdict;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tidings_config::endpoint::EndpointId;
use tidings_config::limits::MAX_TIMER_DELAY;
use tidings_config::time::Timestamp;

/// The key of a delivery: the endpoint, and the event's place in the order of time, which is the same each time that the event
/// is published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryKey {
    pub endpoint: EndpointId,
    pub delivery: String,
}

impl DeliveryKey {
    /// Its partition of the index of what is due.
    pub fn partition(&self) -> u8 {
        let sum = self.delivery.bytes().rev().take(8).fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        sum % DUE_PARTITIONS
    }
}

/// A delivery as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    #[serde(flatten)]
    pub key: DeliveryKey,
    pub webhook_id: String,
    #[serde(rename = "type")]
    pub event_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    pub state: DeliveryState,
    /// Attempts that were begun.
    pub attempts: u32,
    /// How many of them were made before the last retry by hand.
    #[serde(default)]
    pub before: u32,
    pub created: Timestamp,
    /// The start of the attempt that is under way, or of the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// The time of the next attempt, while it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// The last attempts, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<Attempt>,
    /// The version that was read. `None`: there must be none yet.
    #[serde(skip)]
    pub version: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits for its next attempt.
    Pending,
    Attempting,
    Delivered,
    /// All attempts failed, or the address isn't allowed.
    Failed,
    /// Its endpoint is disabled, or doesn't exist any more.
    Held,
}

impl DeliveryState {
    pub const ALL: [Self; 5] = [Self::Pending, Self::Attempting, Self::Delivered, Self::Failed, Self::Held];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Attempting => "attempting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Held => "held",
        }
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub number: u32,
    pub at: Timestamp,
    pub ms: u64,
    /// `None`: there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// A word: `delivered`, `refused`, `not_sent`, `no_answer`, `not_allowed`, `unknown`.
    pub result: AttemptResult,
    /// Why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The first bytes of the answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptResult {
    Delivered,
    /// Another status than 2xx.
    Refused,
    NotSent,
    NoAnswer,
    NotAllowed,
    /// The function was stopped during the attempt.
    Unknown,
}

impl AttemptResult {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::NotSent => "not_sent",
            Self::NoAnswer => "no_answer",
            Self::NotAllowed => "not_allowed",
            Self::Unknown => "unknown",
        }
    }
}

/// What a message has to do with a delivery's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Begin this attempt: the record to write first.
    Begin(Box<Delivery>),
    /// The attempt before has no result and never will. The record to write, which is then looked at again.
    Lost(Box<Delivery>),
    /// Another function makes this attempt: the message is returned to the queue.
    Busy,
    /// It isn't due yet: send the message again for this time.
    Wait { due: Timestamp, attempt: u32 },
    /// Nothing is left to do: a copy, or a message of an attempt that was made.
    Stale,
}

impl Delivery {
    /// What the message of the nth attempt has to do.
    pub fn step(&self, attempt: u32, now: Timestamp) -> Step {
        match self.state {
            DeliveryState::Delivered | DeliveryState::Failed | DeliveryState::Held => Step::Stale,
            DeliveryState::Attempting if attempt < self.attempts => Step::Stale,
            DeliveryState::Attempting if self.started.is_some_and(|started| now.since(started) < ATTEMPT_LEASE) => Step::Busy,
            DeliveryState::Attempting => Step::Lost(Box::new(self.lost(now))),
            DeliveryState::Pending if attempt < self.attempts => Step::Stale,
            // The attempt was made and recorded, or counts as lost: what is left is to send the next one.
            DeliveryState::Pending => match self.due {
                Some(due) if due > now => Step::Wait { due, attempt: self.attempts + 1 },
                Some(_) | None => Step::Begin(Box::new(self.begun(now))),
            },
        }
    }

    fn begun(&self, now: Timestamp) -> Self {
        let attempts = self.attempts.saturating_add(1);
        Self { state: DeliveryState::Attempting, attempts, started: Some(now), due: None, ..self.clone() }
    }

    /// The attempt that is under way counts as made. The next one follows at once: its time in the schedule is over.
    fn lost(&self, now: Timestamp) -> Self {
        let at = self.started.unwrap_or(now);
        let attempt = Attempt {
            number: self.attempts,
            at,
            ms: tidings_config::time::millis(now.since(at)),
            status: None,
            result: AttemptResult::Unknown,
            reason: Some("the function was stopped before the answer was recorded".to_owned()),
            answer: String::new(),
        };
        let verdict = if self.failures() > crate::limits::SCHEDULE.len() { Verdict::GiveUp } else { Verdict::Retry { due: now } };
        self.finished(attempt, verdict)
    }

    /// How many attempts this schedule has made, the present one included.
    pub fn failures(&self) -> usize {
        usize::try_from(self.attempts.saturating_sub(self.before)).unwrap_or(usize::MAX)
    }

    /// The record after an attempt.
    #[must_use]
    pub fn finished(&self, attempt: Attempt, verdict: Verdict) -> Self {
        let mut log = self.log.clone();
        log.push(attempt);
        let surplus = log.len().saturating_sub(MAX_ATTEMPTS_KEPT);
        log.drain(..surplus);
        let (state, due) = match verdict {
            Verdict::Delivered => (DeliveryState::Delivered, None),
            Verdict::Retry { due } => (DeliveryState::Pending, Some(due)),
            Verdict::GiveUp => (DeliveryState::Failed, None),
            Verdict::Gone => (DeliveryState::Held, None),
        };
        Self { state, due, log, ..self.clone() }
    }

    /// It waits for its endpoint.
    #[must_use]
    pub fn held(&self) -> Self {
        Self { state: DeliveryState::Held, due: None, ..self.clone() }
    }

    /// The record for a retry by hand: a schedule of its own, from now. `None`: an attempt is under way.
    #[must_use]
    pub fn retried(&self, now: Timestamp) -> Option<Self> {
        let is_under_way =
            self.state == DeliveryState::Attempting && self.started.is_some_and(|started| now.since(started) < ATTEMPT_LEASE);
        let retried = Self { state: DeliveryState::Pending, before: self.attempts, due: Some(now), ..self.clone() };
        (!is_under_way).then_some(retried)
    }

    /// Whether its next attempt is too far away for a queue: then a sweep sends it.
    pub fn is_swept(&self, now: Timestamp) -> bool {
        self.state == DeliveryState::Pending && self.due.is_some_and(|due| due.since(now) > MAX_TIMER_DELAY)
    }

    /// The message of the next attempt, and its delay.
    pub fn next(&self, now: Timestamp) -> (DeliveryMessage, Duration) {
        let delay = self.due.map_or(Duration::ZERO, |due| due.since(now)).min(MAX_TIMER_DELAY);
        (DeliveryMessage::new(&self.key, self.attempts.saturating_add(1)), delay)
    }
}

/// The first bytes of an answer, as text that can be stored and shown.
pub fn first_bytes(body: &[u8]) -> String {
    let cut = &body[..body.len().min(MAX_ANSWER_BYTES)];
    String::from_utf8_lossy(cut).chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// A message of the deliveries queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryMessage {
    /// The version of this contract.
    version: u16,
    endpoint: EndpointId,
    delivery: String,
    /// Counts from 1.
    pub attempt: u32,
}

const MESSAGE_VERSION: u16 = 1;

impl DeliveryMessage {
    pub fn new(key: &DeliveryKey, attempt: u32) -> Self {
        let DeliveryKey { endpoint, delivery } = key.clone();
        Self { version: MESSAGE_VERSION, endpoint, delivery, attempt }
    }

    pub fn key(&self) -> DeliveryKey {
        DeliveryKey { endpoint: self.endpoint.clone(), delivery: self.delivery.clone() }
    }

    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("it has string keys and holds only JSON")
    }

    /// `None`: it is another message, or one of a later version.
    pub fn decode(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|message: &Self| message.version == MESSAGE_VERSION)
    }
}
