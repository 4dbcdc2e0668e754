//! One event's changes merged into what is stored.

use super::{Content, Dropped, Fact, FactKind, Facts, Item, ItemKey, Member, NODE_REGISTER, Order, fact, fit};
use crate::claim::{ClaimKey, Outcome};
use crate::manual::is_of;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::rules::Ladder;
use tidings_config::time::Timestamp;

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
    /// A person says what it is: that takes the place of whatever is stored. `null` forgets it.
    Correct(Value),
}

/// What one event wants to change, by item and fact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    items: BTreeMap<ItemKey, BTreeMap<String, Change>>,
    /// What an event has written before goes first, as if it hadn't been.
    taken_back: Option<TakenBack>,
}

/// What an event has written, and where it may stand.
#[derive(Clone, Debug, PartialEq)]
struct TakenBack {
    of: ClaimKey,
    items: BTreeSet<ItemKey>,
}

/// What became of the changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The items that changed, whole.
    pub items: BTreeMap<ItemKey, Item>,
    pub outcome: Outcome,
    /// What the event has changed. What it hasn't was newer already, or this very event's.
    pub won: BTreeSet<(ItemKey, String)>,
    /// What it hasn't.
    pub overtaken: BTreeSet<(ItemKey, String)>,
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
            other @ (Change::Set { .. } | Change::Climb { .. } | Change::Members(_) | Change::Correct(_)) => {
                *other = Change::Count(step)
            }
        }
    }

    /// `element` is JSON.
    pub fn member(&mut self, entity: &str, name: &str, element: String, inside: bool) {
        match self.of(entity).entry(name.to_owned()).or_insert_with(|| Change::Members(BTreeMap::new())) {
            Change::Members(members) => {
                members.insert(element, inside);
            }
            other @ (Change::Set { .. } | Change::Climb { .. } | Change::Count(_) | Change::Correct(_)) => {
                *other = Change::Members(BTreeMap::from([(element, inside)]))
            }
        }
    }

    pub fn go_to(&mut self, node: &str) {
        let change = Change::Set { value: Value::from(node), expires: None };
        self.items.entry(ItemKey::Node).or_default().insert(NODE_REGISTER.to_owned(), change);
    }

    /// A person says what a fact is.
    pub fn correct(&mut self, entity: &str, name: &str, value: Value) {
        self.of(entity).insert(name.to_owned(), Change::Correct(value));
    }

    /// A person says where the dialogue stands: `null` is nowhere.
    pub fn correct_node(&mut self, node: Value) {
        self.items.entry(ItemKey::Node).or_default().insert(NODE_REGISTER.to_owned(), Change::Correct(node));
    }

    /// What this event has written before, in these items and in those that are changed, goes first, as if it hadn't been: facts and
    /// elements that are still its own. A counter keeps what it has counted: a sum doesn't say of what it is made.
    pub fn take_back(&mut self, of: ClaimKey, items: BTreeSet<ItemKey>) {
        let items = self.items.keys().cloned().chain(items).collect();
        self.taken_back = Some(TakenBack { of, items });
    }

    /// Takes the counts out of it, and names them.
    pub fn leave_out_counts(&mut self) -> Vec<(ItemKey, String, i64)> {
        let mut left_out = Vec::new();
        for (key, facts) in &mut self.items {
            facts.retain(|name, change| match change {
                Change::Count(step) => {
                    left_out.push((key.clone(), name.clone(), *step));
                    false
                }
                Change::Set { .. } | Change::Climb { .. } | Change::Members(_) | Change::Correct(_) => true,
            });
        }
        self.items.retain(|_, facts| !facts.is_empty());
        left_out
    }

    /// What a person says, by item and fact.
    pub fn corrections(&self) -> impl Iterator<Item = (&ItemKey, &str, &Value)> {
        let facts = self.items.iter().flat_map(|(key, facts)| facts.iter().map(move |(name, change)| (key, name, change)));
        facts.filter_map(|(key, name, change)| match change {
            Change::Correct(value) => Some((key, name.as_str(), value)),
            Change::Set { .. } | Change::Climb { .. } | Change::Count(_) | Change::Members(_) => None,
        })
    }

    fn of(&mut self, entity: &str) -> &mut BTreeMap<String, Change> {
        self.items.entry(ItemKey::Entity(entity.to_owned())).or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.taken_back.is_none()
    }

    /// The items that they are about.
    pub fn keys(&self) -> BTreeSet<&ItemKey> {
        self.items.keys().chain(self.taken_back.iter().flat_map(|back| &back.items)).collect()
    }

    /// The node that the event goes to, if it wins.
    pub fn node(&self) -> Option<&str> {
        match self.items.get(&ItemKey::Node)?.get(NODE_REGISTER)? {
            Change::Set { value, .. } | Change::Correct(value) => value.as_str(),
            Change::Climb { .. } | Change::Count(_) | Change::Members(_) => None,
        }
    }

    /// Merges into the stored items.
    pub fn merge(&self, stored: &BTreeMap<ItemKey, Item>, order: &Order, now: Timestamp) -> Merged {
        let mut items = BTreeMap::new();
        let (mut won, mut overtaken) = (BTreeSet::new(), BTreeSet::new());
        let mut dropped = Vec::new();
        // Where the dialogue stands is for all entities.
        let by_time = order.clone().by_time();
        let nothing = BTreeMap::new();
        for key in self.keys() {
            let changes = self.items.get(key).unwrap_or(&nothing);
            let order = if *key == ItemKey::Node { &by_time } else { order };
            let version = stored.get(key).and_then(|item| item.version);
            let mut facts = stored.get(key).and_then(Item::facts).cloned().unwrap_or_default();
            let mut changed = self.taken_back.as_ref().is_some_and(|back| back.from(&mut facts));
            for (name, change) in changes {
                let wins = write(&mut facts, name, change, order);
                changed |= wins;
                (if wins { &mut won } else { &mut overtaken }).insert((key.clone(), name.clone()));
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
        Merged { items, outcome, won, overtaken, dropped }
    }
}

impl TakenBack {
    /// Whether any of it was there.
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

/// What a person says a fact is. It stands among events after the newest of its entity, and at its own time: what happens later
/// takes its place, and what happened before doesn't, even if it comes later.
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
            let out = before.keys().map(|element| (element.clone(), Member { order: order.clone(), out: true }));
            let inside = value
                .as_array()
                .into_iter()
                .flatten()
                .map(|element| (element.to_string(), Member { order: order.clone(), out: false }));
            Fact::set(out.chain(inside).collect(), order.clone())
        }
        Some((FactKind::Register, None)) | None => Fact::register(value.clone(), order),
    }
}

/// Whether it changed.
fn write(facts: &mut Facts, name: &str, change: &Change, order: &Order) -> bool {
    let kept = facts.get(name);
    let newest = || kept.map_or_else(|| order.clone(), |kept| kept.order.clone().max(order.clone()));
    let fact = match change {
        Change::Correct(value) => corrected(facts, kept, value, order),
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
