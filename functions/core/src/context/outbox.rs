//! The outbox: a conversation's actions, from the transaction that decided them until the queue has acknowledged them.
//!
//! It is one item, so a processor that sends an action sees all earlier ones and sends those first. The queue
//! receives a conversation's actions in the order of their transactions, with any number of processors and after any
//! crash. An action that is sent twice has the same id.
//!
//! The item stays small while the queue is unavailable: waiting actions move, a page at a time, to items of their own
//! (`outbox#…`). So an outage never prevents an event's effect. When all pages are full, a new action is withheld and
//! counted.

use crate::action::{Action, PlannedAction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidings_config::limits::{MAX_ACTION_BYTES, MAX_CAP_WITHIN, MAX_OUTBOX_PAGES, MAX_SENT_TIMES, OUTBOX_PAGE_BYTES};
use tidings_config::rules::Cap;
use tidings_config::time::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// The sequence of the next action: how many were ever added.
    #[serde(default)]
    pub next: u64,
    /// Full pages, by the sequence of their first action. All of them come before `waiting`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<u64>,
    /// Actions that may not be sent yet, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// Written by the previous version, which stored here what [`super::Deferred`] has now. Never added to; kept
    /// until it is moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<PlannedAction>,
    /// The conversation has deferred notifications: [`super::Deferred`] must be read before a new one is decided.
    /// False for an identity without a link, which never gets notifications.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub later: bool,
    /// When notifications were sent, for caps: by rule, and over all rules under "".
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sent: BTreeMap<String, Vec<Timestamp>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    pub sequence: u64,
    pub what: Outgoing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outgoing {
    /// A message of the actions queue.
    Action(Box<Action>),
    /// A message of the events queue: an internal event to be processed when it is due.
    Timer { due: Timestamp, message: String },
}

impl Waiting {
    /// Whether it is still to be sent. `sent`: the newest sequence that this processor has sent.
    pub fn is_unsent(&self, sent: Option<u64>) -> bool {
        Some(self.sequence) > sent
    }
}

/// A full page: the actions that waited when it was filled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    pub waiting: Vec<Waiting>,
}

/// Where an action was put.
#[derive(Clone, Debug, PartialEq)]
pub enum Put {
    /// In the outbox item.
    Inside,
    /// In the outbox item, whose earlier actions became this page; both must be written.
    AfterPage { first: u64, page: Page },
    /// Not added: it exceeds the largest action.
    TooLarge,
    /// Not added: every page is full.
    Full,
}

impl Outbox {
    /// Adds a message if there is room.
    #[must_use]
    pub fn put(&mut self, what: Outgoing) -> Put {
        let waiting = Waiting { sequence: self.next, what };
        let bytes = bytes_of(&waiting);
        if bytes > MAX_ACTION_BYTES {
            return Put::TooLarge;
        }
        let has_room = self.waiting.is_empty() || self.waiting.iter().map(bytes_of).sum::<usize>() + bytes <= OUTBOX_PAGE_BYTES;
        if !has_room && self.pages.len() >= MAX_OUTBOX_PAGES {
            return Put::Full;
        }
        self.next += 1;
        if has_room {
            self.waiting.push(waiting);
            return Put::Inside;
        }
        let page = Page { waiting: std::mem::replace(&mut self.waiting, vec![waiting]) };
        let first = page.waiting.first().map_or(0, |waiting| waiting.sequence);
        self.pages.push(first);
        Put::AfterPage { first, page }
    }

    /// Removes sent messages, up to and including this sequence.
    pub fn acknowledge(&mut self, sequence: u64) {
        self.waiting.retain(|waiting| waiting.sequence > sequence);
    }

    /// Whether no message waits.
    pub fn is_sent(&self) -> bool {
        self.waiting.is_empty() && self.pages.is_empty()
    }

    /// When one more may be sent: now (`None`), or when the oldest counted one leaves the period.
    pub fn room(&self, scope: &str, cap: Cap, now: Timestamp) -> Option<Timestamp> {
        let counted = |sent: &&Timestamp| sent.plus(cap.within.duration()) > now;
        let times: Vec<Timestamp> = self.sent.get(scope).into_iter().flatten().filter(counted).copied().collect();
        let full = times.len().checked_sub(cap.at_most as usize)?;
        times.get(full).map(|oldest| oldest.plus(cap.within.duration()))
    }

    /// How many may be sent now.
    pub fn free(&self, scope: &str, cap: Cap, now: Timestamp) -> usize {
        let counted = |sent: &&Timestamp| sent.plus(cap.within.duration()) > now;
        (cap.at_most as usize).saturating_sub(self.sent.get(scope).into_iter().flatten().filter(counted).count())
    }

    /// Records that one was sent, and removes times outside the period, those of removed rules included.
    pub fn count(&mut self, scope: &str, cap: Cap, now: Timestamp) {
        let times = self.sent.entry(scope.to_owned()).or_default();
        times.push(now);
        times.sort_unstable();
        times.retain(|sent| sent.plus(cap.within.duration()) > now);
        let surplus = times.len().saturating_sub(cap.at_most as usize);
        times.drain(..surplus);
        for times in self.sent.values_mut() {
            times.retain(|sent| sent.plus(MAX_CAP_WITHIN) > now);
        }
        self.sent.retain(|_, times| !times.is_empty());
        while self.sent.values().map(Vec::len).sum::<usize>() > MAX_SENT_TIMES {
            // The rule with the most times loses its oldest: that rule alone may exceed its cap by one.
            if let Some(most) = self.sent.values_mut().max_by_key(|times| times.len()) {
                most.remove(0);
            }
        }
    }
}

/// The stored size.
fn bytes_of(waiting: &Waiting) -> usize {
    serde_json::to_string(waiting).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tidings_config::rules::{CapOverflow, Span};

    fn timer(bytes: usize) -> Outgoing {
        Outgoing::Timer { due: Timestamp::from_unix_ms(0), message: "x".repeat(bytes) }
    }

    /// A message with exactly this stored size.
    fn of_bytes(bytes: usize) -> Outgoing {
        let around = bytes_of(&Waiting { sequence: 0, what: timer(0) });
        timer(bytes - around)
    }

    #[test]
    fn a_cap_has_room_again_when_the_oldest_that_counts_no_longer_does() {
        let cap = Cap { at_most: 2, within: Span::new(Duration::from_secs(10)), overflow: CapOverflow::Newest };
        let at = |s: i64| Timestamp::from_unix_ms(s * 1_000);
        let mut outbox = Outbox::default();
        for (second, room) in [(0, None), (1, None), (2, Some(at(10))), (9, Some(at(10))), (10, None), (10, Some(at(11)))] {
            assert_eq!(outbox.room("r", cap, at(second)), room, "{second}");
            assert_eq!(outbox.free("r", cap, at(second)) == 0, room.is_some(), "{second}");
            if room.is_none() {
                outbox.count("r", cap, at(second));
            }
            assert_eq!(outbox.room("other", cap, at(second)), None);
        }
        assert_eq!(outbox.sent["r"].len(), 2, "no more than the cap is remembered");
    }

    #[test]
    fn the_times_of_all_caps_together_are_bounded_and_old_ones_are_forgotten() {
        let cap = Cap { at_most: 100, within: Span::new(MAX_CAP_WITHIN), overflow: CapOverflow::Newest };
        let at = |s: u64| Timestamp::from_unix_ms(0).plus(Duration::from_secs(s));
        let mut outbox = Outbox::default();
        for rule in 0..20 {
            for second in 0..100 {
                outbox.count(&format!("rule{rule}"), cap, at(second));
            }
        }
        assert_eq!(outbox.sent.values().map(Vec::len).sum::<usize>(), MAX_SENT_TIMES);
        outbox.count("another", cap, at(200).plus(MAX_CAP_WITHIN));
        assert_eq!(outbox.sent.keys().collect::<Vec<_>>(), ["another"], "rules without a recent notification are removed");
    }

    #[test]
    fn a_full_outbox_makes_pages_until_all_pages_are_full() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.put(of_bytes(MAX_ACTION_BYTES + 1)), Put::TooLarge);
        assert_eq!((outbox.put(of_bytes(MAX_ACTION_BYTES)), outbox.next), (Put::Inside, 1), "the first always fits");
        let (mut pages, mut all) = (Vec::new(), 1);
        loop {
            match outbox.put(of_bytes(OUTBOX_PAGE_BYTES / 2 - 10)) {
                Put::Inside => {}
                Put::AfterPage { first, page } => pages.push((first, page)),
                Put::TooLarge => panic!("it is small"),
                Put::Full => break,
            }
            all += 1;
        }
        assert_eq!((pages.len(), outbox.next), (MAX_OUTBOX_PAGES, all));
        assert_eq!(outbox.pages, pages.iter().map(|(first, _)| *first).collect::<Vec<_>>());
        let inside = outbox.waiting.iter();
        let sequences: Vec<u64> = pages.iter().flat_map(|(_, page)| &page.waiting).chain(inside).map(|w| w.sequence).collect();
        assert_eq!(sequences, (0..all).collect::<Vec<_>>(), "in order, none twice, none lost");
    }
}
