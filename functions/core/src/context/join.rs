//! A join of one key: which of its events have happened, and what it has come to.
//!
//! Promises: it has a bound, and what doesn't fit costs the oldest of its leg, never the newest and never another leg's. What is
//! forgotten is settled first, so that a completion is neither lost nor said twice because of it. When it ends, and how often,
//! is [`super::ending`]'s.

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
    /// The version before doesn't know them: see [`Self::under`].
    #[serde(default, skip_serializing_if = "Openings::is_untouched")]
    pub openings: Openings,
}

/// Its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    pub branch: Branch,
    /// Whose outbox has what it says.
    pub partition: String,
}

/// One event of a leg.
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
    /// As these terms have it. Under terms that let it open again, a state that has ended and has no count is from before them,
    /// or from the version before: all that it has seen is of an opening that is over.
    #[must_use]
    pub fn under(mut self, terms: &Terms, now: Timestamp) -> Self {
        if terms.again.span().is_some() && self.taken.is_some() && self.openings.is_untouched() {
            self.openings = Openings::after(self.seen.last().map(|seen| seen.time), now);
        }
        self
    }

    /// Remembers an event, and forgets what is too old or too much. How many events of the join's current window were too much:
    /// older ones could only have met an event that comes late.
    pub fn see(&mut self, seen: Seen, terms: &Terms, now: Timestamp) -> usize {
        if let Err(at) = self.seen.binary_search(&seen) {
            self.seen.insert(at, seen);
        }
        self.forget_old(terms, now);
        self.forget_surplus(terms, now)
    }

    /// No event that is still accepted can be so much older than now that it would meet these.
    fn forget_old(&mut self, terms: &Terms, now: Timestamp) {
        let oldest = now.minus(MAX_EVENT_AGE).minus(terms.within);
        while self.seen.first().is_some_and(|seen| seen.time < oldest) {
            self.forget(0, terms);
        }
    }

    /// Each leg has an equal share of the room, so that none can be filled at the cost of another. Of each the newest stay, by
    /// the order of events: the same ones in every order of arrival.
    fn forget_surplus(&mut self, terms: &Terms, now: Timestamp) -> usize {
        let mut room = vec![(MAX_JOIN_EVENTS / terms.legs, MAX_JOIN_BYTES / terms.legs); terms.legs];
        let mut lost = 0;
        for at in (0..self.seen.len()).rev() {
            let seen = &self.seen[at];
            let bytes = serde_json::to_string(seen).map_or(usize::MAX, |json| json.len() + 1);
            // A leg that the rules don't have any more has no room.
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

    /// Takes an event out. What it may have completed is counted before.
    fn forget(&mut self, at: usize, terms: &Terms) {
        self.settle(self.seen[at].time, terms);
        self.seen.remove(at);
    }

    /// What it is after this end. `partition`: whose outbox has what it says.
    #[must_use]
    pub fn ended(mut self, end: &End, terms: &Terms, partition: &str) -> Self {
        if terms.again.span().is_some() {
            self.count(end, terms);
        }
        self.taken = Some(Taken { branch: end.branch, partition: partition.to_owned() });
        self
    }

    /// When DynamoDB may delete it: no event that it could know is on its way any more, and it isn't kept shut.
    pub fn expires(&self, written: Timestamp) -> Timestamp {
        self.openings.until().map_or(written, |until| until.max(written)).plus(CLAIM_LIFETIME)
    }
}

/// Where the join of one key is. Its name can't be a conversation's: nobody can guess a hash of both into one.
pub fn join_partition(join: &str, key: &str) -> String {
    format!("join#{join}#{}", Sha256Hex::of(format!("{join}#{key}").as_bytes()).digits())
}

/// What a join does comes at the time of its events, under a key of its own.
pub fn join_order(partition: &str, time: Timestamp) -> Order {
    Order::at(time, join_cause(partition, 1))
}

/// What the actions of a join's end name as their cause: each end has its own.
pub fn join_cause(partition: &str, number: u64) -> ClaimKey {
    ClaimKey::from(match number {
        1 => format!("@{partition}"),
        _ => format!("@{partition}#{number}"),
    })
}
