//! What a conversation's events want sent, from the transaction that decided it until the queue has acknowledged it.
//!
//! It is one item, so that whoever sends one action sees all that come before it and sends those first: the queue gets a
//! conversation's actions in the order of their transactions, however many processors there are and wherever they die. An
//! action that is sent twice has one id.

use crate::action::{Action, Proposal};
use crate::config::rules::Cap;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// How many have ever been put in: the sequence of the next.
    #[serde(default)]
    pub next: u64,
    /// What isn't surely sent, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// What waits for its identity's link, in order: there is nobody yet to send it to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Proposal>,
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
    /// To the actions queue.
    Action(Box<Action>),
    /// To the events queue: an envelope of our own, to be processed from then on.
    Timer { due: Timestamp, message: String },
}

impl Outbox {
    pub fn put(&mut self, what: Outgoing) {
        self.waiting.push(Waiting { sequence: self.next, what });
        self.next += 1;
    }

    /// Takes out what was sent: all up to and with this sequence.
    pub fn acknowledge(&mut self, sequence: u64) {
        self.waiting.retain(|waiting| waiting.sequence > sequence);
    }

    /// When one more may be sent: now (`None`), or when the oldest that counts no longer does.
    pub fn room(&self, scope: &str, cap: Cap, now: Timestamp) -> Option<Timestamp> {
        let counted = |sent: &&Timestamp| sent.plus(cap.within.duration()) > now;
        let times: Vec<Timestamp> = self.sent.get(scope).into_iter().flatten().filter(counted).copied().collect();
        let full = times.len().checked_sub(cap.at_most as usize)?;
        times.get(full).map(|oldest| oldest.plus(cap.within.duration()))
    }

    /// Remembers that one was sent, and forgets what no longer counts.
    pub fn count(&mut self, scope: &str, cap: Cap, now: Timestamp) {
        let times = self.sent.entry(scope.to_owned()).or_default();
        times.push(now);
        times.sort_unstable();
        times.retain(|sent| sent.plus(cap.within.duration()) > now);
        let surplus = times.len().saturating_sub(cap.at_most as usize);
        times.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::rules::Span;
    use std::time::Duration;

    #[test]
    fn a_cap_has_room_again_when_the_oldest_that_counts_no_longer_does() {
        let cap = Cap { at_most: 2, within: Span::new(Duration::from_secs(10)) };
        let at = |s: i64| Timestamp::from_unix_ms(s * 1_000);
        let mut outbox = Outbox::default();
        for (second, room) in [(0, None), (1, None), (2, Some(at(10))), (9, Some(at(10))), (10, None), (10, Some(at(11)))] {
            assert_eq!(outbox.room("r", cap, at(second)), room, "{second}");
            if room.is_none() {
                outbox.count("r", cap, at(second));
            }
            assert_eq!(outbox.room("other", cap, at(second)), None);
        }
        assert_eq!(outbox.sent["r"].len(), 2, "no more than the cap is remembered");
    }
}
