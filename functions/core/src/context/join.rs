//! A join of one key: which of its events have happened, and which branch it has taken.
//!
//! Complete is what **some combination** of one event a leg is, if none of its events is further than `within` from
//! another. More events never make it incomplete, so whether a set of events completes a join doesn't depend on their
//! order. That it *isn't* complete can only be said of a time, and is said once, when that time and a grace are over: then
//! the branch is taken, and what comes later finds it so.

use super::{Order, Owner};
use crate::claim::{ClaimKey, Sha256Hex};
use crate::limits::{CLAIM_LIFETIME, JOIN_GRACE, MAX_JOIN_EVENTS};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JoinState {
    /// In the order of events.
    pub seen: Vec<Seen>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
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

/// The events that complete a join: of all that do, the latest.
#[derive(Clone, Debug, PartialEq)]
pub struct Combination {
    /// When the last of them happened.
    pub time: Timestamp,
    /// Whose the first leg's is.
    pub owner: Owner,
}

/// More events of one key than can be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl JoinState {
    /// Remembers an event. Once a branch is taken, what doesn't fit any more doesn't matter.
    pub fn see(&mut self, seen: Seen) -> Result<(), Full> {
        let Err(at) = self.seen.binary_search(&seen) else { return Ok(()) };
        match (self.seen.len() < MAX_JOIN_EVENTS, &self.taken) {
            (true, _) => self.seen.insert(at, seen),
            (false, Some(_)) => {}
            (false, None) => return Err(Full),
        }
        Ok(())
    }

    /// The latest combination, if there is one.
    pub fn complete(&self, legs: usize, within: Duration) -> Option<Combination> {
        self.seen.iter().rev().find_map(|last| {
            let near = |seen: &&Seen| seen.time <= last.time && last.time.since(seen.time) <= within;
            let of = |leg: usize| self.seen.iter().rev().filter(near).find(|seen| seen.leg == leg);
            let first = of(0)?;
            (1..legs).all(|leg| of(leg).is_some()).then(|| Combination { time: last.time, owner: first.owner.clone() })
        })
    }

    /// When it is given up, if nothing else comes. An event that was told late has its time from then on.
    pub fn deadline(&self, within: Duration) -> Option<Timestamp> {
        self.seen.iter().map(|seen| seen.time.max(seen.received)).max().map(|last| last.plus(within).plus(JOIN_GRACE))
    }

    /// What it would have been complete at: the time of what happens then.
    pub fn given_up(&self, within: Duration) -> Option<Combination> {
        let last = self.seen.iter().map(|seen| seen.time).max()?;
        let first = self.seen.iter().min_by_key(|seen| (seen.leg, std::cmp::Reverse((seen.time, &seen.key))))?;
        Some(Combination { time: last.plus(within), owner: first.owner.clone() })
    }

    /// When DynamoDB may delete it: no event that it could know is on its way any more.
    pub fn expires(&self, written: Timestamp) -> Timestamp {
        written.plus(CLAIM_LIFETIME)
    }
}

/// Where the join of one key is. Its name can't be a conversation's: nobody can guess a hash of both into one.
pub fn join_partition(join: &str, key: &str) -> String {
    format!("join#{join}#{}", Sha256Hex::of(format!("{join}#{key}").as_bytes()).digits())
}

/// What a join does comes at the time of its events, under a key of its own.
pub fn join_order(partition: &str, time: Timestamp) -> Order {
    Order { sequence: None, time, key: join_cause(partition) }
}

/// What a join's facts and actions name as their cause.
pub fn join_cause(partition: &str) -> ClaimKey {
    ClaimKey::from(format!("@{partition}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WITHIN: Duration = Duration::from_secs(10);

    fn seen(leg: usize, second: i64) -> Seen {
        let time = Timestamp::from_unix_ms(second * 1_000);
        let key = ClaimKey::new("s", &format!("{leg}@{second}"));
        Seen { time, key, leg, received: time, owner: Owner::Conversation(format!("c{leg}")) }
    }

    fn state(events: &[(usize, i64)]) -> JoinState {
        let mut state = JoinState::default();
        for (leg, second) in events {
            state.see(seen(*leg, *second)).unwrap();
        }
        state
    }

    fn completed_at(events: &[(usize, i64)]) -> Option<i64> {
        state(events).complete(2, WITHIN).map(|combination| combination.time.unix_s())
    }

    #[test]
    fn it_is_complete_when_some_of_its_events_are_near_one_another() {
        for (events, expected) in [
            (&[(0, 0)][..], None),
            (&[(0, 0), (0, 5)], None),
            (&[(0, 0), (1, 10)], Some(10)),
            (&[(0, 0), (1, 11)], None),
            (&[(1, 0), (0, 10)], Some(10)),
            (&[(0, 0), (0, 8), (1, 17)], Some(17)),
            (&[(0, 0), (1, 0)], Some(0)),
        ] {
            assert_eq!(completed_at(events), expected, "{events:?}");
        }
        let combination = state(&[(1, 3), (0, 0), (0, 2)]).complete(2, WITHIN).unwrap();
        assert_eq!(combination.owner, Owner::Conversation("c0".into()), "the first leg's");
    }

    #[test]
    fn it_is_given_up_when_the_last_of_its_events_has_waited() {
        let state = state(&[(1, 0), (0, 5)]);
        assert_eq!(state.deadline(WITHIN), Some(Timestamp::from_unix_ms(15_000).plus(JOIN_GRACE)));
        let given_up = state.given_up(WITHIN).unwrap();
        assert_eq!((given_up.time.unix_s(), given_up.owner), (15, Owner::Conversation("c0".into())));
        let mut late = JoinState::default();
        late.see(Seen { received: Timestamp::from_unix_ms(60_000), ..seen(0, 1) }).unwrap();
        assert_eq!(late.deadline(WITHIN), Some(Timestamp::from_unix_ms(70_000).plus(JOIN_GRACE)), "from when it was told");
        assert_eq!(late.given_up(WITHIN).unwrap().time.unix_s(), 11);
    }

    #[test]
    fn what_it_remembers_is_bounded_and_once_it_is_over_that_is_no_matter() {
        let mut full = JoinState::default();
        for second in 0..i64::try_from(MAX_JOIN_EVENTS).unwrap() {
            full.see(seen(0, second)).unwrap();
        }
        assert_eq!(full.see(seen(0, 3)), Ok(()), "the very event again");
        assert_eq!(full.see(seen(0, 1_000)), Err(Full));
        full.taken = Some(Taken { branch: Branch::Else, partition: "c".into() });
        assert_eq!(full.see(seen(0, 1_000)), Ok(()));
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_changes_nothing_and_more_events_never_make_it_incomplete(
            events in proptest::collection::vec((0..3_usize, 0..40_i64), 1..10), keys in proptest::collection::vec(any::<u32>(), 10),
        ) {
            let mut shuffled: Vec<_> = events.iter().copied().zip(keys).collect();
            shuffled.sort_by_key(|(_, key)| *key);
            let shuffled: Vec<_> = shuffled.into_iter().map(|(event, _)| event).collect();
            prop_assert_eq!(state(&events), state(&shuffled));
            let (some, all) = (completed_at(&events[..events.len() / 2]), completed_at(&events));
            prop_assert!(some <= all, "{:?} after {:?}", all, some);
        }
    }
}
