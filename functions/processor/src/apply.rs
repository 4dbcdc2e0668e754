//! What a plan makes of what is stored: the items to write and what became of the actions. Pure; [`crate::commit`] reads
//! before it and writes after it.

mod legs;

use crate::effects::{Outline, Planned};
use crate::failure::Failure;
use crate::overflow::Overflow;
use crate::plan::{EventPlan, Planner};
use std::collections::{BTreeMap, BTreeSet};
use tidings_core::action::policy::{Circumstances, caps, decide};
use tidings_core::action::{Preferences, Proposal, Verdict, Withheld};
use tidings_core::claim::{ClaimKey, Outcome};
use tidings_core::config::rules::Policy;
use tidings_core::context::{
    Content, Facts, Item, ItemKey, JoinState, Link, Merged, Next, Order, Outbox, Outgoing, PREFERENCES, Place, Terms, join_order,
};
use tidings_core::due::Due;
use tidings_core::limits::{MAX_DROPPED_SHOWN, MAX_HELD, MAX_ITEM_BYTES};
use tidings_core::time::Timestamp;

/// What was read for a plan.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The conversation, or the identity as long as it has no link.
    pub(crate) partition: String,
    /// The identity's link, which must not be there when its items are written.
    pub(crate) unlinked: Option<Place>,
    pub(crate) items: BTreeMap<Place, Item>,
}

/// What is to be written.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) items: BTreeMap<Place, Item>,
    pub(crate) outcome: Outcome,
    pub(crate) node: Option<String>,
    pub(crate) actions: Vec<String>,
    pub(crate) joins: Vec<String>,
    pub(crate) withheld: Vec<Withheld>,
    /// Links that say something else than the one that is there.
    pub(crate) conflicts: usize,
    /// What had no room.
    pub(crate) overflows: Vec<Overflow>,
}

impl View {
    fn own(&self) -> BTreeMap<ItemKey, Item> {
        let own = self.items.iter().filter(|(place, _)| place.partition == self.partition);
        own.map(|(place, item)| (place.key.clone(), item.clone())).collect()
    }

    fn place(&self, key: ItemKey) -> Place {
        Place::new(self.partition.clone(), key)
    }

    pub(crate) fn outbox(&self) -> (Option<u64>, Outbox) {
        match self.items.get(&self.place(ItemKey::Outbox)) {
            Some(Item { version, content: Content::Outbox(outbox) }) => (*version, outbox.clone()),
            Some(Item { content: Content::Facts(_) | Content::Join(_) | Content::Link(_), .. }) | None => {
                (None, Outbox::default())
            }
        }
    }

    pub(crate) fn join(&self, partition: &str) -> (Option<u64>, JoinState) {
        match self.items.get(&Place::new(partition, ItemKey::Join)) {
            Some(Item { version, content: Content::Join(state) }) => (*version, state.clone()),
            Some(Item { content: Content::Facts(_) | Content::Link(_) | Content::Outbox(_), .. }) | None => {
                (None, JoinState::default())
            }
        }
    }

    /// The conversation that an identity is linked to.
    pub(crate) fn link(&self, identity: &str) -> Option<&str> {
        match &self.items.get(&Place::new(identity, ItemKey::Link))?.content {
            Content::Link(link) => Some(&link.conversation),
            Content::Facts(_) | Content::Join(_) | Content::Outbox(_) => None,
        }
    }
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
    work.act(&plan.outline.proposals)?;
    if !plan.links.is_empty() && view.link(&view.partition).is_some() {
        return Err(Failure::LinkTarget);
    }
    for identity in &plan.links {
        work.link(identity, order);
    }
    for ((index, key), legs) in &plan.legs {
        work.see(planner.join(*index), key, legs, &order.key);
    }
    work.finish()
}

/// A notification whose time has come.
pub(crate) fn action(proposal: &Proposal, view: &View, order: &Order, at: &Moment<'_>) -> Result<Applied, Failure> {
    let outline =
        Outline { proposals: vec![Planned { proposal: proposal.clone(), stale_without: Vec::new() }], ..Outline::default() };
    let mut work = Work::new(view, &outline, order, at);
    work.act(&outline.proposals)?;
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
pub(crate) fn ending(
    ending: &Ending,
    terms: &Terms,
    outline: &Outline,
    view: &View,
    at: &Moment<'_>,
) -> Result<Applied, Failure> {
    let order = join_order(&ending.place.partition, ending.next.end().time);
    let mut work = Work::new(view, outline, &order, at);
    if let Next::Take(end) = &ending.next {
        work.act(&outline.proposals)?;
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
    applied: Applied,
}

impl<'a> Work<'a> {
    fn new(view: &'a View, outline: &Outline, order: &Order, at: &'a Moment<'a>) -> Self {
        let merged = outline.changes.merge(&view.own(), order, at.now);
        let (outbox_version, outbox) = view.outbox();
        let node = outline.changes.node().filter(|_| merged.items.contains_key(&ItemKey::Node)).map(str::to_owned);
        let mut applied = Applied {
            items: merged.items.iter().map(|(key, item)| (view.place(key.clone()), item.clone())).collect(),
            outcome: merged.outcome,
            node,
            actions: Vec::new(),
            joins: Vec::new(),
            withheld: Vec::new(),
            conflicts: 0,
            overflows: merged.dropped.iter().map(|(key, dropped)| Overflow::of_item(key, dropped)).collect(),
        };
        applied.overflows.splice(0..0, outline.dropped.iter().cloned());
        Self { view, at, merged, outbox_before: outbox.clone(), outbox, outbox_version, applied }
    }

    /// An entity's facts, this event's included.
    fn facts(&self, entity: &str) -> Option<&Facts> {
        let key = ItemKey::Entity(entity.to_owned());
        self.merged.items.get(&key).or_else(|| self.view.items.get(&self.view.place(key))).and_then(Item::facts)
    }

    fn act(&mut self, planned: &[Planned]) -> Result<(), Failure> {
        for Planned { proposal, stale_without } in planned {
            let stale = !stale_without.is_empty() && !stale_without.iter().any(|write| self.merged.won.contains(write));
            let became = if stale {
                self.withhold(Withheld::Stale)
            } else if self.view.unlinked.is_some() {
                self.hold(proposal)
            } else {
                self.decided(proposal)?
            };
            self.applied.actions.push(format!("{} {became}", proposal.label()));
        }
        Ok(())
    }

    /// There is nobody yet to send it to.
    fn hold(&mut self, proposal: &Proposal) -> String {
        let now = self.at.now;
        self.outbox.held.retain(|held| !held.has_expired(now));
        if self.outbox.held.len() >= MAX_HELD {
            return self.withhold(Withheld::NoConversation);
        }
        self.outbox.held.push(proposal.clone());
        "held until its identity is linked".to_owned()
    }

    fn withhold(&mut self, why: Withheld) -> String {
        self.applied.withheld.push(why);
        format!("withheld: {why}")
    }

    fn decided(&mut self, proposal: &Proposal) -> Result<String, Failure> {
        let now = self.at.now;
        let preferences = Preferences::read(self.facts(PREFERENCES), now);
        let circumstances = Circumstances {
            conversation: &self.view.partition,
            preferences: &preferences,
            outbox: &self.outbox,
            now,
            lag: now.since(self.at.received),
        };
        Ok(match decide(proposal, self.at.policy, &circumstances) {
            Verdict::Withhold(why) => self.withhold(why),
            Verdict::Defer { until } => {
                let due = Due::Action { conversation: self.view.partition.clone(), proposal: proposal.clone() };
                self.timer(&due, until);
                Due::deferral(until)
            }
            Verdict::Send { channel } => {
                let facts = proposal.entity.as_deref().and_then(|entity| self.facts(entity));
                let action = proposal
                    .action(channel, facts, now)
                    .map_err(|long| Failure::LongText { rule: proposal.rule.clone(), bytes: long.bytes })?;
                for (scope, cap) in caps(proposal, self.at.policy) {
                    self.outbox.count(scope, cap, now);
                }
                self.outbox.put(Outgoing::Action(Box::new(action)));
                "queued".to_owned()
            }
        })
    }

    fn timer(&mut self, what: &Due, due: Timestamp) {
        self.outbox.put(Outgoing::Timer { due, message: what.envelope(due, self.at.now).encode() });
    }

    fn link(&mut self, identity: &str, order: &Order) {
        match self.view.link(identity) {
            Some(conversation) if conversation == self.view.partition => {}
            Some(_) => self.applied.conflicts += 1,
            None => {
                let link = Link { conversation: self.view.partition.clone(), order: order.clone() };
                let places = [Place::new(identity, ItemKey::Link), self.view.place(ItemKey::Identity(identity.to_owned()))];
                for place in places {
                    let version = self.view.items.get(&place).and_then(|item| item.version);
                    self.applied.items.insert(place, Item { version, content: Content::Link(link.clone()) });
                }
                self.applied.outcome = Outcome::Applied;
            }
        }
    }

    fn finish(mut self) -> Result<Applied, Failure> {
        if self.outbox != self.outbox_before {
            let item = Item { version: self.outbox_version, content: Content::Outbox(self.outbox) };
            self.applied.items.insert(self.view.place(ItemKey::Outbox), item);
        }
        bounded(&self.applied.items)?;
        let shown = self.applied.overflows.iter().take(MAX_DROPPED_SHOWN);
        self.applied.actions.extend(shown.map(|overflow| overflow.line.clone()));
        Ok(self.applied)
    }
}

fn bounded(items: &BTreeMap<Place, Item>) -> Result<(), Failure> {
    for (place, item) in items.iter().filter(|(place, _)| place.key == ItemKey::Outbox) {
        let bytes = item.content.encode().len();
        if bytes > MAX_ITEM_BYTES {
            return Err(Failure::LargeItem { item: place.key.to_string(), bytes });
        }
    }
    Ok(())
}

/// What sorts the timeline.
pub(crate) fn occurred(time: Timestamp, key: &ClaimKey) -> String {
    format!("{time}#{key}")
}
