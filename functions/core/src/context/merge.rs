//! Merges one event's changes into the stored items.

use super::{Content, Dropped, Fact, FactKind, Facts, Item, ItemKey, Member, NODE_REGISTER, Order, fact, fit};
use crate::claim::{ClaimKey, Outcome};
use crate::manual::is_of;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::rules::Ladder;
use tidings_config::time::Timestamp;
use tidings_config::written_by::WrittenBy;

/// One event's change of one fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `null` deletes the fact. `expires`: when the value expires.
    Set {
        value: Value,
        expires: Option<Timestamp>,
        by: WrittenBy,
    },
    /// A value on the ladder.
    Climb {
        value: Value,
        ladder: Ladder,
        by: WrittenBy,
    },
    Count(i64, WrittenBy),
    /// Elements as JSON, whether each is added or removed, and who wrote it.
    Members(BTreeMap<String, (bool, WrittenBy)>),
    /// A value set by hand, which replaces any stored value. `null` deletes the fact.
    Correct(Value),
}

/// One event's changes, by item and fact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    items: BTreeMap<ItemKey, BTreeMap<String, Change>>,
    /// Earlier writes of an event that are removed first, as if they had never happened.
    taken_back: Option<TakenBack>,
}

/// An event, and the items that it may have written.
#[derive(Clone, Debug, PartialEq)]
struct TakenBack {
    of: ClaimKey,
    items: BTreeSet<ItemKey>,
}

/// The result of the changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The changed items, whole.
    pub items: BTreeMap<ItemKey, Item>,
    pub outcome: Outcome,
    /// The facts that the event changed, now or in an earlier receive. Others were newer already.
    pub won: BTreeSet<(ItemKey, String)>,
    /// The facts that had newer values already.
    pub overtaken: BTreeSet<(ItemKey, String)>,
    /// What was dropped for lack of room.
    pub dropped: Vec<(ItemKey, Dropped)>,
}

impl Merged {
    /// Whether the event set the dialogue node.
    pub fn has_won_node(&self) -> bool {
        self.won.contains(&(ItemKey::Node, NODE_REGISTER.to_owned()))
    }
}

impl Changes {
    /// Sets a fact. If the event sets the same fact twice, the later value wins.
    pub fn set(&mut self, entity: &str, name: &str, value: Value, expires: Option<Timestamp>, by: WrittenBy) {
        self.of(entity).insert(name.to_owned(), Change::Set { value, expires, by });
    }

    /// Raises a fact on a ladder. If the event does so twice, the highest rung wins.
    pub fn climb(&mut self, entity: &str, name: &str, value: Value, ladder: &Ladder, by: WrittenBy) {
        let facts = self.of(entity);
        if let Some(Change::Climb { value: before, .. }) = facts.get(name)
            && ladder.rung(before) > ladder.rung(&value)
        {
            return;
        }
        facts.insert(name.to_owned(), Change::Climb { value, ladder: ladder.clone(), by });
    }

    pub fn forget(&mut self, entity: &str, name: &str) {
        self.set(entity, name, Value::Null, None, WrittenBy::Stranger);
    }

    /// Adds to a counter. Steps of the same event add up.
    pub fn count(&mut self, entity: &str, name: &str, step: i64, by: WrittenBy) {
        match self.of(entity).entry(name.to_owned()).or_insert(Change::Count(0, by)) {
            Change::Count(sum, before) => (*sum, *before) = (fact::total(*sum, step), before.and(by)),
            other @ (Change::Set { .. } | Change::Climb { .. } | Change::Members(_) | Change::Correct(_)) => {
                *other = Change::Count(step, by)
            }
        }
    }

    /// Adds or removes an element of a set. `element` is JSON.
    pub fn member(&mut self, entity: &str, name: &str, element: String, inside: bool, by: WrittenBy) {
        match self.of(entity).entry(name.to_owned()).or_insert_with(|| Change::Members(BTreeMap::new())) {
            Change::Members(members) => {
                members.insert(element, (inside, by));
            }
            other @ (Change::Set { .. } | Change::Climb { .. } | Change::Count(..) | Change::Correct(_)) => {
                *other = Change::Members(BTreeMap::from([(element, (inside, by))]))
            }
        }
    }

    pub fn go_to(&mut self, node: &str) {
        // A node is always a name of the rules, so it needs no label.
        let change = Change::Set { value: Value::from(node), expires: None, by: WrittenBy::Stranger };
        self.items.entry(ItemKey::Node).or_default().insert(NODE_REGISTER.to_owned(), change);
    }

    /// Sets a fact by hand.
    pub fn correct(&mut self, entity: &str, name: &str, value: Value) {
        self.of(entity).insert(name.to_owned(), Change::Correct(value));
    }

    /// Sets the dialogue node by hand. `null` removes it.
    pub fn correct_node(&mut self, node: Value) {
        self.items.entry(ItemKey::Node).or_default().insert(NODE_REGISTER.to_owned(), Change::Correct(node));
    }

    /// Removes this event's earlier writes first, in these items and in those that are changed: facts and elements
    /// that are still its own. A counter keeps its sum, which doesn't record its steps.
    pub fn take_back(&mut self, of: ClaimKey, items: BTreeSet<ItemKey>) {
        let items = self.items.keys().cloned().chain(items).collect();
        self.taken_back = Some(TakenBack { of, items });
    }

    /// Removes the changes of counters, and returns them.
    pub fn leave_out_counts(&mut self) -> Vec<(ItemKey, String, i64)> {
        let mut left_out = Vec::new();
        for (key, facts) in &mut self.items {
            facts.retain(|name, change| match change {
                Change::Count(step, _) => {
                    left_out.push((key.clone(), name.clone(), *step));
                    false
                }
                Change::Set { .. } | Change::Climb { .. } | Change::Members(_) | Change::Correct(_) => true,
            });
        }
        self.items.retain(|_, facts| !facts.is_empty());
        left_out
    }

    /// The changes by hand, by item and fact.
    pub fn corrections(&self) -> impl Iterator<Item = (&ItemKey, &str, &Value)> {
        let facts = self.items.iter().flat_map(|(key, facts)| facts.iter().map(move |(name, change)| (key, name, change)));
        facts.filter_map(|(key, name, change)| match change {
            Change::Correct(value) => Some((key, name.as_str(), value)),
            Change::Set { .. } | Change::Climb { .. } | Change::Count(..) | Change::Members(_) => None,
        })
    }

    fn of(&mut self, entity: &str) -> &mut BTreeMap<String, Change> {
        self.items.entry(ItemKey::Entity(entity.to_owned())).or_default()
    }

    /// Whether another merge of these changes, with the same order, changes nothing.
    pub fn are_repeatable(&self) -> bool {
        let repeatable = |change: &Change| match change {
            Change::Set { .. } | Change::Climb { .. } | Change::Members(_) => true,
            Change::Count(..) | Change::Correct(_) => false,
        };
        self.taken_back.is_none() && self.items.values().flat_map(BTreeMap::values).all(repeatable)
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.taken_back.is_none()
    }

    /// The changed items.
    pub fn keys(&self) -> BTreeSet<&ItemKey> {
        self.items.keys().chain(self.taken_back.iter().flat_map(|back| &back.items)).collect()
    }

    /// The node that the event sets if it wins.
    pub fn node(&self) -> Option<&str> {
        match self.items.get(&ItemKey::Node)?.get(NODE_REGISTER)? {
            Change::Set { value, .. } | Change::Correct(value) => value.as_str(),
            Change::Climb { .. } | Change::Count(..) | Change::Members(_) => None,
        }
    }

    /// Merges the changes into the stored items.
    pub fn merge(&self, stored: &BTreeMap<ItemKey, Item>, order: &Order, now: Timestamp) -> Merged {
        self.merge_with(|key| stored.get(key), order, now)
    }

    /// The same, with items that `stored` finds.
    pub fn merge_with<'a>(&self, stored: impl Fn(&ItemKey) -> Option<&'a Item>, order: &Order, now: Timestamp) -> Merged {
        let mut items = BTreeMap::new();
        let (mut won, mut overtaken) = (BTreeSet::new(), BTreeSet::new());
        let (mut dropped, mut applied) = (Vec::new(), false);
        // The node orders events of all entities.
        let by_time = order.clone().by_time();
        let nothing = BTreeMap::new();
        for key in self.keys() {
            let changes = self.items.get(key).unwrap_or(&nothing);
            let order = if *key == ItemKey::Node { &by_time } else { order };
            let item = stored(key);
            let (version, before) = (item.and_then(|item| item.version), item.and_then(Item::facts));
            let mut facts = before.cloned().unwrap_or_default();
            let taken_back = self.taken_back.as_ref().is_some_and(|back| back.from(&mut facts));
            let mut changed = taken_back;
            for (name, change) in changes {
                let is_its = is_its_own(&facts, name, change, order);
                let wins = write(&mut facts, name, change, order);
                changed |= wins;
                (if wins || is_its { &mut won } else { &mut overtaken }).insert((key.clone(), name.clone()));
            }
            applied |= taken_back;
            if changed {
                dropped.extend(fit(&mut facts, now).into_iter().map(|dropped| (key.clone(), dropped)));
                // An element that a full set drops at once changes nothing.
                if before.map_or(!facts.is_empty(), |before| *before != facts) {
                    items.insert(key.clone(), Item { version, content: Content::Facts(facts) });
                }
            }
        }
        let outcome = match (self.is_empty(), applied || !won.is_empty()) {
            (true, _) => Outcome::Noted,
            (false, false) => Outcome::Stale,
            (false, true) => Outcome::Applied,
        };
        Merged { items, outcome, won, overtaken, dropped }
    }
}

impl TakenBack {
    /// Removes them from `facts`. Returns whether there were any.
    fn from(&self, facts: &mut Facts) -> bool {
        let mut changed = false;
        facts.retain(|_, fact| match &mut fact.kind {
            FactKind::Register => {
                let is_its = is_of(&fact.order.key, &self.of);
                changed |= is_its;
                !is_its
            }
            FactKind::Counter => true,
            FactKind::Set(members) => {
                let before = members.len();
                members.retain(|_, member| !is_of(&member.order.key, &self.of));
                if members.len() < before {
                    changed = true;
                    *fact = Fact::set(std::mem::take(members), fact.order.clone());
                }
                true
            }
        });
        changed
    }
}

/// The new fact for a value set by hand. It is ordered after the newest event of its entity, with its own time: later
/// events replace it, and earlier ones don't, even if they arrive later.
fn corrected(facts: &Facts, kept: Option<&Fact>, value: &Value, order: &Order) -> Fact {
    let sequence = facts.values().filter_map(|fact| fact.order.sequence).max();
    let order = Order { sequence, ..order.clone() };
    if value.is_null() {
        return Fact::register(Value::Null, order);
    }
    match kept.map(|kept| (&kept.kind, &kept.ladder)) {
        Some((FactKind::Register, Some(ladder))) => Fact::on_ladder(value.clone(), ladder.clone(), order),
        Some((FactKind::Counter, _)) => Fact::counter(value.as_i64().unwrap_or(0), order),
        Some((FactKind::Set(before), _)) => {
            let out = before
                .keys()
                .map(|element| (element.clone(), Member { order: order.clone(), out: true, by: WrittenBy::Stranger }));
            let inside = value
                .as_array()
                .into_iter()
                .flatten()
                .map(|element| (element.to_string(), Member { order: order.clone(), out: false, by: WrittenBy::Stranger }));
            Fact::set(out.chain(inside).collect(), order.clone())
        }
        Some((FactKind::Register, None)) | None => Fact::register(value.clone(), order),
    }
}

/// Whether an earlier receive of the same event wrote this change, and it still holds.
fn is_its_own(facts: &Facts, name: &str, change: &Change, order: &Order) -> bool {
    let Some(kept) = facts.get(name) else { return false };
    match change {
        Change::Set { .. } | Change::Climb { .. } => kept.kind == FactKind::Register && kept.order.key == order.key,
        Change::Members(changes) => match &kept.kind {
            FactKind::Set(members) => changes.iter().any(|(element, (inside, _))| {
                members.get(element).is_some_and(|member| member.order.key == order.key && member.out != *inside)
            }),
            FactKind::Register | FactKind::Counter => false,
        },
        // They are written in the transaction of their claim, and so by one receive.
        Change::Count(..) | Change::Correct(_) => false,
    }
}

/// Writes one change. Returns whether the fact changed.
fn write(facts: &mut Facts, name: &str, change: &Change, order: &Order) -> bool {
    let kept = facts.get(name);
    let newest = || kept.map_or_else(|| order.clone(), |kept| kept.order.clone().max(order.clone()));
    let fact = match change {
        Change::Correct(value) => corrected(facts, kept, value, order),
        Change::Set { .. } if kept.is_some_and(|kept| kept.order >= *order) => return false,
        Change::Set { value, expires, by } => Fact { expires: *expires, by: *by, ..Fact::register(value.clone(), order.clone()) },
        Change::Climb { value, ladder, by } => {
            let fact = Fact::on_ladder(value.clone(), ladder.clone(), order.clone()).by(*by);
            if kept.is_some_and(|kept| !fact.is_above(kept, ladder)) {
                return false;
            }
            fact
        }
        Change::Count(step, by) => {
            let kept = kept.filter(|kept| kept.kind == FactKind::Counter);
            let sum = kept.and_then(|kept| kept.value.as_i64()).unwrap_or(0);
            Fact::counter(fact::total(sum, *step), newest()).by(kept.map_or(*by, |kept| kept.by.and(*by)))
        }
        Change::Members(changes) => {
            let mut members = match kept.map(|kept| &kept.kind) {
                Some(FactKind::Set(members)) => members.clone(),
                Some(FactKind::Register | FactKind::Counter) | None => BTreeMap::new(),
            };
            let mut changed = false;
            for (element, (inside, by)) in changes {
                if members.get(element).is_none_or(|member| member.order < *order) {
                    members.insert(element.clone(), Member { order: order.clone(), out: !inside, by: *by });
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
