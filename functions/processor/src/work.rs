//! Applies a plan to the stored items: the items to write and the outcomes of actions. Pure.

mod say;

use crate::effects::PlannedEffects;
use crate::overflow::Overflow;
use crate::view::View;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::limits::{MAX_DROPPED_SHOWN, MAX_OVERTAKEN_SHOWN, MAX_RESULT_BYTES};
use tidings_config::rules::{Policy, RESULT_TYPE};
use tidings_config::time::Timestamp;
use tidings_core::action::{Action, ActionNote, ActionOutcome, PlannedAction, Withheld};
use tidings_core::claim::Outcome;
use tidings_core::context::{
    Changed, Content, Deferred, Item, ItemKey, Merged, News, Order, Outbox, Outgoing, PREFERENCES, Place, Put,
};
use tidings_core::internal_event::InternalEvent;

/// The result: what must be written.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) items: BTreeMap<Place, Item>,
    /// Items to delete, each with the version that was read.
    pub(crate) deletes: BTreeMap<Place, u64>,
    pub(crate) outcome: Outcome,
    pub(crate) node: Option<String>,
    /// The address that a rule emitted as the event's result.
    pub(crate) result: Option<String>,
    /// Facts that it would have set, and the node, which had newer values already: `order/1042.status`.
    pub(crate) overtaken: Vec<String>,
    pub(crate) actions: Vec<ActionOutcome>,
    pub(crate) joins: Vec<String>,
    /// Identities that it links to the conversation.
    pub(crate) links: Vec<String>,
    /// Whether an earlier event has the same body.
    pub(crate) repeats_a_body: bool,
    /// Links that contradict an existing link.
    pub(crate) conflicts: usize,
    /// Waiting notifications that were dropped for others.
    pub(crate) evicted: Vec<PlannedAction>,
    /// Timers that didn't fit into the outbox.
    pub(crate) lost_timers: usize,
    /// The rules of the actions that were decided.
    pub(crate) rules: BTreeSet<String>,
    /// Items of its own partition that it depends on and that weren't read: read them, and apply the plan again.
    pub(crate) missing: BTreeSet<ItemKey>,
    /// Values that exceeded a join, a set or an item.
    pub(crate) overflows: Vec<Overflow>,
}

impl Applied {
    /// Outcomes of its actions and values without room, for the claim.
    pub(crate) fn notes(&self) -> Vec<ActionNote> {
        let lost = self.overflows.iter().take(MAX_DROPPED_SHOWN).map(|overflow| ActionNote::Text(overflow.line.clone()));
        ActionNote::of(&self.actions).into_iter().chain(lost).collect()
    }
}

/// A fact's name in claims, or `node`.
pub(crate) fn named(key: &ItemKey, name: &str) -> String {
    if let ItemKey::Entity(entity) = key { format!("{entity}.{name}") } else { name.to_owned() }
}

/// The items of its own partition that these effects need.
pub(crate) fn keys_of(effects: &PlannedEffects, timers: bool, feed: bool) -> BTreeSet<ItemKey> {
    let mut keys: BTreeSet<ItemKey> = effects.changes.keys().into_iter().cloned().collect();
    for proposal in &effects.proposals {
        keys.extend(keys_of_action(proposal));
    }
    for collected in &effects.collected {
        keys.extend(collected.proposal.written().map(|(key, _)| key).chain([ItemKey::Outbox]));
    }
    if timers || effects.reminders.iter().any(|one| one.reminder.is_some()) {
        keys.insert(ItemKey::Outbox);
    }
    if feed && !(keys.is_empty()) {
        keys.insert(ItemKey::Feed);
    }
    keys
}

pub(crate) fn keys_of_action(proposal: &PlannedAction) -> BTreeSet<ItemKey> {
    let entity = proposal.entity.clone().filter(|_| proposal.uses_facts()).map(ItemKey::Entity);
    let written = proposal.written().map(|(key, _)| key);
    [ItemKey::Outbox, ItemKey::Entity(PREFERENCES.to_owned())].into_iter().chain(entity).chain(written).collect()
}

/// The address in an action of the type `tidings.result`. Others, such as `javascript:…`, aren't given to browsers.
fn result_of(action: &Action) -> Option<String> {
    let location = action.data.get("location")?.as_str().filter(|_| action.action_type == RESULT_TYPE)?;
    let is_address = location.starts_with("https://") || location.starts_with('/') && !location.starts_with("//");
    let printable = location.bytes().all(|b| b.is_ascii_graphic());
    (is_address && printable && location.len() <= MAX_RESULT_BYTES).then(|| location.to_owned())
}

/// The time and the policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) now: Timestamp,
    /// When the event was received.
    pub(crate) received: Timestamp,
    /// Whether the conversation has a feed.
    pub(crate) feed: bool,
}

impl<'a> Moment<'a> {
    /// Of a timer, which waited for its time and not in a backlog.
    pub(crate) fn of_timer(policy: &'a Policy, feed: bool, now: Timestamp) -> Self {
        Self { policy, now, received: now, feed }
    }
}

pub(crate) struct Work<'a> {
    pub(crate) view: &'a View,
    pub(crate) at: &'a Moment<'a>,
    merged: Merged,
    outbox: Outbox,
    outbox_version: Option<u64>,
    outbox_before: Outbox,
    pub(crate) deferred: Deferred,
    deferred_version: Option<u64>,
    deferred_before: Deferred,
    /// For the feed.
    said: Vec<News>,
    pub(crate) applied: Applied,
}

impl<'a> Work<'a> {
    pub(crate) fn new(view: &'a View, effects: &PlannedEffects, order: &Order, at: &'a Moment<'a>) -> Self {
        let merged = effects.changes.merge_with(|key| view.items.get(&view.place(key.clone())), order, at.now);
        let (outbox_version, outbox) = view.outbox();
        let (deferred_version, deferred) = view.deferred(&view.partition);
        let node = effects.changes.node().filter(|_| merged.has_won_node()).map(str::to_owned);
        let mut applied = Applied {
            items: merged.items.iter().map(|(key, item)| (view.place(key.clone()), item.clone())).collect(),
            deletes: BTreeMap::new(),
            outcome: merged.outcome,
            node,
            result: None,
            overtaken: merged.overtaken.iter().take(MAX_OVERTAKEN_SHOWN).map(|(key, name)| named(key, name)).collect(),
            actions: Vec::new(),
            joins: Vec::new(),
            links: Vec::new(),
            repeats_a_body: false,
            conflicts: 0,
            evicted: Vec::new(),
            lost_timers: 0,
            rules: BTreeSet::new(),
            missing: BTreeSet::new(),
            overflows: merged.dropped.iter().map(|(key, dropped)| Overflow::of_item(key, dropped)).collect(),
        };
        applied.overflows.splice(0..0, effects.dropped.iter().cloned());
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
            said: Vec::new(),
            applied,
        };
        // The previous version stored notifications that wait for a link here.
        for proposal in std::mem::take(&mut work.outbox.held) {
            let _ = work.defer(proposal, None);
        }
        work
    }

    pub(crate) fn put(&mut self, what: Outgoing) -> Result<(), Withheld> {
        let (news, result) = match &what {
            Outgoing::Action(action) if self.at.feed => (Some(News::action(action)), result_of(action)),
            Outgoing::Action(_) | Outgoing::Timer { .. } => (None, None),
        };
        match self.outbox.put(what) {
            Put::Inside => {}
            Put::AfterPage { first, page } => {
                let place = self.view.place(ItemKey::OutboxPage(first));
                self.applied.items.insert(place, Item::new(Content::OutboxPage(page)));
            }
            Put::TooLarge => return Err(Withheld::TooLarge),
            Put::Full => return Err(Withheld::NoRoom),
        }
        self.said.extend(news);
        self.applied.result = self.applied.result.take().or(result);
        Ok(())
    }

    /// Adds what readers of the context see changed, and the actions, to the feed.
    fn announce(&mut self) {
        let mut changed = Changed::default();
        for (key, item) in &self.merged.items {
            if let Some(facts) = item.facts() {
                let before = self.view.items.get(&self.view.place(key.clone())).and_then(Item::facts);
                changed.compare(key, before, facts, self.at.now);
            }
        }
        let news: Vec<News> = changed.into_news().into_iter().chain(std::mem::take(&mut self.said)).collect();
        if news.is_empty() {
            return;
        }
        if !self.view.asked.contains(&ItemKey::Feed) {
            self.applied.missing.insert(ItemKey::Feed);
            return;
        }
        let (version, mut feed) = self.view.feed(&self.view.partition);
        // An identity's updates are followed by those of its conversation.
        let above = self.applied.links.iter().map(|identity| self.view.feed(identity).1.last).max().unwrap_or(0);
        if let Some((last, page)) = feed.add(news, above, self.at.now) {
            self.applied.items.insert(self.view.place(ItemKey::FeedPage(last)), Item::new(Content::FeedPage(page)));
        }
        self.applied.items.insert(self.view.place(ItemKey::Feed), Item { version, content: Content::Feed(feed) });
    }

    pub(crate) fn timer(&mut self, what: &InternalEvent, due: Timestamp) {
        let message = what.envelope(due, self.at.now).encode();
        if self.put(Outgoing::Timer { due, message }).is_err() {
            self.applied.lost_timers += 1;
        }
    }

    /// Sets the conversation's timer, if the deferred notifications need another one.
    fn wake(&mut self) {
        let Some(due) = self.deferred.timer_due(self.at.now).filter(|_| self.view.unlinked.is_none()) else { return };
        let timer = self.deferred.timers + 1;
        let lost_before = self.applied.lost_timers;
        self.timer(&InternalEvent::Wake { conversation: self.view.partition.clone(), timer }, due);
        if self.applied.lost_timers == lost_before {
            self.deferred.set_timer(due);
        }
    }

    pub(crate) fn finish(mut self) -> Applied {
        if self.at.feed {
            self.announce();
        }
        if self.view.knows_deferred() {
            self.forget_scopes();
            self.wake();
            self.outbox.later = self.view.unlinked.is_none() && !self.deferred.is_empty();
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
