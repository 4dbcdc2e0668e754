//! What a plan makes of what is stored: the items to write and what became of the actions. Pure; [`crate::commit`] reads
//! before it and writes after it.

mod deliveries;
mod legs;

use crate::effects::{Outline, Planned};
use crate::failure::Failure;
use crate::links;
use crate::overflow::Overflow;
use crate::plan::{EventPlan, Planner};
use crate::view::View;
use std::collections::{BTreeMap, BTreeSet};
use tidings_core::action::policy::{Circumstances, caps, decide};
use tidings_core::action::{ActionOutcome, Became, Preferences, Proposal, Verdict, Withheld};
use tidings_core::claim::{ClaimKey, Outcome};
use tidings_core::config::rules::{Channel, Policy};
use tidings_core::context::{
    Content, Deferred, Facts, Item, ItemKey, JoinState, Merged, Next, Order, Outbox, Outgoing, PREFERENCES, Place, Put, Terms,
    Waits, join_order,
};
use tidings_core::due::Due;
use tidings_core::limits::{MAX_DROPPED_SHOWN, MAX_OVERTAKEN_SHOWN, WAKE_STEP};
use tidings_core::text::Reader;
use tidings_core::time::Timestamp;

/// What is to be written.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) items: BTreeMap<Place, Item>,
    /// Items that go, each with the version that was read.
    pub(crate) deletes: BTreeMap<Place, u64>,
    pub(crate) outcome: Outcome,
    pub(crate) node: Option<String>,
    /// Facts that it would have set, and the node, which were newer already: `order/1042.status`.
    pub(crate) overtaken: Vec<String>,
    pub(crate) actions: Vec<ActionOutcome>,
    pub(crate) joins: Vec<String>,
    /// Identities that it links to the conversation.
    pub(crate) links: Vec<String>,
    /// Its body is that of an event before it.
    pub(crate) repeats_a_body: bool,
    /// Links that say something else than the one that is there.
    pub(crate) conflicts: usize,
    /// What waited and had to go for something else.
    pub(crate) evicted: Vec<Proposal>,
    /// Timers for which the outbox has no room.
    pub(crate) lost_timers: usize,
    /// Something has to be deferred, and what is deferred already wasn't read: read it, and apply the plan to that.
    pub(crate) needs_deferred: bool,
    /// What had no room in a join, a set or an item.
    pub(crate) overflows: Vec<Overflow>,
}

impl Applied {
    /// What became of its actions, and what had no room, as the claim says it.
    pub(crate) fn told(&self) -> Vec<String> {
        let lost = self.overflows.iter().take(MAX_DROPPED_SHOWN).map(|overflow| overflow.line.clone());
        self.actions.iter().map(ToString::to_string).chain(lost).collect()
    }
}

/// A fact as the claim names it, or `node`.
fn overtaken((key, name): &(ItemKey, String)) -> String {
    if let ItemKey::Entity(entity) = key { format!("{entity}.{name}") } else { name.clone() }
}

/// The items of its own partition that an outline has to see.
pub(crate) fn keys_of(outline: &Outline, timers: bool) -> BTreeSet<ItemKey> {
    let mut keys: BTreeSet<ItemKey> = outline.changes.keys().cloned().collect();
    for Planned { proposal, .. } in &outline.proposals {
        keys.extend(keys_of_action(proposal));
    }
    if timers {
        keys.insert(ItemKey::Outbox);
    }
    keys
}

pub(crate) fn keys_of_action(proposal: &Proposal) -> BTreeSet<ItemKey> {
    let told = proposal.entity.clone().filter(|_| proposal.tells_facts()).map(ItemKey::Entity);
    [ItemKey::Outbox, ItemKey::Entity(PREFERENCES.to_owned())].into_iter().chain(told).collect()
}

/// A provider's event.
pub(crate) fn event(
    planner: &Planner,
    plan: &EventPlan,
    view: &View,
    order: &Order,
    at: &Moment<'_>,
) -> Result<Applied, Failure> {
    let mut work = Work::new(view, &plan.outline, order, at);
    work.act(&plan.outline.proposals);
    links::link(&mut work.applied, view, plan, order)?;
    for ((index, key), legs) in &plan.legs {
        work.see(planner.join(*index), key, legs, &order.key);
    }
    Ok(work.finish())
}

/// A notification whose time has come.
pub(crate) fn action(proposal: &Proposal, view: &View, order: &Order, at: &Moment<'_>) -> Applied {
    let outline =
        Outline { proposals: vec![Planned { proposal: proposal.clone(), stale_without: Vec::new() }], ..Outline::default() };
    let mut work = Work::new(view, &outline, order, at);
    work.act(&outline.proposals);
    work.finish()
}

/// The conversation's timer: what is due is decided, in the order of the events. `identity` is one whose link has come since:
/// what it holds comes over as far as there is room; the rest is the next timer's.
pub(crate) fn wake(fired: Timestamp, identity: Option<&str>, view: &View, order: &Order, at: &Moment<'_>) -> Applied {
    let mut work = Work::new(view, &Outline::default(), order, at);
    work.deferred.wakes = work.deferred.wakes.filter(|wakes| *wakes > fired);
    if let Some(identity) = identity.filter(|identity| view.link(identity) != Some(&view.partition)) {
        // It was moved to another conversation meanwhile.
        work.deferred.identities.retain(|waiting| waiting != identity);
    } else if let Some(identity) = identity {
        let (version, mut theirs) = view.deferred(identity);
        let gone = work.deferred.take_over(&mut theirs, at.now);
        work.applied.evicted.extend(gone);
        if theirs.waiting.is_empty() {
            work.deferred.identities.retain(|waiting| waiting != identity);
        }
        if let Some(version) = version {
            let place = Place::new(identity, ItemKey::Deferred);
            if theirs.waiting.is_empty() {
                work.applied.deletes.insert(place, version);
            } else {
                work.applied.items.insert(place, Item { version: Some(version), content: Content::Deferred(theirs) });
            }
        }
    }
    for Waits { proposal, .. } in work.deferred.take_due(at.now, WAKE_STEP) {
        work.decide(&proposal);
    }
    if !work.applied.actions.is_empty() {
        work.applied.outcome = Outcome::Applied;
    }
    work.finish()
}

/// A join with what there is to do for it.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) place: Place,
    pub(crate) version: Option<u64>,
    pub(crate) state: JoinState,
    pub(crate) next: Next,
}

/// A join's branch. Its actions are said when it is taken; its facts are those of its latest events.
pub(crate) fn ending(ending: &Ending, terms: &Terms, outline: &Outline, view: &View, at: &Moment<'_>) -> Applied {
    let order = join_order(&ending.place.partition, ending.next.end().time);
    let mut work = Work::new(view, outline, &order, at);
    if let Next::Take(end) = &ending.next {
        work.act(&outline.proposals);
        let state = ending.state.clone().ended(end, terms, &view.partition);
        work.applied.items.insert(ending.place.clone(), Item { version: ending.version, content: Content::Join(state) });
    }
    work.applied.joins.push(ending.place.partition.clone());
    work.finish()
}

/// When, and by which policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) now: Timestamp,
    /// When the event was received.
    pub(crate) received: Timestamp,
}

struct Work<'a> {
    view: &'a View,
    at: &'a Moment<'a>,
    merged: Merged,
    outbox: Outbox,
    outbox_version: Option<u64>,
    outbox_before: Outbox,
    deferred: Deferred,
    deferred_version: Option<u64>,
    deferred_before: Deferred,
    applied: Applied,
}

impl<'a> Work<'a> {
    fn new(view: &'a View, outline: &Outline, order: &Order, at: &'a Moment<'a>) -> Self {
        let merged = outline.changes.merge(&view.own(), order, at.now);
        let (outbox_version, outbox) = view.outbox();
        let (deferred_version, deferred) = view.deferred(&view.partition);
        let node = outline.changes.node().filter(|_| merged.items.contains_key(&ItemKey::Node)).map(str::to_owned);
        let mut applied = Applied {
            items: merged.items.iter().map(|(key, item)| (view.place(key.clone()), item.clone())).collect(),
            deletes: BTreeMap::new(),
            outcome: merged.outcome,
            node,
            overtaken: merged.overtaken.iter().take(MAX_OVERTAKEN_SHOWN).map(overtaken).collect(),
            actions: Vec::new(),
            joins: Vec::new(),
            links: Vec::new(),
            repeats_a_body: false,
            conflicts: 0,
            evicted: Vec::new(),
            lost_timers: 0,
            needs_deferred: false,
            overflows: merged.dropped.iter().map(|(key, dropped)| Overflow::of_item(key, dropped)).collect(),
        };
        applied.overflows.splice(0..0, outline.dropped.iter().cloned());
        let (outbox_before, deferred_before) = (outbox.clone(), deferred.clone());
        let mut work = Self {
            view,
            at,
            merged,
            outbox,
            outbox_version,
            outbox_before,
            deferred,
            deferred_version,
            deferred_before,
            applied,
        };
        // The version before kept here what waits for a link.
        for proposal in std::mem::take(&mut work.outbox.held) {
            work.defer(proposal, None);
        }
        work
    }

    /// An entity's facts, this event's included.
    fn facts(&self, entity: &str) -> Option<&Facts> {
        let key = ItemKey::Entity(entity.to_owned());
        self.merged.items.get(&key).or_else(|| self.view.items.get(&self.view.place(key))).and_then(Item::facts)
    }

    fn act(&mut self, planned: &[Planned]) {
        for Planned { proposal, stale_without } in planned {
            let stale = !stale_without.is_empty() && !stale_without.iter().any(|write| self.merged.won.contains(write));
            if stale {
                self.tell(proposal, Became::Withheld(Withheld::Stale));
            } else if self.view.unlinked.is_some() {
                // There is nobody yet to send it to.
                let became = self.defer(proposal.clone(), None);
                self.tell(proposal, became);
            } else {
                self.decide(proposal);
            }
        }
    }

    fn tell(&mut self, proposal: &Proposal, became: Became) {
        self.applied.actions.push(ActionOutcome { label: proposal.label(), became });
    }

    fn decide(&mut self, proposal: &Proposal) {
        let now = self.at.now;
        let preferences = Preferences::read(self.facts(PREFERENCES), now);
        let circumstances = Circumstances {
            conversation: &self.view.partition,
            preferences: &preferences,
            outbox: &self.outbox,
            now,
            lag: now.since(self.at.received),
        };
        let became = match decide(proposal, self.at.policy, &circumstances) {
            Verdict::Withhold(why) => Became::Withheld(why),
            Verdict::Defer { until } => self.defer(proposal.clone(), Some(until)),
            Verdict::Send { channel } => self.send(proposal, channel),
        };
        self.tell(proposal, became);
    }

    /// Into the outbox, if it isn't too large and there is room.
    fn send(&mut self, proposal: &Proposal, channel: Option<Channel>) -> Became {
        let facts = proposal.entity.as_deref().and_then(|entity| self.facts(entity));
        let reader = Reader::new(self.facts(PREFERENCES), facts, self.at.policy, self.at.now);
        let action = proposal.action(channel, &reader);
        if let Err(why) = self.put(Outgoing::Action(Box::new(action))) {
            return Became::Withheld(why);
        }
        for (scope, cap) in caps(proposal, self.at.policy) {
            self.outbox.count(scope, cap, self.at.now);
        }
        Became::Queued
    }

    fn put(&mut self, what: Outgoing) -> Result<(), Withheld> {
        match self.outbox.put(what) {
            Put::Inside => Ok(()),
            Put::AfterPage { first, page } => {
                let place = self.view.place(ItemKey::OutboxPage(first));
                self.applied.items.insert(place, Item::new(Content::OutboxPage(page)));
                Ok(())
            }
            Put::TooLarge => Err(Withheld::TooLarge),
            Put::Full => Err(Withheld::NoRoom),
        }
    }

    fn defer(&mut self, proposal: Proposal, until: Option<Timestamp>) -> Became {
        let id = proposal.id.clone();
        let mut gone = if self.view.knows_deferred {
            self.deferred.add(Waits { until, proposal }, self.at.now)
        } else {
            self.applied.needs_deferred = true;
            Vec::new()
        };
        if let Some(itself) = gone.iter().position(|gone| gone.id == id) {
            gone.remove(itself);
            self.applied.evicted.append(&mut gone);
            return Became::Withheld(Withheld::NoRoom);
        }
        self.applied.evicted.append(&mut gone);
        until.map_or(Became::WaitsForLink, Became::WaitsUntil)
    }

    fn timer(&mut self, what: &Due, due: Timestamp) {
        let message = what.envelope(due, self.at.now).encode();
        if self.put(Outgoing::Timer { due, message }).is_err() {
            self.applied.lost_timers += 1;
        }
    }

    /// Sets the conversation's timer, if what is deferred needs another than the one under way.
    fn wake(&mut self) {
        let Some(due) = self.deferred.timer_due(self.at.now).filter(|_| self.view.unlinked.is_none()) else { return };
        let timer = self.deferred.timers + 1;
        let lost_before = self.applied.lost_timers;
        self.timer(&Due::Wake { conversation: self.view.partition.clone(), timer }, due);
        if self.applied.lost_timers == lost_before {
            (self.deferred.timers, self.deferred.wakes) = (timer, Some(due));
        }
    }

    fn finish(mut self) -> Applied {
        if self.view.knows_deferred {
            self.wake();
            if self.deferred != self.deferred_before {
                let item = Item { version: self.deferred_version, content: Content::Deferred(self.deferred) };
                self.applied.items.insert(self.view.place(ItemKey::Deferred), item);
            }
        }
        if self.view.sent || self.outbox != self.outbox_before {
            let item = Item { version: self.outbox_version, content: Content::Outbox(self.outbox) };
            self.applied.items.insert(self.view.place(ItemKey::Outbox), item);
        }
        self.applied
    }
}

/// What sorts the timeline.
pub(crate) fn occurred(time: Timestamp, key: &ClaimKey) -> String {
    format!("{time}#{key}")
}
