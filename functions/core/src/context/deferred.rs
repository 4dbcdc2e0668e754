//! Deferred notifications of a conversation: they wait for quiet hours to end, for room under a cap, or for an identity's link.
//!
//! A conversation has one item (`deferred`), in the order of the events, and one timer. When the timer fires, the due
//! notifications are decided in that order. Each is removed in the transaction that decides it, so it is decided
//! once.
//!
//! The item is bounded in bytes. When it is full, the oldest of the least urgent notifications is dropped, counted
//! and logged. No event fails because of it.

use crate::action::PlannedAction;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidings_config::limits::{CLAIM_LIFETIME, MAX_DEFERRED_BYTES, MAX_DEFERRED_PROPOSAL_BYTES, MAX_TIMERS_KNOWN, WAKE_OVERDUE};
use tidings_config::rules::Priority;
use tidings_config::time::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deferred {
    /// The notifications in the order of the events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waits>,
    /// Identities that were linked to this conversation and still have notifications that waited for the link: at
    /// most [`tidings_config::limits::MAX_HANDED_OVER`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// When the pending timer fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wakes: Option<Timestamp>,
    /// When further pending timers fire, in order: at most [`MAX_TIMERS_KNOWN`] are remembered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wakes_later: Vec<Timestamp>,
    /// The number of timers so far: each has a key of its own.
    #[serde(default)]
    pub timers: u64,
    /// Notifications that were dropped from each cap's scope since the scope's oldest waiting one. A digest counts them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, u64>,
}

/// JSON overhead of one more list element, including a time that it may get.
const SEPARATORS: usize = 64;

/// A waiting notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// When it is due. `None`: it waits for the link of its identity.
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
    /// Inserts a notification in order. Returns those that must be dropped for it, perhaps itself.
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

    /// Takes over notifications that waited for a link, which are due now. Those without room stay with the identity
    /// until the due ones here are decided. If none is due here, room is made as in [`Self::add`], and the dropped
    /// ones are returned.
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

    /// Counts `n` more dropped notifications of a scope.
    pub fn leave(&mut self, scope: &str, n: u64) {
        let left = self.left.entry(scope.to_owned()).or_default();
        *left = left.saturating_add(n);
    }

    /// When a new timer must fire, if one is needed: the pending timer is too late or was lost.
    #[must_use]
    pub fn timer_due(&self, now: Timestamp) -> Option<Timestamp> {
        let next = self.next(now)?;
        let serves = self.wakes.is_some_and(|wakes| wakes <= next && now < wakes.plus(WAKE_OVERDUE));
        (!serves).then_some(next)
    }

    /// Remembers a pending timer, which fires before the others, and returns its number.
    pub fn set_timer(&mut self, due: Timestamp) -> u64 {
        let behind = self.wakes.replace(due).filter(|wakes| *wakes > due);
        self.wakes_later.splice(0..0, behind);
        self.wakes_later.truncate(MAX_TIMERS_KNOWN);
        self.timers += 1;
        self.timers
    }

    /// Removes a timer of this time, which has fired.
    pub fn fired(&mut self, fired: Timestamp) {
        let under_way = self.wakes.into_iter().chain(std::mem::take(&mut self.wakes_later));
        let mut under_way: Vec<Timestamp> = under_way.filter(|wakes| *wakes > fired).collect();
        self.wakes = (!under_way.is_empty()).then(|| under_way.remove(0));
        self.wakes_later = under_way;
    }

    /// When the next notification is due. In a conversation, those that waited for a link are due.
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let linked = (!self.identities.is_empty()).then_some(now);
        self.waiting.iter().map(|waits| waits.until.unwrap_or(now)).chain(linked).min().map(|next| next.max(now))
    }

    /// Whether a notification is due now, regardless of timers.
    pub fn has_due(&self, now: Timestamp) -> bool {
        !self.identities.is_empty() || self.waiting.iter().any(|waits| waits.is_due(now))
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.identities.is_empty()
    }

    /// When DynamoDB may delete it: no notification waits so long, and no timer of it is pending.
    pub fn expires(&self, written: Timestamp) -> Timestamp {
        written.plus(CLAIM_LIFETIME)
    }

    /// The size of the notifications as stored.
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
            by_provider: Vec::new(),
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
    fn waiting_notifications_are_in_the_order_of_the_events() {
        let mut deferred = Deferred::default();
        for (second, until) in [(3, Some(at(10))), (1, Some(at(20))), (4, Some(at(10)))] {
            assert_eq!(deferred.add(waits(second, Priority::Normal, 1, until), at(0)), []);
        }
        assert_eq!(deferred.timer_due(at(0)), Some(at(10)));
        assert_eq!(deferred.add(waits(2, Priority::Normal, 1, None), at(0)), []);
        assert_eq!(deferred.timer_due(at(0)), Some(at(0)), "in a conversation, notifications that waited for a link are due");
        assert_eq!(seconds(&deferred.waiting), [1, 2, 3, 4]);
        let due: Vec<Waits> = deferred.waiting.iter().filter(|waits| waits.is_due(at(10))).cloned().collect();
        assert_eq!((seconds(&due), deferred.has_due(at(10))), (vec![2, 3, 4], true));
    }

    #[test]
    fn notifications_of_one_time_wait_by_sequence_rank_and_receipt() {
        let one = |n: i64, tie: Tie| {
            let mut one = waits(1, Priority::Normal, 1, None);
            // The key has the opposite order of the deciding fields.
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
    fn a_full_item_drops_the_oldest_of_the_least_urgent() {
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
        assert_eq!(gone.len() + deferred.waiting.len(), 99, "each is kept or returned");
        let low = deferred.add(waits(500, Priority::Low, 4_000, None), at(0));
        assert_eq!(low[0].time, Some(at(500)), "the least urgent gets no room");
    }

    #[test]
    fn what_an_identity_dropped_is_counted_with_its_conversation() {
        let (mut ours, mut theirs) = (Deferred::default(), Deferred::default());
        ours.leave("", 2);
        theirs.leave("", 3);
        theirs.leave("tip", 1);
        assert_eq!(theirs.add(waits(1, Priority::Normal, 1, None), at(0)), []);
        assert_eq!(ours.take_over(&mut theirs, at(5)), []);
        assert_eq!(ours.left, BTreeMap::from([(String::new(), 5), ("tip".to_owned(), 1)]));
        assert!(theirs.left.is_empty() && ours.waiting[0].is_due(at(5)));
    }

    /// The form of the previous version, which has no ties, no written registers and no overflow of a cap.
    #[test]
    fn both_versions_read_what_the_other_stored() {
        let mut one = waits(1, Priority::Normal, 1, Some(at(7)));
        let before = serde_json::to_value(&one).unwrap();
        for new in ["nth", "wrote", "overflow"] {
            assert!(before["proposal"].get(new).is_none(), "{new}: without new fields the stored form is unchanged");
        }
        assert_eq!(serde_json::from_value::<Waits>(before).unwrap(), one);
        (one.proposal.nth, one.proposal.overflow) = (3, CapOverflow::Digest);
        one.proposal.wrote = Wrote { facts: vec!["status".into()], node: true };
        let json = serde_json::to_value(&one).unwrap();
        assert!(json["proposal"]["intent"]["notify"]["cap"].is_null(), "a cap is read strictly by the version before");
        assert_eq!(serde_json::from_value::<Waits>(json).unwrap(), one);
    }

    #[test]
    fn a_too_large_notification_drops_no_other() {
        let mut deferred = Deferred::default();
        let _ = deferred.add(waits(1, Priority::Normal, 10, None), at(0));
        let around = serde_json::to_string(&waits(2, Priority::Normal, 0, None)).unwrap().len();
        let largest = MAX_DEFERRED_PROPOSAL_BYTES - around;
        assert_eq!(deferred.add(waits(2, Priority::Normal, largest, None), at(0)), []);
        assert_eq!(deferred.add(waits(3, Priority::Urgent, largest + 1, None), at(0)).len(), 1);
        assert_eq!(seconds(&deferred.waiting), [1, 2]);
    }

    #[test]
    fn a_deferred_notification_never_waits_longer_than_the_limit() {
        let mut deferred = Deferred::default();
        let _ = deferred.add(waits(1, Priority::Normal, 1, None), at(0));
        let late = at(0).plus(tidings_config::limits::MAX_DEFERRAL + Duration::from_millis(1));
        let _ = deferred.add(waits(2, Priority::Normal, 1, None), late);
        assert_eq!(
            seconds(&deferred.waiting),
            [2],
            "an expired notification is dropped at the next event; this one is decided when it is due"
        );
        assert!(deferred.waiting[0].proposal.has_expired(late));
    }
}
