//! Decides when a join ends, how often, and with which branch. Pure: it follows from the events seen, the rule's
//! terms and the time.
//!
//! A combination has one event of each leg; it is **complete** if all of its events are at most `within` apart. The
//! number of completions is the largest number of combinations in sequence: each begins after the one before has
//! ended, plus the span that `again` requires. More events never reduce this number, so it is the same in every order
//! of arrival. Without `again` it is at most one.
//!
//! That a join is **given up** can only be decided at a time, and is decided once: when the events after the last
//! completion have waited for `within` and a grace period. It is then recorded. Earlier events come too late; later
//! ones open the join again, if `again` allows it.

use super::{Branch, JoinState, Owner, Seen};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::time::Duration;
use tidings_config::limits::JOIN_GRACE;
use tidings_config::rules::{Again, Join};
use tidings_config::time::Timestamp;

/// The terms of a rule's join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The number of legs, at least one.
    pub legs: usize,
    pub within: Duration,
    pub again: Again,
    /// Whether it has an `else` branch.
    pub gives_up: bool,
}

/// How far the ends of a join that opens again have been counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Openings {
    /// Events up to this time are settled: they take part in no other end.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// The number of completions up to then.
    completed: u64,
    /// The latest of these, while it may not be reported yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest: Option<Combination>,
    /// How often `then` was applied.
    said: u64,
    /// The number of ends so far.
    ends: u64,
}

/// The events that complete a join.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Combination {
    /// When the last of them happened.
    pub time: Timestamp,
    /// The owner of the first leg's event.
    pub owner: Owner,
}

/// An end to apply.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    pub branch: Branch,
    /// The number of the end, counted from one.
    pub number: u64,
    /// The time of what it sets.
    pub time: Timestamp,
    /// The owner of the conversation.
    pub owner: Owner,
}

/// The next step for a join.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    Take(End),
    /// `then` was applied before. Its facts get the time of the latest combination.
    Renew(End),
}

impl Next {
    pub fn gives_up(&self) -> bool {
        matches!(self, Self::Take(End { branch: Branch::Else, .. }))
    }

    pub const fn end(&self) -> &End {
        match self {
            Self::Take(end) | Self::Renew(end) => end,
        }
    }
}

impl Terms {
    pub fn of(join: &Join) -> Self {
        let (legs, within) = (join.all.len().max(1), join.within.duration());
        Self { legs, within, again: join.again, gives_up: !join.otherwise.is_empty() }
    }
}

impl Openings {
    pub(super) fn is_untouched(&self) -> bool {
        *self == Self::default()
    }

    /// The openings of a state whose ends weren't counted. Numbering starts at a number that no earlier state of this
    /// key used: readers of ends take two ends with one number for one.
    pub(super) fn after(until: Option<Timestamp>, now: Timestamp) -> Self {
        Self { until, ends: u64::try_from(now.unix_s()).unwrap_or(0).max(1), ..Self::default() }
    }

    pub(super) const fn until(&self) -> Option<Timestamp> {
        self.until
    }
}

impl JoinState {
    /// The next step, if there is one. The caller must check whether the time is really over: see [`is_late`].
    pub fn next(&self, terms: &Terms, now: Timestamp) -> Option<Next> {
        let ended = |branch, Combination { time, owner }| End { branch, number: self.openings.ends + 1, time, owner };
        if self.is_pending(terms) {
            let latest = self.complete(terms).or_else(|| self.openings.latest.clone())?;
            return Some(Next::Take(ended(Branch::Then, latest)));
        }
        if terms.gives_up && self.deadline(terms).is_some_and(|deadline| now >= deadline) {
            return self.given_up(terms).map(|end| Next::Take(ended(Branch::Else, end)));
        }
        let said = match terms.again.span() {
            None => self.taken.as_ref().is_some_and(|taken| taken.branch == Branch::Then),
            Some(_) => self.openings.said > 0,
        };
        let latest = if said { self.complete(terms) } else { None };
        latest.map(|latest| Next::Renew(End { number: self.openings.ends, ..ended(Branch::Then, latest) }))
    }

    /// The number of completions, and the last one's time.
    fn completed(&self, terms: &Terms) -> (u64, Option<Timestamp>) {
        let latest = self.complete(terms).map(|latest| latest.time);
        (self.openings.completed + self.ends(terms).len() as u64, latest)
    }

    /// When its timers are due after this change: immediately for a completion, later for giving up.
    pub fn timers(&self, before: &Self, terms: &Terms, now: Timestamp) -> Vec<Timestamp> {
        let (completed, latest) = self.completed(terms);
        let is_given_up = terms.again.span().is_none() && self.taken.as_ref().is_some_and(|taken| taken.branch == Branch::Else);
        let changed = (completed, latest) != before.completed(terms) && completed > 0 && !is_given_up;
        let at_once = Some(now).filter(|_| changed);
        at_once.into_iter().chain(self.deadline(terms).filter(|_| terms.gives_up)).collect()
    }

    /// Whether the events seen can't end it any more.
    pub fn is_over(&self, terms: &Terms) -> bool {
        !self.is_pending(terms) && self.deadline(terms).is_none() && self.taken.is_some()
    }

    /// When it is given up if no other event comes. A late event gets its time from its arrival on.
    pub(super) fn deadline(&self, terms: &Terms) -> Option<Timestamp> {
        let last = self.open(terms).map(|seen| seen.time.max(seen.received)).max();
        last.map(|last| last.plus(terms.within).plus(JOIN_GRACE))
    }

    fn is_pending(&self, terms: &Terms) -> bool {
        let (completed, _) = self.completed(terms);
        match terms.again.span() {
            None => self.taken.is_none() && completed > 0,
            Some(_) => completed > self.openings.said,
        }
    }

    /// The latest complete combination, if there is one.
    fn complete(&self, terms: &Terms) -> Option<Combination> {
        self.seen.iter().rev().find_map(|last| {
            let near = |seen: &&Seen| seen.time <= last.time && last.time.since(seen.time) <= terms.within;
            let of = |leg: usize| self.seen.iter().rev().filter(near).find(|seen| seen.leg == leg);
            let first = of(0)?;
            (1..terms.legs).all(|leg| of(leg).is_some()).then(|| Combination { time: last.time, owner: first.owner.clone() })
        })
    }

    /// The largest sequence of combinations: each time the one that completes first.
    fn ends(&self, terms: &Terms) -> Vec<Combination> {
        let mut ends = Vec::new();
        let mut after = self.openings.until;
        let mut latest: Vec<Option<&Seen>> = vec![None; terms.legs];
        if terms.again.span().is_none() && self.openings.completed > 0 {
            return ends;
        }
        for seen in &self.seen {
            if after.is_some_and(|after| seen.time <= after) {
                continue;
            }
            let Some(of_leg) = latest.get_mut(seen.leg) else { continue };
            *of_leg = Some(seen);
            let near = |of_leg: &&Seen| seen.time.since(of_leg.time) <= terms.within;
            if let Some(Some(first)) = latest.first()
                && latest.iter().all(|of_leg| of_leg.as_ref().is_some_and(near))
            {
                ends.push(Combination { time: seen.time, owner: first.owner.clone() });
                let Some(span) = terms.again.span() else { break };
                after = Some(seen.time.plus(span));
                latest.fill(None);
            }
        }
        ends
    }

    /// The events of the current opening.
    fn open(&self, terms: &Terms) -> impl Iterator<Item = &Seen> {
        let last = self.ends(terms).pop();
        let (is_over, after) = match terms.again.span() {
            None => (self.taken.is_some() || last.is_some() || self.openings.completed > 0, None),
            Some(span) => (false, last.map(|last| last.time.plus(span)).max(self.openings.until)),
        };
        self.seen.iter().filter(move |seen| !is_over && after.is_none_or(|after| seen.time > after))
    }

    /// The combination for giving up. It has the time at which `else` happens.
    fn given_up(&self, terms: &Terms) -> Option<Combination> {
        let last = self.open(terms).map(|seen| seen.time).max()?;
        let first = self.open(terms).min_by_key(|seen| (seen.leg, Reverse((seen.time, &seen.key))))?;
        Some(Combination { time: last.plus(terms.within), owner: first.owner.clone() })
    }

    /// Whether an event is part of the current opening.
    pub(super) fn waits(&self, event: &Seen, terms: &Terms) -> bool {
        self.open(terms).any(|seen| seen == event)
    }

    /// Counts an end. Giving up ends all events that it was given up for.
    pub(super) fn count(&mut self, end: &End, terms: &Terms) {
        match end.branch {
            Branch::Then => self.openings.said += 1,
            Branch::Else => {
                self.settle_ends(usize::MAX, terms);
                self.openings.until = Some(end.time.plus(terms.again.span().unwrap_or_default()));
            }
        }
        if self.openings.completed <= self.openings.said {
            self.openings.latest = None;
        }
        self.openings.ends += 1;
    }

    /// Counts the completions that an event of this time may take part in, before the event is forgotten.
    pub(super) fn settle(&mut self, forgotten: Timestamp, terms: &Terms) {
        let ends = self.ends(terms);
        let through = ends.iter().position(|end| end.time >= forgotten);
        let through = through.filter(|through| ends[*through].time.since(forgotten) <= terms.within);
        // A join that has ended and never opens again has nothing to count.
        if let Some(through) = through
            && (terms.again.span().is_some() || self.taken.is_none())
        {
            self.settle_ends(through + 1, terms);
        }
    }

    /// Counts the first ends as completed: their events take part in no other.
    fn settle_ends(&mut self, at_most: usize, terms: &Terms) {
        for end in self.ends(terms).into_iter().take(at_most) {
            self.openings.completed += 1;
            self.openings.until = Some(end.time.plus(terms.again.span().unwrap_or_default()));
            self.openings.latest = Some(end).filter(|_| self.openings.completed > self.openings.said);
        }
    }
}

/// Whether a timer comes so long after it became visible that the queue lags, so that events of the join may be late too.
pub fn is_late(visible: Timestamp, now: Timestamp) -> bool {
    now.since(visible) > JOIN_GRACE
}

#[cfg(test)]
mod tests;
