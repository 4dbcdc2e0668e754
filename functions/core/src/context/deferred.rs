//! What a conversation's events want said later: for the morning, for room under a cap, or when an identity is linked.
//!
//! One item (`deferred`), in the order of the events, and one timer a conversation. When it fires, what is due is decided in
//! that order; each is taken out in the transaction that decides it, so that it is decided once.
//!
//! It is bounded in bytes. When it is full the least urgent goes, of those the oldest; it is counted and logged, and no event
//! fails for it.

use crate::action::PlannedAction;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidings_config::limits::{CLAIM_LIFETIME, MAX_DEFERRED_BYTES, MAX_DEFERRED_PROPOSAL_BYTES, MAX_TIMERS_KNOWN, WAKE_OVERDUE};
use tidings_config::rules::Priority;
use tidings_config::time::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deferred {
    /// In the order of the events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waits>,
    /// Identities that were linked to this conversation and still hold what waited for that: at most
    /// [`tidings_config::limits::MAX_HANDED_OVER`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// When the timer fires that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wakes: Option<Timestamp>,
    /// When those fire that are under way behind it, in order: at most [`MAX_TIMERS_KNOWN`] are remembered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wakes_later: Vec<Timestamp>,
    /// How many timers there have been: each has a key of its own.
    #[serde(default)]
    pub timers: u64,
    /// How many had to leave since something of their cap's scope waits. A digest counts them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, u64>,
}

/// What one more element of a list takes beside itself, with a time that it may get.
const SEPARATORS: usize = 64;

/// One that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// `None`: for the link of its identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    pub proposal: PlannedAction,
}

impl Waits {
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until <= now)
    }
}

impl Deferred {
    /// Puts it in its place. What has to go for it, perhaps itself, is returned.
    #[must_use]
    pub fn add(&mut self, waits: Waits, now: Timestamp) -> Vec<PlannedAction> {
        if serde_json::to_string(&waits).is_ok_and(|json| json.len() > MAX_DEFERRED_PROPOSAL_BYTES) {
            return vec![waits.proposal];
        }
        self.waiting.retain(|waiting| !waiting.proposal.has_expired(now));
        let at = self.waiting.partition_point(|waiting| waiting.proposal.place() <= waits.proposal.place());
        self.waiting.insert(at, waits);
        let mut gone = Vec::new();
        while self.bytes() > MAX_DEFERRED_BYTES {
            // The first of the least urgent is the oldest of them.
            let Some(least) = (0..self.waiting.len()).min_by_key(|n| urgency(self.waiting[*n].proposal.priority)) else { break };
            gone.push(self.waiting.remove(least).proposal);
        }
        gone
    }

    /// Takes over what waited for a link that has come: from now on it is due. What has no room stays there until what is due
    /// here is decided; if nothing is, room is made as [`Self::add`] makes it, and what has to go is returned.
    #[must_use]
    pub fn take_over(&mut self, theirs: &mut Self, now: Timestamp) -> Vec<PlannedAction> {
        theirs.waiting.retain(|waits| !waits.proposal.has_expired(now));
        let mut gone = Vec::new();
        while let Some(first) = theirs.waiting.first() {
            let bytes = serde_json::to_string(first).map_or(0, |json| json.len()) + SEPARATORS;
            let has_room = self.bytes() + bytes <= MAX_DEFERRED_BYTES;
            if !has_room && self.waiting.iter().any(|waits| waits.is_due(now)) {
                break;
            }
            let waits = Waits { until: Some(now), ..theirs.waiting.remove(0) };
            gone.extend(self.add(waits, now));
        }
        if theirs.waiting.is_empty() {
            for (scope, n) in std::mem::take(&mut theirs.left) {
                self.leave(&scope, n);
            }
        }
        gone
    }

    /// So many more of a scope had to leave.
    pub fn leave(&mut self, scope: &str, n: u64) {
        let left = self.left.entry(scope.to_owned()).or_default();
        *left = left.saturating_add(n);
    }

    /// When its timer has to fire, if there has to be a new one: the one under way is too late, or was lost.
    #[must_use]
    pub fn timer_due(&self, now: Timestamp) -> Option<Timestamp> {
        let next = self.next(now)?;
        let serves = self.wakes.is_some_and(|wakes| wakes <= next && now < wakes.plus(WAKE_OVERDUE));
        (!serves).then_some(next)
    }

    /// Remembers that a timer is under way to this time, and gives its number. It is earlier than those that are.
    pub fn set_timer(&mut self, due: Timestamp) -> u64 {
        let behind = self.wakes.replace(due).filter(|wakes| *wakes > due);
        self.wakes_later.splice(0..0, behind);
        self.wakes_later.truncate(MAX_TIMERS_KNOWN);
        self.timers += 1;
        self.timers
    }

    /// A timer of this time has fired.
    pub fn fired(&mut self, fired: Timestamp) {
        let under_way = self.wakes.into_iter().chain(std::mem::take(&mut self.wakes_later));
        let mut under_way: Vec<Timestamp> = under_way.filter(|wakes| *wakes > fired).collect();
        self.wakes = (!under_way.is_empty()).then(|| under_way.remove(0));
        self.wakes_later = under_way;
    }

    /// When something is due next. Asked of a conversation: what waits for a link is due.
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let linked = (!self.identities.is_empty()).then_some(now);
        self.waiting.iter().map(|waits| waits.until.unwrap_or(now)).chain(linked).min().map(|next| next.max(now))
    }

    /// Whether something is due now, whatever timers there are.
    pub fn has_due(&self, now: Timestamp) -> bool {
        !self.identities.is_empty() || self.waiting.iter().any(|waits| waits.is_due(now))
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.identities.is_empty()
    }

    /// When DynamoDB may delete it: nothing waits so long, and no timer of it is on its way any more.
    pub fn expires(&self, written: Timestamp) -> Timestamp {
        written.plus(CLAIM_LIFETIME)
    }

    /// What waits, as it is stored.
    pub fn bytes(&self) -> usize {
        serde_json::to_string(&self.waiting).map_or(usize::MAX, |json| json.len())
    }
}

fn urgency(priority: Priority) -> u8 {
    match priority {
        Priority::Low => 0,
        Priority::Normal => 1,
        Priority::Urgent => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{ActionId, Intent, Part, Wrote};
    use crate::claim::ClaimKey;
    use crate::context::Tie;
    use std::time::Duration;
    use tidings_config::rules::CapOverflow;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_ms(second * 1_000)
    }

    fn waits(second: i64, priority: Priority, text_bytes: usize, until: Option<Timestamp>) -> Waits {
        let cause = ClaimKey::new("orders", &format!("e{second}"));
        let proposal = PlannedAction {
            id: ActionId::new(&cause, "shipped", "notify"),
            rule: "shipped".into(),
            entity: None,
            time: Some(at(second)),
            tie: Tie::default(),
            nth: 0,
            wrote: Wrote::default(),
            overflow: CapOverflow::default(),
            since: at(0),
            cause,
            priority,
            traceparent: None,
            intent: Intent::Notify {
                text: vec![Part::Words("x".repeat(text_bytes))],
                variants: vec![],
                channels: vec![],
                cap: None,
            },
        };
        Waits { until, proposal }
    }

    fn seconds(deferred: &[Waits]) -> Vec<i64> {
        deferred.iter().filter_map(|waits| waits.proposal.time).map(Timestamp::unix_s).collect()
    }

    #[test]
    fn what_waits_is_in_the_order_of_the_events() {
        let mut deferred = Deferred::default();
        for (second, until) in [(3, Some(at(10))), (1, Some(at(20))), (4, Some(at(10)))] {
            assert_eq!(deferred.add(waits(second, Priority::Normal, 1, until), at(0)), []);
        }
        assert_eq!(deferred.timer_due(at(0)), Some(at(10)));
        assert_eq!(deferred.add(waits(2, Priority::Normal, 1, None), at(0)), []);
        assert_eq!(deferred.timer_due(at(0)), Some(at(0)), "of a conversation, what waits for a link is due");
        assert_eq!(seconds(&deferred.waiting), [1, 2, 3, 4]);
        let due: Vec<Waits> = deferred.waiting.iter().filter(|waits| waits.is_due(at(10))).cloned().collect();
        assert_eq!((seconds(&due), deferred.has_due(at(10))), (vec![2, 3, 4], true));
    }

    #[test]
    fn what_happened_at_one_time_waits_by_its_sequence_its_rank_and_its_receipt() {
        let one = |n: i64, tie: Tie| {
            let mut one = waits(1, Priority::Normal, 1, None);
            // The key says the opposite of what decides.
            (one.proposal.cause, one.proposal.tie) = (ClaimKey::new("orders", &format!("e{}", 9 - n)), tie);
            one
        };
        let ties = [
            Tie::default(),
            Tie { received_after_ms: 5, ..Tie::default() },
            Tie { rank: 1, ..Tie::default() },
            Tie { sequence: Some(1), ..Tie::default() },
            Tie { sequence: Some(2), ..Tie::default() },
        ];
        let mut deferred = Deferred::default();
        for n in [3, 0, 4, 1, 2] {
            let _ = deferred.add(one(i64::try_from(n).unwrap(), ties[n]), at(0));
        }
        let said: Vec<Tie> = deferred.waiting.into_iter().map(|waits| waits.proposal.tie).collect();
        assert_eq!(said, ties);
    }

    #[test]
    fn a_timer_is_due_only_if_the_one_under_way_is_too_late_or_lost() {
        let mut deferred = Deferred::default();
        let _ = deferred.add(waits(1, Priority::Normal, 1, Some(at(100))), at(0));
        for (wakes, now, expected) in [
            (None, 0, Some(at(100))),
            (Some(at(100)), 0, None),
            (Some(at(99)), 0, None),
            (Some(at(101)), 0, Some(at(100))),
            (Some(at(100)), 100 + i64::try_from(WAKE_OVERDUE.as_secs()).unwrap(), Some(at(100).plus(WAKE_OVERDUE))),
        ] {
            deferred.wakes = wakes;
            assert_eq!(deferred.timer_due(at(now)), expected, "{wakes:?} {now}");
        }
        assert_eq!(Deferred::default().timer_due(at(0)), None);
    }

    #[test]
    fn a_timer_that_is_under_way_behind_an_earlier_one_is_not_set_again() {
        let mut deferred = Deferred::default();
        let _ = deferred.add(waits(1, Priority::Normal, 1, Some(at(100))), at(0));
        assert_eq!(deferred.set_timer(at(100)), 1);
        let _ = deferred.add(waits(2, Priority::Normal, 1, Some(at(50))), at(0));
        assert_eq!((deferred.timer_due(at(0)), deferred.set_timer(at(50))), (Some(at(50)), 2));
        deferred.fired(at(50));
        deferred.waiting.remove(1);
        assert_eq!((deferred.wakes, deferred.timer_due(at(50))), (Some(at(100)), None));
        deferred.fired(at(100));
        assert_eq!(deferred.timer_due(at(100)), Some(at(100)), "it is due, and no timer is left");
    }

    #[test]
    fn when_it_is_full_the_least_urgent_and_oldest_goes() {
        let mut deferred = Deferred::default();
        assert_eq!(deferred.add(waits(1, Priority::Urgent, 4_000, None), at(0)), []);
        let mut gone = Vec::new();
        for second in 2..100 {
            gone.extend(deferred.add(waits(second, Priority::Normal, 4_000, None), at(0)));
            assert!(deferred.bytes() <= MAX_DEFERRED_BYTES);
        }
        let first = gone[0].time.unwrap().unix_s();
        assert_eq!(first, 2, "the oldest, and not the urgent one");
        assert_eq!(seconds(&deferred.waiting)[0], 1);
        assert_eq!(gone.len() + deferred.waiting.len(), 99, "each is kept or told of");
        let low = deferred.add(waits(500, Priority::Low, 4_000, None), at(0));
        assert_eq!(low[0].time, Some(at(500)), "what matters least makes no room for itself");
    }

    #[test]
    fn what_had_to_leave_an_identity_is_counted_with_its_conversation() {
        let (mut ours, mut theirs) = (Deferred::default(), Deferred::default());
        ours.leave("", 2);
        theirs.leave("", 3);
        theirs.leave("tip", 1);
        assert_eq!(theirs.add(waits(1, Priority::Normal, 1, None), at(0)), []);
        assert_eq!(ours.take_over(&mut theirs, at(5)), []);
        assert_eq!(ours.left, BTreeMap::from([(String::new(), 5), ("tip".to_owned(), 1)]));
        assert!(theirs.left.is_empty() && ours.waiting[0].is_due(at(5)));
    }

    /// As the version before wrote it, which knows neither places, nor what was written, nor what a cap does.
    #[test]
    fn what_the_version_before_stored_is_read_and_what_is_new_is_read_by_it() {
        let mut one = waits(1, Priority::Normal, 1, Some(at(7)));
        let before = serde_json::to_value(&one).unwrap();
        for new in ["nth", "wrote", "overflow"] {
            assert!(before["proposal"].get(new).is_none(), "{new}: what says nothing new is stored as it was");
        }
        assert_eq!(serde_json::from_value::<Waits>(before).unwrap(), one);
        (one.proposal.nth, one.proposal.overflow) = (3, CapOverflow::Digest);
        one.proposal.wrote = Wrote { facts: vec!["status".into()], node: true };
        let json = serde_json::to_value(&one).unwrap();
        assert!(json["proposal"]["intent"]["notify"]["cap"].is_null(), "a cap is read strictly by the version before");
        assert_eq!(serde_json::from_value::<Waits>(json).unwrap(), one);
    }

    #[test]
    fn one_that_is_too_large_costs_no_other() {
        let mut deferred = Deferred::default();
        let _ = deferred.add(waits(1, Priority::Normal, 10, None), at(0));
        let around = serde_json::to_string(&waits(2, Priority::Normal, 0, None)).unwrap().len();
        let largest = MAX_DEFERRED_PROPOSAL_BYTES - around;
        assert_eq!(deferred.add(waits(2, Priority::Normal, largest, None), at(0)), []);
        assert_eq!(deferred.add(waits(3, Priority::Urgent, largest + 1, None), at(0)).len(), 1);
        assert_eq!(seconds(&deferred.waiting), [1, 2]);
    }

    #[test]
    fn nothing_waits_longer_than_anybody_wants_it() {
        let mut deferred = Deferred::default();
        let _ = deferred.add(waits(1, Priority::Normal, 1, None), at(0));
        let late = at(0).plus(tidings_config::limits::MAX_DEFERRAL + Duration::from_millis(1));
        let _ = deferred.add(waits(2, Priority::Normal, 1, None), late);
        assert_eq!(
            seconds(&deferred.waiting),
            [2],
            "what has waited too long goes when something comes; this is seen at its time"
        );
        assert!(deferred.waiting[0].proposal.has_expired(late));
    }
}
