//! A fact: a register, a ladder, a counter or a set. For readers, `value` has its current value in each case.

use super::Order;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use tidings_config::limits::CLAIM_LIFETIME;
use tidings_config::rules::Ladder;
use tidings_config::time::Timestamp;
use tidings_config::written_by::WrittenBy;

/// A value and the newest event that wrote it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// `null`: deleted. The deletion and its time are remembered, so that an older event doesn't restore the value.
    pub value: Value,
    #[serde(flatten)]
    pub order: Order,
    /// When the value expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "FactKind::is_register")]
    pub kind: FactKind,
    /// A register with a ladder: the highest rung wins instead of the newest event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Ladder>,
    /// Who wrote the value. Of a counter and a set: of all of it. The previous version doesn't know this field, and
    /// drops it when it writes the item.
    #[serde(default, skip_serializing_if = "WrittenBy::is_stranger")]
    pub by: WrittenBy,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// The newest event wins.
    #[default]
    Register,
    /// The sum of the steps of all events.
    Counter,
    /// The members, each decided by its newest event. The key is the element as JSON.
    Set(BTreeMap<String, Member>),
}

impl FactKind {
    fn is_register(&self) -> bool {
        *self == Self::Register
    }
}

/// An element that is or was in a set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    #[serde(flatten)]
    pub order: Order,
    /// Whether it was removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out: bool,
    #[serde(default, skip_serializing_if = "WrittenBy::is_stranger")]
    pub by: WrittenBy,
}

/// The facts of one context item, by name.
pub type Facts = BTreeMap<String, Fact>;

impl Fact {
    /// A stranger's value. [`Self::by`] labels another one.
    pub fn register(value: Value, order: Order) -> Self {
        Self { value, order, expires: None, kind: FactKind::Register, ladder: None, by: WrittenBy::Stranger }
    }

    /// The same with this label.
    #[must_use]
    pub fn by(self, by: WrittenBy) -> Self {
        Self { by, ..self }
    }

    pub(super) fn on_ladder(value: Value, ladder: Ladder, order: Order) -> Self {
        Self { ladder: Some(ladder), ..Self::register(value, order) }
    }

    /// Its height on this ladder, and the event that reached it. A value that isn't on the ladder is below it: an
    /// older value, or none.
    fn height(&self, ladder: &Ladder) -> (Option<usize>, &Order) {
        let rung = match self.kind {
            FactKind::Register => ladder.rung(&self.value),
            FactKind::Counter | FactKind::Set(_) => None,
        };
        (rung, &self.order)
    }

    /// Whether it wins against the other, by this ladder.
    pub(super) fn is_above(&self, other: &Self, ladder: &Ladder) -> bool {
        self.height(ladder) > other.height(ladder)
    }

    pub(super) fn counter(sum: i64, order: Order) -> Self {
        Self { kind: FactKind::Counter, ..Self::register(Value::from(sum), order) }
    }

    pub(super) fn set(members: BTreeMap<String, Member>, order: Order) -> Self {
        let inside = members.iter().filter(|(_, member)| !member.out);
        // An empty set has nothing to trust.
        let by = inside.clone().map(|(_, member)| member.by).reduce(WrittenBy::and).unwrap_or_default();
        let value = inside.filter_map(|(element, _)| serde_json::from_str(element).ok()).collect::<Vec<Value>>();
        Self { kind: FactKind::Set(members), by, ..Self::register(Value::from(value), order) }
    }

    /// Whether readers see it at this time.
    pub fn is_known(&self, now: Timestamp) -> bool {
        !self.value.is_null() && self.expires.is_none_or(|expires| now < expires)
    }

    /// The merge of two facts that were stored apart: the same result as if all events had been merged in one place.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let order = self.order.clone().max(other.order.clone());
        match (&self.kind, &other.kind) {
            (FactKind::Counter, FactKind::Counter) => {
                let sum = |fact: &Self| fact.value.as_i64().unwrap_or(0);
                Self::counter(total(sum(&self), sum(&other)), order).by(self.by.and(other.by))
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
                // The newer event's ladder is current. A value from before the ladder is placed on it as well.
                let (newer, older) = if self.order >= other.order { (&self, &other) } else { (&other, &self) };
                let ladder = newer.ladder.as_ref().or(older.ladder.as_ref()).cloned();
                let highest = if ladder.as_ref().is_some_and(|ladder| other.is_above(&self, ladder)) { other } else { self };
                Self { ladder, expires: None, ..highest }
            }
            // Two registers; or the rules changed the kind, and the newer one wins.
            (FactKind::Register | FactKind::Counter | FactKind::Set(_), _) if self.order >= other.order => self,
            (FactKind::Register | FactKind::Counter | FactKind::Set(_), _) => other,
        }
    }
}

/// The sum of two counts, in any order. Overflow wraps, so a sum that left the range on its way returns into it;
/// saturating would lose steps. The result itself stays in range: `MAX_COUNT_STEP` bounds a step, so overflow takes
/// billions of events.
pub(super) const fn total(one: i64, other: i64) -> i64 {
    one.wrapping_add(other)
}

/// Merges the facts of a conversation with those stored under one of its identities.
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

/// When an item may be deleted: when all of it has expired and no older event can arrive any more.
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
    fn the_stored_form_of_a_register_is_unchanged() {
        let fact = Fact::register(Value::from("paid"), order(1));
        let json = serde_json::to_value(&fact).unwrap();
        assert_eq!(json, serde_json::json!({"value": "paid", "time": "1970-01-01T00:00:00.001Z", "key": "s#1"}));
        assert_eq!(serde_json::from_value::<Fact>(json).unwrap(), fact);
        for fact in [
            Fact::counter(3, order(2)),
            Fact::on_ladder(Value::from("read"), serde_json::from_value(serde_json::json!(["sent", "read"])).unwrap(), order(2)),
            Fact::set(
                BTreeMap::from([("\"a\"".to_owned(), Member { order: order(1), out: true, by: WrittenBy::Stranger })]),
                order(1),
            ),
            Fact { expires: Some(Timestamp::from_unix_ms(9)), ..Fact::register(Value::Null, order(3)) },
            Fact::register(Value::from(7), order(4)).by(WrittenBy::Provider),
        ] {
            let json = serde_json::to_string(&fact).unwrap();
            assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), fact, "{json}");
        }
    }

    #[test]
    fn a_label_is_stored_only_for_what_the_provider_wrote() {
        let fact = Fact::register(Value::from(7), order(1)).by(WrittenBy::Provider);
        let json = serde_json::json!({"value": 7, "time": "1970-01-01T00:00:00.001Z", "key": "s#1", "by": "provider"});
        assert_eq!(serde_json::to_value(&fact).unwrap(), json);
        let unlabelled = serde_json::json!({"value": 7, "time": "1970-01-01T00:00:00.001Z", "key": "s#1"});
        assert_eq!(serde_json::from_value::<Fact>(unlabelled).unwrap().by, WrittenBy::Stranger, "of the previous version");
    }

    #[test]
    fn a_sum_and_a_set_are_the_providers_only_if_all_of_it_is() {
        let (ours, theirs) = (Fact::counter(1, order(1)).by(WrittenBy::Provider), Fact::counter(1, order(2)));
        assert_eq!(ours.clone().merge(ours.clone()).by, WrittenBy::Provider);
        assert_eq!(ours.clone().merge(theirs.clone()).by, WrittenBy::Stranger);
        assert_eq!(theirs.merge(ours).by, WrittenBy::Stranger);
        let member = |ms, by, out| Member { order: order(ms), out, by };
        let set = |members: &[(&str, Member)]| {
            Fact::set(members.iter().map(|(element, member)| ((*element).to_owned(), member.clone())).collect(), order(9))
        };
        let (a, b) = (("\"a\"", member(1, WrittenBy::Provider, false)), ("\"b\"", member(2, WrittenBy::Stranger, false)));
        assert_eq!(set(std::slice::from_ref(&a)).by, WrittenBy::Provider);
        assert_eq!(set(&[a.clone(), b.clone()]).by, WrittenBy::Stranger);
        assert_eq!(set(std::slice::from_ref(&a)).merge(set(&[b])).by, WrittenBy::Stranger);
        let removed = ("\"b\"", member(3, WrittenBy::Stranger, true));
        assert_eq!(set(&[a, removed]).by, WrittenBy::Provider, "what was removed isn't read");
        assert_eq!(set(&[]).by, WrittenBy::Stranger);
    }

    #[test]
    fn a_counter_is_the_same_in_every_order_even_at_its_bounds() {
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
    fn an_item_expires_when_all_of_it_has_expired_and_no_older_event_can_arrive() {
        let expires = |ms| Fact { expires: Some(Timestamp::from_unix_ms(ms)), ..Fact::register(Value::from(1), order(1)) };
        let mut facts = Facts::from([("a".to_owned(), expires(5)), ("b".to_owned(), expires(9))]);
        assert_eq!(expiry(&facts, Timestamp::from_unix_ms(1)), Some(Timestamp::from_unix_ms(9).plus(CLAIM_LIFETIME)));
        assert_eq!(expiry(&facts, Timestamp::from_unix_ms(20)), Some(Timestamp::from_unix_ms(20).plus(CLAIM_LIFETIME)));
        facts.insert("c".to_owned(), Fact::register(Value::Null, order(30)));
        let forgotten = Timestamp::from_unix_ms(30).plus(CLAIM_LIFETIME);
        assert_eq!(expiry(&facts, Timestamp::from_unix_ms(1)), Some(forgotten), "a deleted fact has an end");
        facts.insert("c".to_owned(), Fact::register(Value::from(1), order(1)));
        assert_eq!(expiry(&facts, Timestamp::from_unix_ms(1)), None, "one fact has no end");
    }
}
