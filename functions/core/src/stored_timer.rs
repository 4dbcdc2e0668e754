//! A timer in the timers table: an internal event that is due much later than SQS can delay a message.
//!
//! The table is swept ([`crate::ports::TimerStore`]): shortly before a timer is due, its message is sent to the events
//! queue. From there on it is like any other timer, and its claim makes its effect happen once. So a timer may be sent
//! twice, and may be in the queue as well as in the table.
//!
//! Timers of a partition are in the order of their times. A sweep records how far it has sent them, and the item itself
//! is left to the table's TTL: deleting it would cost as much as writing it.

use crate::claim::{ClaimKey, Sha256Hex};
use crate::context::join_partition;
use crate::envelope::Envelope;
use crate::internal_event::{InternalEvent, own_envelope};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::limits::{
    MAX_TIMER_DELAY, STORED_TIMER_KEPT, SWEEP_OVERDUE, SWEEP_PROVEN, TIMER_CLOCK_SKEW, TIMER_PARTITIONS,
};
use tidings_config::time::Timestamp;

/// The place of a stored timer: its partition, and its sort key, which begins with its time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerKey {
    pub partition: u8,
    pub sort: String,
}

/// Digits of the claim key's hash in a sort key: 128 bits.
const DIGITS: usize = 32;

impl TimerKey {
    /// Equal timers have equal keys: a timer that is stored twice is one.
    fn of(due: Timestamp, claim_key: &ClaimKey) -> Self {
        let hash = Sha256Hex::of(claim_key.as_str().as_bytes());
        let digits = hash.digits();
        let first = u8::from_str_radix(digits.get(..2).unwrap_or_default(), 16).unwrap_or_default();
        let sort = format!("{}#{}", sortable(due), digits.get(..DIGITS).unwrap_or(digits));
        Self { partition: first % TIMER_PARTITIONS, sort }
    }

    /// The time in the sort key. `None`: no version of Tidings wrote it.
    fn due(&self) -> Option<Timestamp> {
        self.sort.split_once('#')?.0.parse().ok().map(Timestamp::from_unix_ms)
    }

    /// The partitions of the table.
    pub fn partitions() -> impl Iterator<Item = u8> {
        0..TIMER_PARTITIONS
    }

    /// A sort key that comes after every timer that is due by this time, and before any later one.
    pub fn after_all(due: Timestamp) -> String {
        // `~` comes after every hexadecimal digit.
        format!("{}#~", sortable(due))
    }
}

/// Texts of one length sort as their numbers do: fifteen digits last for 30,000 years.
fn sortable(due: Timestamp) -> String {
    format!("{:015}", due.unix_ms().max(0))
}

/// A timer as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTimer {
    pub key: TimerKey,
    /// The internal event as JSON.
    pub event: String,
}

impl StoredTimer {
    pub fn new(what: &InternalEvent, due: Timestamp) -> Self {
        let event = serde_json::to_string(what).expect("it has string keys and holds only JSON");
        Self { key: TimerKey::of(due, &what.envelope(due, due).claimkey), event }
    }

    /// The timer of a message that would be sent to the events queue. `None`: it isn't a timer.
    pub fn of_message(message: &str) -> Option<Self> {
        let envelope = Envelope::decode(message).ok()?;
        let scheduled = InternalEvent::read(&envelope)?.ok()?;
        scheduled.what.is_timer().then(|| Self::new(&scheduled.what, scheduled.due))
    }

    pub fn due(&self) -> Option<Timestamp> {
        self.key.due()
    }

    /// When the table may delete it.
    pub fn expires(&self, now: Timestamp) -> Timestamp {
        self.due().map_or(now, |due| due.max(now)).plus(STORED_TIMER_KEPT)
    }

    /// Whether a sweep may have passed its time already, by the clock after it was stored. Then it must be sent as well.
    pub fn may_be_passed(&self, now: Timestamp) -> bool {
        self.due().is_none_or(|due| due <= now.plus(MAX_TIMER_DELAY).plus(TIMER_CLOCK_SKEW))
    }

    /// The message to send, and its delay. A timer that this version can't read is sent as it is: the processor moves it
    /// to the dead-letter queue, from where a later version can process it.
    pub fn message(&self, now: Timestamp) -> (String, Duration) {
        let due = self.due().unwrap_or(now);
        let message = match serde_json::from_str::<InternalEvent>(&self.event) {
            Ok(what) => what.envelope(due, now),
            Err(_) => self.unreadable(due, now),
        };
        (message.encode(), due.since(now).min(MAX_TIMER_DELAY))
    }

    fn unreadable(&self, due: Timestamp, now: Timestamp) -> Envelope {
        let what = RawValue::from_string(self.event.clone()).unwrap_or_else(|_| RawValue::NULL.to_owned());
        let data = serde_json::to_string(&Unreadable { due, what }).expect("it has string keys and holds only JSON");
        let claim_key = ClaimKey::from(format!("@timer#{}#{}", self.key.partition, self.key.sort));
        own_envelope("tidings.timer", claim_key, None, due, now, data)
    }

    /// The partition of the reminder that it is a timer of.
    pub fn reminder(&self) -> Option<String> {
        match serde_json::from_str::<InternalEvent>(&self.event).ok()? {
            InternalEvent::Reminder { reminder, .. } => Some(reminder),
            InternalEvent::Action { .. }
            | InternalEvent::Correct(_)
            | InternalEvent::Join { .. }
            | InternalEvent::Link { .. }
            | InternalEvent::Turn { .. }
            | InternalEvent::Wake { .. } => None,
        }
    }

    /// Whether it contains data about one of these conversations, or is a timer of one of these partitions of joins,
    /// turns and reminders.
    pub fn is_about(&self, conversations: &[String], joins: &[String]) -> bool {
        match serde_json::from_str::<InternalEvent>(&self.event) {
            Ok(InternalEvent::Join { join, key, .. }) => joins.contains(&join_partition(&join, &key)),
            Ok(InternalEvent::Turn { turn: partition, .. } | InternalEvent::Reminder { reminder: partition, .. })
                if joins.contains(&partition) =>
            {
                true
            }
            Ok(what) => what.conversation().is_some_and(|name| conversations.iter().any(|one| one == name)),
            Err(_) => false,
        }
    }
}

/// [`crate::internal_event::Scheduled`] with an event of another version.
#[derive(Serialize)]
struct Unreadable {
    due: Timestamp,
    what: Box<RawValue>,
}

/// The record of complete sweeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweeps {
    /// The first one without a gap since then.
    pub since: Timestamp,
    pub last: Timestamp,
}

impl Sweeps {
    /// The record after another one.
    #[must_use]
    pub fn and(before: Option<Self>, now: Timestamp) -> Self {
        let since = before.filter(|before| now.since(before.last) <= SWEEP_OVERDUE).map_or(now, |before| before.since);
        Self { since, last: now }
    }

    /// Whether timers may be stored: sweeps run, and have run for longer than a deployment takes.
    pub fn are_reliable(self, now: Timestamp) -> bool {
        now.since(self.last) <= SWEEP_OVERDUE && now.since(self.since) >= SWEEP_PROVEN
    }
}

/// How far the timers were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// `None`: no sweep has been complete yet.
    pub sweeps: Option<Sweeps>,
    /// The sort key of the last timer that was sent, by partition.
    pub sent: BTreeMap<u8, String>,
}

#[cfg(test)]
mod tests;
