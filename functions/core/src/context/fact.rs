//! One remembered thing: a register, a ladder, a counter or a set. Readers find what it is now in `value`, whatever it is.

use super::Order;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use tidings_config::limits::CLAIM_LIFETIME;
use tidings_config::rules::Ladder;
use tidings_config::time::Timestamp;

/// A value and the newest event that it came with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// `null`: forgotten. That it was, and when, is remembered, so that an older event doesn't bring it back.
    pub value: Value,
    #[serde(flatten)]
    pub order: Order,
    /// From then on nobody knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "FactKind::is_register")]
    pub kind: FactKind,
    /// Of a register: the highest of these has it, instead of the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Ladder>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// The newest event has it.
    #[default]
    Register,
    /// The sum of what all events have added.
    Counter,
    /// What is in, by the newest event of each element. The key is the element as JSON.
    Set(BTreeMap<String, Member>),
}

impl FactKind {
    fn is_register(&self) -> bool {
        *self == Self::Register
    }
}

/// An element that is in a set, or was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    #[serde(flatten)]
    pub order: Order,
    /// It was taken out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out: bool,
}

/// The facts of one context item, by name.
pub type Facts = BTreeMap<String, Fact>;

impl Fact {
    pub fn register(value: Value, order: Order) -> Self {
        Self { value, order, expires: None, kind: FactKind::Register, ladder: None }
    }

    pub(super) fn on_ladder(value: Value, ladder: Ladder, order: Order) -> Self {
        Self { ladder: Some(ladder), ..Self::register(value, order) }
    }

    /// How high it is on this ladder, and since which event. What isn't on it is below it: a value of before there was one, or none.
    fn height(&self, ladder: &Ladder) -> (Option<usize>, &Order) {
        let rung = match self.kind {
            FactKind::Register => ladder.rung(&self.value),
            FactKind::Counter | FactKind::Set(_) => None,
        };
        (rung, &self.order)
    }

    /// Whether it is the one of the two that stays, by this ladder.
    pub(super) fn is_above(&self, other: &Self, ladder: &Ladder) -> bool {
        self.height(ladder) > other.height(ladder)
    }

    pub(super) fn counter(sum: i64, order: Order) -> Self {
        Self { kind: FactKind::Counter, ..Self::register(Value::from(sum), order) }
    }

    pub(super) fn set(members: BTreeMap<String, Member>, order: Order) -> Self {
        let inside = members.iter().filter(|(_, member)| !member.out);
        let value = inside.filter_map(|(element, _)| serde_json::from_str(element).ok()).collect::<Vec<Value>>();
        Self { kind: FactKind::Set(members), ..Self::register(Value::from(value), order) }
    }

    /// Whether somebody who asks at this time is told of it.
    pub fn is_known(&self, now: Timestamp) -> bool {
        !self.value.is_null() && self.expires.is_none_or(|expires| now < expires)
    }

    /// What it is after events that were kept apart come together: the same as if all had been here.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let order = self.order.clone().max(other.order.clone());
        match (&self.kind, &other.kind) {
            (FactKind::Counter, FactKind::Counter) => {
                let sum = |fact: &Self| fact.value.as_i64().unwrap_or(0);
                Self::counter(total(sum(&self), sum(&other)), order)
            }
            (FactKind::Set(ours), FactKind::Set(theirs)) => {
                let mut members = ours.clone();
                for (element, theirs) in theirs {
                    match members.get(element) {
                        Some(kept) if kept.order >= theirs.order => {}
                        Some(_) | None => {
                            members.insert(element.clone(), theirs.clone());
                        }
                    }
                }
                Self::set(members, order)
            }
            (FactKind::Register, FactKind::Register) if self.ladder.is_some() || other.ladder.is_some() => {
                // Of two ladders, the newer event's is the rules'. What was set before there was one is on it as well.
                let (newer, older) = if self.order >= other.order { (&self, &other) } else { (&other, &self) };
                let ladder = newer.ladder.as_ref().or(older.ladder.as_ref()).cloned();
                let highest = if ladder.as_ref().is_some_and(|ladder| other.is_above(&self, ladder)) { other } else { self };
                Self { ladder, expires: None, ..highest }
            }
            // Registers; or the rules made another thing of it, and the newer one has it.
            (FactKind::Register | FactKind::Counter | FactKind::Set(_), _) if self.order >= other.order => self,
            (FactKind::Register | FactKind::Counter | FactKind::Set(_), _) => other,
        }
    }
}

/// The sum of a counter's steps, the same in every order. One that left the numbers on its way comes back into them; stopping at
/// a bound would forget what is beyond it. Nothing ends beyond: `MAX_COUNT_STEP` bounds a step, so that takes billions of events.
pub(super) const fn total(one: i64, other: i64) -> i64 {
    one.wrapping_add(other)
}

/// Items that are known of one conversation, and under one of its identities.
pub(super) fn merge_all(mut ours: Facts, theirs: Facts) -> Facts {
    for (name, theirs) in theirs {
        let merged = match ours.remove(&name) {
            Some(ours) => ours.merge(theirs),
            None => theirs,
        };
        ours.insert(name, merged);
    }
    ours
}

/// When an item may be deleted: when nothing in it is known any more, and no event that could be older is on its way.
pub(super) fn expiry(facts: &Facts, written: Timestamp) -> Option<Timestamp> {
    let over = |fact: &Fact| if fact.value.is_null() { Some(fact.expires.unwrap_or(fact.order.time)) } else { fact.expires };
    let last = facts.values().map(over).collect::<Option<Vec<_>>>()?.into_iter().max();
    Some(last.map_or(written, |last| last.max(written)).plus(CLAIM_LIFETIME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::ClaimKey;

    fn order(ms: i64) -> Order {
        Order::at(Timestamp::from_unix_ms(ms), ClaimKey::new("s", &ms.to_string()))
    }

    #[test]
    fn a_register_is_stored_as_it_always_was() {
        let fact = Fact::register(Value::from("paid"), order(1));
        let json = serde_json::to_value(&fact).unwrap();
        assert_eq!(json, serde_json::json!({"value": "paid", "time": "1970-01-01T00:00:00.001Z", "key": "s#1"}));
        assert_eq!(serde_json::from_value::<Fact>(json).unwrap(), fact);
        for fact in [
            Fact::counter(3, order(2)),
            Fact::on_ladder(Value::from("read"), serde_json::from_value(serde_json::json!(["sent", "read"])).unwrap(), order(2)),
            Fact::set(BTreeMap::from([("\"a\"".to_owned(), Member { order: order(1), out: true })]), order(1)),
            Fact { expires: Some(Timestamp::from_unix_ms(9)), ..Fact::register(Value::Null, order(3)) },
        ] {
            let json = serde_json::to_string(&fact).unwrap();
            assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), fact, "{json}");
        }
    }

    #[test]
    fn a_counter_ends_the_same_in_every_order_at_its_bounds_as_well() {
        let steps = [i64::MAX, 1, -5, i64::MIN, 7, i64::MAX, -2, i64::MIN, 3];
        let exact = steps.iter().map(|step| i128::from(*step)).sum::<i128>();
        let mut rng = fastrand::Rng::with_seed(9);
        for _ in 0..200 {
            let mut order_of_arrival = steps;
            rng.shuffle(&mut order_of_arrival);
            let facts = order_of_arrival.iter().map(|step| Fact::counter(*step, order(1)));
            let merged = facts.reduce(Fact::merge).unwrap();
            assert_eq!(merged.value.as_i64().map(i128::from), Some(exact), "{order_of_arrival:?}");
        }
    }

    #[test]
    fn an_item_may_go_when_all_of_it_has_expired_and_no_older_event_can_come() {
        let expires = |ms| Fact { expires: Some(Timestamp::from_unix_ms(ms)), ..Fact::register(Value::from(1), order(1)) };
        let mut facts = Facts::from([("a".to_owned(), expires(5)), ("b".to_owned(), expires(9))]);
        assert_eq!(expiry(&facts, Timestamp::from_unix_ms(1)), Some(Timestamp::from_unix_ms(9).plus(CLAIM_LIFETIME)));
        assert_eq!(expiry(&facts, Timestamp::from_unix_ms(20)), Some(Timestamp::from_unix_ms(20).plus(CLAIM_LIFETIME)));
        facts.insert("c".to_owned(), Fact::register(Value::Null, order(30)));
        let forgotten = Timestamp::from_unix_ms(30).plus(CLAIM_LIFETIME);
        assert_eq!(expiry(&facts, Timestamp::from_unix_ms(1)), Some(forgotten), "what is forgotten isn't known for good");
        facts.insert("c".to_owned(), Fact::register(Value::from(1), order(1)));
        assert_eq!(expiry(&facts, Timestamp::from_unix_ms(1)), None, "something in it is known for good");
    }
}
