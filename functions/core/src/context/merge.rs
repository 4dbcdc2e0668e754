//! One event's registers merged into what is stored.

use super::{Fact, Facts, Item, ItemKey, NODE_REGISTER, Order};
use crate::claim::Outcome;
use serde_json::Value;
use std::collections::BTreeMap;

/// What became of one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The event is the newest that the register has seen.
    Won,
    /// A newer event was there first, or this very one.
    Stale,
}

/// What one event wants to set, by item and register.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    items: BTreeMap<ItemKey, BTreeMap<String, Value>>,
}

impl Changes {
    /// A later `set` of the same register of the same event takes the place of an earlier one.
    pub fn set(&mut self, entity: &str, name: &str, value: Value) {
        self.items.entry(ItemKey::Entity(entity.to_owned())).or_default().insert(name.to_owned(), value);
    }

    pub fn go_to(&mut self, node: &str) {
        self.items.entry(ItemKey::Node).or_default().insert(NODE_REGISTER.to_owned(), Value::from(node));
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn keys(&self) -> impl ExactSizeIterator<Item = &ItemKey> {
        self.items.keys()
    }

    /// The node that the event goes to, if it wins.
    pub fn node(&self) -> Option<&str> {
        self.items.get(&ItemKey::Node)?.get(NODE_REGISTER)?.as_str()
    }

    /// Merges into the stored items. Returns those that changed, whole, and what came of the event.
    pub fn merge(&self, stored: &BTreeMap<ItemKey, Item>, order: &Order) -> (BTreeMap<ItemKey, Item>, Outcome) {
        let mut changed = BTreeMap::new();
        // A sequence counts the events of one entity. Where the dialogue stands is for all entities, so there time decides.
        let by_time = Order { sequence: None, ..order.clone() };
        for (key, registers) in &self.items {
            let order = if *key == ItemKey::Node { &by_time } else { order };
            let mut item = stored.get(key).cloned().unwrap_or_default();
            let mut won = false;
            for (name, value) in registers {
                won |= write(&mut item.facts, name, value, order) == Applied::Won;
            }
            if won {
                changed.insert(key.clone(), item);
            }
        }
        let outcome = if self.is_empty() {
            Outcome::Noted
        } else if changed.is_empty() {
            Outcome::Stale
        } else {
            Outcome::Applied
        };
        (changed, outcome)
    }
}

fn write(facts: &mut Facts, name: &str, value: &Value, order: &Order) -> Applied {
    match facts.get(name) {
        Some(kept) if kept.order >= *order => Applied::Stale,
        Some(_) | None => {
            facts.insert(name.to_owned(), Fact { value: value.clone(), order: order.clone() });
            Applied::Won
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::ClaimKey;
    use crate::time::Timestamp;
    use proptest::prelude::*;

    type Stored = BTreeMap<ItemKey, Item>;

    fn apply(events: &[(Changes, Order)]) -> Stored {
        let mut stored = Stored::new();
        for (changes, order) in events {
            let (changed, _) = changes.merge(&stored, order);
            stored.extend(changed);
        }
        stored
    }

    prop_compose! {
        /// Few entities, names, times and sequences, so that they meet.
        fn any_event()(entity in 0..3u8, name in 0..3u8, value in 0..100i64, node in proptest::option::of(0..3u8),
                       sequence in proptest::option::of(0..3u64), time in 0..4i64, id in 0..1_000u16) -> (Changes, Order) {
            let mut changes = Changes::default();
            changes.set(&format!("order/{entity}"), &format!("fact{name}"), Value::from(value));
            if let Some(node) = node {
                changes.go_to(&format!("node{node}"));
            }
            let key = ClaimKey::new("s", &format!("{id}/{entity}{name}{value}{node:?}"));
            (changes, Order { sequence, time: Timestamp::from_unix_ms(time), key })
        }
    }

    proptest! {
        #[test]
        fn any_order_with_any_duplicates_gives_the_same_context(
            events in proptest::collection::vec(any_event(), 1..8),
            shuffle in any::<prop::sample::Index>(), repeats in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            // Two events with one order are one event.
            let mut events = events;
            events.sort_by(|a, b| a.1.cmp(&b.1));
            events.dedup_by(|a, b| a.1 == b.1);

            let mut shuffled = events.clone();
            for (i, repeat) in repeats.iter().enumerate() {
                shuffled.push(events[repeat.index(events.len())].clone());
                let at = shuffle.index(shuffled.len()).wrapping_mul(i + 1) % shuffled.len();
                let last = shuffled.len() - 1;
                shuffled.swap(at, last);
            }
            shuffled.rotate_left(shuffle.index(events.len()));
            prop_assert_eq!(apply(&events), apply(&shuffled));
        }

        #[test]
        fn the_order_is_total(a in any_event(), b in any_event(), c in any_event()) {
            let mut one = [&a.1, &b.1, &c.1];
            let mut other = [&c.1, &a.1, &b.1];
            one.sort();
            other.sort();
            prop_assert_eq!(one, other);
        }
    }

    #[test]
    fn the_node_goes_by_time_and_the_facts_by_sequence() {
        let order = |sequence, ms| Order { sequence, time: Timestamp::from_unix_ms(ms), key: ClaimKey::new("s", "e") };
        let event = |node: &str| {
            let mut changes = Changes::default();
            changes.set("order/1", "status", Value::from(node));
            changes.go_to(node);
            changes
        };
        let stored = apply(&[(event("shipped"), order(Some(9), 1)), (event("asked"), order(None, 2))]);
        assert_eq!(stored[&ItemKey::Node].facts[NODE_REGISTER].value, "asked");
        assert_eq!(stored[&ItemKey::Entity("order/1".into())].facts["status"].value, "shipped");
    }

    #[test]
    fn outcomes() {
        let order = |ms| Order { sequence: None, time: Timestamp::from_unix_ms(ms), key: ClaimKey::new("s", "e") };
        let mut changes = Changes::default();
        assert_eq!(changes.merge(&Stored::new(), &order(1)).1, Outcome::Noted);
        changes.set("order/1", "status", Value::from("paid"));
        let (stored, outcome) = changes.merge(&Stored::new(), &order(2));
        assert_eq!(outcome, Outcome::Applied);
        assert_eq!(changes.merge(&stored, &order(1)), (Stored::new(), Outcome::Stale));
        assert_eq!(changes.merge(&stored, &order(2)), (Stored::new(), Outcome::Stale), "the very event again");
        assert_eq!(changes.merge(&stored, &order(3)).1, Outcome::Applied);
    }
}
