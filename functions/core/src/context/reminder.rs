//! A reminder: an action of a rule that is made at a time that its event names. The state of one rule's reminder for one
//! owner and key.
//!
//! Promises: at most one waits, that of the newest event, whatever order the events came in. A newer event moves it or
//! cancels it. Each is made once, and the date that was reminded of last isn't reminded of again.
//!
//! It has the action as its event gave it, so it is made without rules, and survives a change of them. Its timer names
//! the time at which it is due: a timer for another time finds that nothing waits for it, and events that repeat a date
//! share one timer.

use super::{Order, Owner};
use crate::action::{ActionKind, PlannedAction};
use crate::claim::Sha256Hex;
use serde::{Deserialize, Serialize};
use tidings_config::limits::{CLAIM_LIFETIME, MAX_REMINDER_AHEAD, MAX_REMINDER_BYTES, REMINDER_GRACE};
use tidings_config::time::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReminderState {
    /// The place of the newest event in the order of events. An older one changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Order>,
    /// `None`: it was made or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Box<Reminder>>,
    /// The date (`at`) that was reminded of last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reminder {
    /// The date that it reminds of.
    pub at: Timestamp,
    /// When it is made: `at` or earlier.
    pub due: Timestamp,
    /// As its event gave it.
    pub action: PlannedAction,
    /// Its timer had no room in the outbox: the next event sets it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_no_timer: bool,
}

/// What an event does to the reminder of its key.
#[derive(Clone, Debug, PartialEq)]
pub enum Seeing {
    /// A newer event was seen before: nothing changes.
    Overtaken,
    /// It waits for this time. `timer`: which must be set.
    Waits { due: Timestamp, timer: bool },
    /// It is due, and its date ahead: it is made now.
    Due(Box<PlannedAction>),
    /// The event has no date: nothing waits.
    NoDate,
    /// The date is past: nothing waits.
    Past,
    /// It would be due too far ahead: nothing waits.
    TooFar,
    /// The date was reminded of: nothing waits.
    Made,
    /// It is too large to wait: nothing waits.
    TooLarge,
}

impl ReminderState {
    /// Applies an event at this place in the order of events. `new`: the reminder that it gives, or none.
    #[must_use]
    pub fn see(&mut self, order: Order, new: Option<Reminder>, now: Timestamp) -> Seeing {
        if self.newest.as_ref().is_some_and(|newest| *newest > order) {
            return Seeing::Overtaken;
        }
        self.newest = Some(order);
        let before = self.waits.take();
        let Some(mut new) = new else { return Seeing::NoDate };
        if self.made == Some(new.at) {
            return Seeing::Made;
        }
        if new.at < now {
            return Seeing::Past;
        }
        if new.due <= now {
            self.made = Some(new.at);
            return Seeing::Due(Box::new(new.action));
        }
        if new.due.since(now) > MAX_REMINDER_AHEAD {
            return Seeing::TooFar;
        }
        if new.is_too_large() {
            return Seeing::TooLarge;
        }
        let timer = before.is_none_or(|before| before.due != new.due || before.has_no_timer);
        let due = new.due;
        new.has_no_timer = false;
        self.waits = Some(Box::new(new));
        Seeing::Waits { due, timer }
    }

    /// The reminder that waits for this time.
    pub fn due_at(&self, due: Timestamp) -> Option<&Reminder> {
        self.waits.as_deref().filter(|waits| waits.due == due)
    }

    /// The state after its reminder was made.
    #[must_use]
    pub fn after(self) -> Self {
        let made = self.waits.map(|waits| waits.at).or(self.made);
        Self { newest: self.newest, waits: None, made }
    }

    /// When DynamoDB may delete it: when neither an older event nor a copy of its timer can come any more, and its date is
    /// past.
    pub fn expires(&self, written: Timestamp) -> Timestamp {
        let dates = self.waits.iter().map(|waits| waits.at).chain(self.made);
        dates.fold(written, Timestamp::max).plus(CLAIM_LIFETIME)
    }
}

impl Reminder {
    /// Whether it is too late to make it: its date is past, and its timer was late.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now > self.at.max(self.due.plus(REMINDER_GRACE))
    }

    fn is_too_large(&self) -> bool {
        serde_json::to_string(self).map_or(usize::MAX, |json| json.len()) > MAX_REMINDER_BYTES
    }
}

/// The partition of a rule's reminder for one owner and one value of `by`. It can't equal a conversation's name: it
/// contains a hash of all.
pub fn reminder_partition(rule: &str, kind: ActionKind, owner: &Owner, by: Option<&str>) -> String {
    let named = serde_json::to_string(&(rule, kind.as_str(), owner, by)).expect("they are texts");
    format!("reminder#{rule}#{}", Sha256Hex::of(named.as_bytes()).digits())
}

#[cfg(test)]
mod tests;
