//! When a join ends, how often, and which way. Pure: the events that were seen, the rules' terms and a time say it.
//!
//! **Complete** is what some combination of one event a leg is, if none of its events is further than `within` from another.
//! How often a join has completed is the largest number of combinations that lie one after the other: each begins after the one
//! before has ended, and after the span that `again` wants between them. More events never make it less, so it is the same in
//! every order of arrival. Without `again` it is at most once.
//!
//! That it **isn't** complete can only be said of a time, and is said once: when the events after the last completion have
//! waited, and a grace. That is on record then. What happened before comes too late, and what happens after opens it again, if
//! it may.

use super::{Branch, JoinState, Owner, Seen};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::time::Duration;
use tidings_config::limits::JOIN_GRACE;
use tidings_config::rules::{Again, Join};
use tidings_config::time::Timestamp;

/// What a rule says of its join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// At least one.
    pub legs: usize,
    pub within: Duration,
    pub again: Again,
    /// Whether it has an `else`.
    pub gives_up: bool,
}

/// How far the ends of a join that opens again have been counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Openings {
    /// What happened until then is settled: it is part of no other end.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// How often it had completed by then.
    completed: u64,
    /// The latest of these, as long as it may not be said yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest: Option<Combination>,
    /// How often `then` was taken.
    said: u64,
    /// How many ends there were: their numbers.
    ends: u64,
}

/// The events that complete a join.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Combination {
    /// When the last of them happened.
    pub time: Timestamp,
    /// Whose the first leg's is.
    pub owner: Owner,
}

/// An end that is to be taken.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    pub branch: Branch,
    /// Counts the join's ends from one.
    pub number: u64,
    /// Of what it sets.
    pub time: Timestamp,
    /// Whose conversation it is.
    pub owner: Owner,
}

/// What there is to do for a join now.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    Take(End),
    /// `then` is said. What it has set is as new as the latest combination.
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

    /// Of a state whose ends weren't counted. They are numbered on from a number that no other such state of this key has had:
    /// two ends with one number would be one to whoever acts on them.
    pub(super) fn after(until: Option<Timestamp>, now: Timestamp) -> Self {
        Self { until, ends: u64::try_from(now.unix_s()).unwrap_or(0).max(1), ..Self::default() }
    }

    pub(super) const fn until(&self) -> Option<Timestamp> {
        self.until
    }
}

impl JoinState {
    /// What there is to do, if anything. That the time is over is for the caller to doubt: see [`is_late`].
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

    /// How often it has completed, and when it last was.
    fn completed(&self, terms: &Terms) -> (u64, Option<Timestamp>) {
        let latest = self.complete(terms).map(|latest| latest.time);
        (self.openings.completed + self.ends(terms).len() as u64, latest)
    }

    /// When its timers are due now that it was seen to change: at once for what is complete, later for what is given up.
    pub fn timers(&self, before: &Self, terms: &Terms, now: Timestamp) -> Vec<Timestamp> {
        let (completed, latest) = self.completed(terms);
        let is_given_up = terms.again.span().is_none() && self.taken.as_ref().is_some_and(|taken| taken.branch == Branch::Else);
        let changed = (completed, latest) != before.completed(terms) && completed > 0 && !is_given_up;
        let at_once = Some(now).filter(|_| changed);
        at_once.into_iter().chain(self.deadline(terms).filter(|_| terms.gives_up)).collect()
    }

    /// Whether nothing that it has seen can end it any more.
    pub fn is_over(&self, terms: &Terms) -> bool {
        !self.is_pending(terms) && self.deadline(terms).is_none() && self.taken.is_some()
    }

    /// When it is given up, if nothing else comes. An event that was told late has its time from then on.
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

    /// The latest combination, if there is one.
    fn complete(&self, terms: &Terms) -> Option<Combination> {
        self.seen.iter().rev().find_map(|last| {
            let near = |seen: &&Seen| seen.time <= last.time && last.time.since(seen.time) <= terms.within;
            let of = |leg: usize| self.seen.iter().rev().filter(near).find(|seen| seen.leg == leg);
            let first = of(0)?;
            (1..terms.legs).all(|leg| of(leg).is_some()).then(|| Combination { time: last.time, owner: first.owner.clone() })
        })
    }

    /// Combinations one after the other, as many as there can be: each time the one that is complete first.
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

    /// The events of the opening that isn't over.
    fn open(&self, terms: &Terms) -> impl Iterator<Item = &Seen> {
        let last = self.ends(terms).pop();
        let (is_over, after) = match terms.again.span() {
            None => (self.taken.is_some() || last.is_some() || self.openings.completed > 0, None),
            Some(span) => (false, last.map(|last| last.time.plus(span)).max(self.openings.until)),
        };
        self.seen.iter().filter(move |seen| !is_over && after.is_none_or(|after| seen.time > after))
    }

    /// What it would have been complete at: the time of what happens then.
    fn given_up(&self, terms: &Terms) -> Option<Combination> {
        let last = self.open(terms).map(|seen| seen.time).max()?;
        let first = self.open(terms).min_by_key(|seen| (seen.leg, Reverse((seen.time, &seen.key))))?;
        Some(Combination { time: last.plus(terms.within), owner: first.owner.clone() })
    }

    /// Whether an event is of the opening that isn't over.
    pub(super) fn waits(&self, event: &Seen, terms: &Terms) -> bool {
        self.open(terms).any(|seen| seen == event)
    }

    /// Counts an end. What is given up is over with all that it was given up for.
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

    /// Counts the completions that an event of this time may be part of, before it is forgotten.
    pub(super) fn settle(&mut self, forgotten: Timestamp, terms: &Terms) {
        let ends = self.ends(terms);
        let through = ends.iter().position(|end| end.time >= forgotten);
        let through = through.filter(|through| ends[*through].time.since(forgotten) <= terms.within);
        // One that is said and never opens again has nothing to count.
        if let Some(through) = through
            && (terms.again.span().is_some() || self.taken.is_none())
        {
            self.settle_ends(through + 1, terms);
        }
    }

    /// Counts the first ends as completed: their events are part of no other.
    fn settle_ends(&mut self, at_most: usize, terms: &Terms) {
        for end in self.ends(terms).into_iter().take(at_most) {
            self.openings.completed += 1;
            self.openings.until = Some(end.time.plus(terms.again.span().unwrap_or_default()));
            self.openings.latest = Some(end).filter(|_| self.openings.completed > self.openings.said);
        }
    }
}

/// Whether a timer that was visible then, and comes now, says that the queue lags: so may an event of the join.
pub fn is_late(visible: Timestamp, now: Timestamp) -> bool {
    now.since(visible) > JOIN_GRACE
}

#[cfg(test)]
mod tests;
