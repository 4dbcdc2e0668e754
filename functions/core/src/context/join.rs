//! The state of a join for one key: which of its events have happened, and its ends.
//!
//! Promises: it is bounded. If events don't fit, the oldest of their leg are dropped, never the newest and never
//! another leg's. Ends are counted before an event is dropped, so that no completion is lost or repeated because of
//! it. [`super::ending`] decides when it ends and how often.

use super::ending::{End, Openings, Terms};
use super::{Order, Owner};
use crate::claim::{ClaimKey, Sha256Hex};
use serde::{Deserialize, Serialize};
use tidings_config::limits::{CLAIM_LIFETIME, JOIN_GRACE, MAX_EVENT_AGE, MAX_JOIN_BYTES, MAX_JOIN_EVENTS};
use tidings_config::time::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JoinState {
    /// In the order of events.
    pub seen: Vec<Seen>,
    /// Its latest end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// The previous version doesn't know this field: see [`Self::under`].
    #[serde(default, skip_serializing_if = "Openings::is_untouched")]
    pub openings: Openings,
}

/// An end of a join.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    pub branch: Branch,
    /// The partition whose outbox has its actions.
    pub partition: String,
}

/// An event of a leg.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seen {
    pub time: Timestamp,
    pub key: ClaimKey,
    pub leg: usize,
    pub received: Timestamp,
    pub owner: Owner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Branch {
    Then,
    Else,
}

impl JoinState {
    /// The state under these terms. If the terms let the join open again, a state that ended without a count comes
    /// from earlier terms or from the previous version: all events seen belong to an opening that is over.
    #[must_use]
    pub fn under(mut self, terms: &Terms, now: Timestamp) -> Self {
        if terms.again.span().is_some() && self.taken.is_some() && self.openings.is_untouched() {
            self.openings = Openings::after(self.seen.last().map(|seen| seen.time), now);
        }
        self
    }

    /// Adds an event, and drops events that are too old or too many. Returns how many events of the join's current
    /// window were dropped as too many. Older ones could only have met an event that comes late.
    pub fn see(&mut self, seen: Seen, terms: &Terms, now: Timestamp) -> usize {
        if let Err(at) = self.seen.binary_search(&seen) {
            self.seen.insert(at, seen);
        }
        self.forget_old(terms, now);
        self.forget_surplus(terms, now)
    }

    /// Drops events that are too old: no event that is still accepted can be near enough to complete with them.
    fn forget_old(&mut self, terms: &Terms, now: Timestamp) {
        let oldest = now.minus(MAX_EVENT_AGE).minus(terms.within);
        while self.seen.first().is_some_and(|seen| seen.time < oldest) {
            self.forget(0, terms);
        }
    }

    /// Gives each leg an equal share of the room, so that no leg can displace another. Each leg keeps its newest
    /// events by the order of events: the same ones in every order of arrival.
    fn forget_surplus(&mut self, terms: &Terms, now: Timestamp) -> usize {
        let mut room = vec![(MAX_JOIN_EVENTS / terms.legs, MAX_JOIN_BYTES / terms.legs); terms.legs];
        let mut lost = 0;
        for at in (0..self.seen.len()).rev() {
            let seen = &self.seen[at];
            let bytes = serde_json::to_string(seen).map_or(usize::MAX, |json| json.len() + 1);
            // A leg that the rules don't have any more gets no room.
            match room.get_mut(seen.leg) {
                Some((events, left)) if *events > 0 && bytes <= *left => {
                    *events -= 1;
                    *left -= bytes;
                    continue;
                }
                Some((events, _)) => *events = 0,
                None => {}
            }
            let matters = now.since(seen.time) <= terms.within + JOIN_GRACE && self.waits(seen, terms);
            lost += usize::from(matters);
            self.forget(at, terms);
        }
        lost
    }

    /// Drops an event. Completions that it may take part in are counted first.
    fn forget(&mut self, at: usize, terms: &Terms) {
        self.settle(self.seen[at].time, terms);
        self.seen.remove(at);
    }

    /// The state after this end. `partition`: the partition whose outbox has its actions.
    #[must_use]
    pub fn ended(mut self, end: &End, terms: &Terms, partition: &str) -> Self {
        if terms.again.span().is_some() {
            self.count(end, terms);
        }
        self.taken = Some(Taken { branch: end.branch, partition: partition.to_owned() });
        self
    }

    /// When DynamoDB may delete it: no event for it can arrive any more, and it doesn't have to stay closed.
    pub fn expires(&self, written: Timestamp) -> Timestamp {
        self.openings.until().map_or(written, |until| until.max(written)).plus(CLAIM_LIFETIME)
    }
}

/// The partition of a join with this key. It can't equal a conversation's name: it contains a hash of join and key.
pub fn join_partition(join: &str, key: &str) -> String {
    format!("join#{join}#{}", Sha256Hex::of(format!("{join}#{key}").as_bytes()).digits())
}

/// The order of a join's changes: the time of its events, with a key of its own.
pub fn join_order(partition: &str, time: Timestamp) -> Order {
    Order::at(time, join_cause(partition, 1))
}

/// The cause of the actions of a join's end. Each end has its own.
pub fn join_cause(partition: &str, number: u64) -> ClaimKey {
    ClaimKey::from(match number {
        1 => format!("@{partition}"),
        _ => format!("@{partition}#{number}"),
    })
}
