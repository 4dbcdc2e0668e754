//! Deferred notifications: the conversation's timer has fired, or a message that the previous version postponed has come.

use crate::deliver::{flush, send_first};
use crate::effects::PlannedEffects;
use crate::failure::Failure;
use crate::prepared::Prepared;
use crate::processor::Processor;
use crate::view::{View, read_conversation};
use crate::work::{Applied, Moment, Work, keys_of_action};
use std::collections::BTreeSet;
use tidings_config::time::Timestamp;
use tidings_core::action::PlannedAction;
use tidings_core::claim::Outcome;
use tidings_core::commit_plan::Merging;
use tidings_core::context::{Content, Item, ItemKey, Order, Place};
use tidings_core::envelope::Envelope;

/// A notification that the previous version postponed.
pub(crate) async fn prepare_delayed(
    processor: &Processor,
    envelope: &Envelope,
    conversation: &str,
    proposal: &PlannedAction,
    now: Timestamp,
    silent: &mut Option<Failure>,
) -> Result<Prepared, Failure> {
    let order = Order::at(now, envelope.claimkey.clone());
    let mut keys = keys_of_action(proposal);
    keys.insert(ItemKey::Deferred);
    // It waited for its time, not in a backlog.
    let at = Moment { policy: processor.planner.policy(), now, received: now, feed: processor.feed };
    loop {
        let mut view = read_conversation(processor, conversation, &keys, &BTreeSet::new()).await?;
        let unsent = send_first(processor, &mut view, silent).await;
        let applied = apply_delayed(proposal, &view, &order, &at);
        if !applied.missing.is_empty() {
            keys.extend(applied.missing);
            continue;
        }
        return Ok(prepared(envelope, view, applied, vec![proposal.rule.clone()], now, unsent));
    }
}

/// The write for a message of our own about notifications: it happens now, and must be merged once.
fn prepared(
    envelope: &Envelope,
    view: View,
    applied: Applied,
    rules: Vec<String>,
    now: Timestamp,
    unsent: Option<Failure>,
) -> Prepared {
    let event_type = envelope.event_type.clone();
    Prepared { view, applied, event_type, time: now, rules, off_schema: None, manual: None, unsent, merging: Merging::Once }
}

/// Applies a notification that is due.
fn apply_delayed(proposal: &PlannedAction, view: &View, order: &Order, at: &Moment<'_>) -> Applied {
    let effects = PlannedEffects { proposals: vec![proposal.clone()], ..PlannedEffects::default() };
    let mut work = Work::new(view, &effects, order, at);
    work.act(&effects.proposals);
    work.finish()
}

/// Prepares the notifications of a conversation that are due. `None`: nothing is deferred any more.
pub(crate) async fn prepare_timer(
    processor: &Processor,
    envelope: &Envelope,
    conversation: &str,
    fired: Timestamp,
    now: Timestamp,
    silent: &mut Option<Failure>,
) -> Result<Option<Prepared>, Failure> {
    let (mut keys, mut elsewhere) = (BTreeSet::from([ItemKey::Outbox, ItemKey::Deferred]), BTreeSet::new());
    let order = Order::at(now, envelope.claimkey.clone());
    // It waited for its time, not in a backlog.
    let at = Moment { policy: processor.planner.policy(), now, received: now, feed: processor.feed };
    // The waiting notifications determine which other items must be read, and may change meanwhile.
    loop {
        let mut view = read_conversation(processor, conversation, &keys, &elsewhere).await?;
        let deferred = view.deferred(conversation).1;
        if deferred.is_empty() {
            // Perhaps this message added them to the outbox and then failed to send them.
            flush(processor, conversation).await?;
            return Ok(None);
        }
        let identity = deferred.identities.first();
        let places = identity.map(|identity| [ItemKey::Deferred, ItemKey::Link].map(|key| Place::new(identity.clone(), key)));
        let places = BTreeSet::from_iter(places.into_iter().flatten());
        if !places.is_subset(&elsewhere) {
            elsewhere.extend(places);
            continue;
        }
        let unsent = send_first(processor, &mut view, silent).await;
        let applied = apply_timer(fired, identity.map(String::as_str), &view, &order, &at);
        if !applied.missing.is_empty() {
            keys.extend(applied.missing);
            continue;
        }
        let rules = applied.rules.iter().cloned().collect();
        return Ok(Some(prepared(envelope, view, applied, rules, now, unsent)));
    }
}

/// Applies the conversation's timer: the waiting notifications are decided in the order of the events. `identity`: an
/// identity that was linked since. Its notifications are taken over as far as there is room; the next timer takes the
/// rest.
fn apply_timer(fired: Timestamp, identity: Option<&str>, view: &View, order: &Order, at: &Moment<'_>) -> Applied {
    let mut work = Work::new(view, &PlannedEffects::default(), order, at);
    work.deferred.fired(fired);
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
    // Notifications of other identities may come earlier in the order. Without room for those, room is made first.
    let is_full = identity.is_some_and(|identity| work.deferred.identities.iter().any(|waiting| waiting == identity));
    if work.deferred.identities.is_empty() || is_full {
        work.say(Vec::new());
    }
    if !work.applied.actions.is_empty() {
        work.applied.outcome = Outcome::Applied;
    }
    work.finish()
}
