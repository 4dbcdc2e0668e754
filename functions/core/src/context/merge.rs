//! One event's changes merged into what is stored.

use super::{Content, Dropped, Fact, FactKind, Facts, Item, ItemKey, Member, NODE_REGISTER, Order, fact, fit};
use crate::claim::Outcome;
use crate::config::rules::Ladder;
use crate::time::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What one event does to one fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `null` forgets it. `expires`: from when on nobody knows it.
    Set {
        value: Value,
        expires: Option<Timestamp>,
    },
    /// A value that is on the ladder.
    Climb {
        value: Value,
        ladder: Ladder,
    },
    Count(i64),
    /// Elements as JSON, and whether they are in from now on.
    Members(BTreeMap<String, bool>),
}

/// What one event wants to change, by item and fact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    items: BTreeMap<ItemKey, BTreeMap<String, Change>>,
}

/// What became of the changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The items that changed, whole.
    pub items: BTreeMap<ItemKey, Item>,
    pub outcome: Outcome,
    /// What the event has changed. What it hasn't was newer already, or this very event's.
    pub won: BTreeSet<(ItemKey, String)>,
    /// What had no room.
    pub dropped: Vec<(ItemKey, Dropped)>,
}

impl Changes {
    /// A later `set` of the same fact of the same event takes the place of an earlier one.
    pub fn set(&mut self, entity: &str, name: &str, value: Value, expires: Option<Timestamp>) {
        self.of(entity).insert(name.to_owned(), Change::Set { value, expires });
    }

    /// The highest of an event's own has it.
    pub fn climb(&mut self, entity: &str, name: &str, value: Value, ladder: &Ladder) {
        let facts = self.of(entity);
        if let Some(Change::Climb { value: before, .. }) = facts.get(name)
            && ladder.rung(before) > ladder.rung(&value)
        {
            return;
        }
        facts.insert(name.to_owned(), Change::Climb { value, ladder: ladder.clone() });
    }

    pub fn forget(&mut self, entity: &str, name: &str) {
        self.set(entity, name, Value::Null, None);
    }

    /// Counts of the same event add up.
    pub fn count(&mut self, entity: &str, name: &str, step: i64) {
        match self.of(entity).entry(name.to_owned()).or_insert(Change::Count(0)) {
            Change::Count(sum) => *sum = fact::total(*sum, step),
            other @ (Change::Set { .. } | Change::Climb { .. } | Change::Members(_)) => *other = Change::Count(step),
        }
    }

    /// `element` is JSON.
    pub fn member(&mut self, entity: &str, name: &str, element: String, inside: bool) {
        match self.of(entity).entry(name.to_owned()).or_insert_with(|| Change::Members(BTreeMap::new())) {
            Change::Members(members) => {
                members.insert(element, inside);
            }
            other @ (Change::Set { .. } | Change::Climb { .. } | Change::Count(_)) => {
                *other = Change::Members(BTreeMap::from([(element, inside)]))
            }
        }
    }

    pub fn go_to(&mut self, node: &str) {
        let change = Change::Set { value: Value::from(node), expires: None };
        self.items.entry(ItemKey::Node).or_default().insert(NODE_REGISTER.to_owned(), change);
    }

    fn of(&mut self, entity: &str) -> &mut BTreeMap<String, Change> {
        self.items.entry(ItemKey::Entity(entity.to_owned())).or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn keys(&self) -> impl ExactSizeIterator<Item = &ItemKey> {
        self.items.keys()
    }

    /// The node that the event goes to, if it wins.
    pub fn node(&self) -> Option<&str> {
        match self.items.get(&ItemKey::Node)?.get(NODE_REGISTER)? {
            Change::Set { value, .. } => value.as_str(),
            Change::Climb { .. } | Change::Count(_) | Change::Members(_) => None,
        }
    }

    /// Merges into the stored items.
    pub fn merge(&self, stored: &BTreeMap<ItemKey, Item>, order: &Order, now: Timestamp) -> Merged {
        let mut items = BTreeMap::new();
        let mut won = BTreeSet::new();
        let mut dropped = Vec::new();
        // Where the dialogue stands is for all entities.
        let by_time = order.clone().by_time();
        for (key, changes) in &self.items {
            let order = if *key == ItemKey::Node { &by_time } else { order };
            let version = stored.get(key).and_then(|item| item.version);
            let mut facts = stored.get(key).and_then(Item::facts).cloned().unwrap_or_default();
            let mut changed = false;
            for (name, change) in changes {
                if write(&mut facts, name, change, order) {
                    changed = true;
                    won.insert((key.clone(), name.clone()));
                }
            }
            if changed {
                dropped.extend(fit(&mut facts, now).into_iter().map(|dropped| (key.clone(), dropped)));
                items.insert(key.clone(), Item { version, content: Content::Facts(facts) });
            }
        }
        let outcome = match (self.is_empty(), items.is_empty()) {
            (true, _) => Outcome::Noted,
            (false, true) => Outcome::Stale,
            (false, false) => Outcome::Applied,
        };
        Merged { items, outcome, won, dropped }
    }
}

/// Whether it changed.
fn write(facts: &mut Facts, name: &str, change: &Change, order: &Order) -> bool {
    let kept = facts.get(name);
    let newest = || kept.map_or_else(|| order.clone(), |kept| kept.order.clone().max(order.clone()));
    let fact = match change {
        Change::Set { .. } if kept.is_some_and(|kept| kept.order >= *order) => return false,
        Change::Set { value, expires } => Fact { expires: *expires, ..Fact::register(value.clone(), order.clone()) },
        Change::Climb { value, ladder } => {
            let fact = Fact::on_ladder(value.clone(), ladder.clone(), order.clone());
            if kept.is_some_and(|kept| !fact.is_above(kept, ladder)) {
                return false;
            }
            fact
        }
        Change::Count(step) => {
            let sum = kept.filter(|kept| kept.kind == FactKind::Counter).and_then(|kept| kept.value.as_i64()).unwrap_or(0);
            Fact::counter(fact::total(sum, *step), newest())
        }
        Change::Members(changes) => {
            let mut members = match kept.map(|kept| &kept.kind) {
                Some(FactKind::Set(members)) => members.clone(),
                Some(FactKind::Register | FactKind::Counter) | None => BTreeMap::new(),
            };
            let mut changed = false;
            for (element, inside) in changes {
                if members.get(element).is_none_or(|member| member.order < *order) {
                    members.insert(element.clone(), Member { order: order.clone(), out: !inside });
                    changed = true;
                }
            }
            if !changed {
                return false;
            }
            Fact::set(members, newest())
        }
    };
    facts.insert(name.to_owned(), fact);
    true
}

#[cfg(test)]
mod tests;
