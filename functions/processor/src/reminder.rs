//! A reminder's timer: makes the action, if it still waits for this time.
//!
//! A timer whose reminder was moved, made or cancelled claims nothing. No rule is needed: the reminder has its action.

use crate::deliver::{flush_read, send_first};
use crate::effects::PlannedEffects;
use crate::failure::Failure;
use crate::prepared::Prepared;
use crate::processor::Processor;
use crate::view::{load, read};
use crate::work::{Moment, Work, keys_of_action};
use std::collections::BTreeSet;
use tidings_config::time::Timestamp;
use tidings_core::action::{Became, PlannedAction, Withheld};
use tidings_core::claim::Outcome;
use tidings_core::context::{Content, Item, ItemKey, Order, Owner, PREFERENCES, Place};
use tidings_core::envelope::Envelope;

/// The timer of a reminder.
#[derive(Clone, Debug, PartialEq)]
pub struct ReminderTimer {
    /// Its partition.
    pub reminder: String,
    /// The owner of its events.
    pub owner: Owner,
    /// The time for which it was set.
    pub due: Timestamp,
}

/// Prepares the action. The word says why there is nothing to do.
pub(crate) async fn prepare(
    processor: &Processor,
    envelope: &Envelope,
    timer: &ReminderTimer,
    now: Timestamp,
    silent: &mut Option<Failure>,
) -> Result<Result<Prepared, &'static str>, Failure> {
    let ReminderTimer { reminder, owner, due } = timer;
    let place = Place::new(reminder.clone(), ItemKey::Reminder);
    let elsewhere = BTreeSet::from([place.clone()]);
    let at = Moment::of_timer(processor.planner.policy(), processor.feed, now);
    let order = Order::at(now, envelope.claimkey.clone());
    let mut keys = BTreeSet::from([ItemKey::Outbox, ItemKey::Entity(PREFERENCES.to_owned())]);
    keys.extend(processor.feed.then_some(ItemKey::Feed));
    loop {
        let mut view = read(processor, owner, &keys, &elsewhere).await?;
        let (version, state) = view.reminder(&place);
        let Some(waits) = state.due_at(*due) else {
            // Perhaps this message made it, and then failed to send its action.
            flush_read(processor, &view).await?;
            return Ok(Err("settled"));
        };
        let needed = keys_of_action(&waits.action);
        if !needed.is_subset(&keys) {
            keys.extend(needed);
            continue;
        }
        let action = PlannedAction { since: now, ..waits.action.clone() };
        let is_over = waits.is_over(now);
        let unsent = send_first(processor, &mut view, silent).await;
        let mut work = Work::new(&view, &PlannedEffects::default(), &order, &at);
        if is_over {
            work.note(&action, Became::Withheld(Withheld::Expired));
        } else {
            work.act(std::slice::from_ref(&action));
        }
        work.applied.outcome = Outcome::Applied;
        work.applied.joins.push(reminder.clone());
        work.applied.items.insert(place.clone(), Item { version, content: Content::Reminder(state.after()) });
        let applied = work.finish();
        if !applied.missing.is_empty() {
            keys.extend(applied.missing);
            continue;
        }
        return Ok(Ok(Prepared::of_timer(view, applied, envelope, action.rule, unsent, now)));
    }
}

/// Whether nothing waits for this time any more, so that the timer needn't be sent again.
pub(crate) async fn is_over(processor: &Processor, reminder: &str, due: Timestamp) -> Result<bool, Failure> {
    let place = Place::new(reminder, ItemKey::Reminder);
    let stored = load(processor, [place.clone()].into()).await?;
    Ok(match stored.get(&place) {
        Some(Item { content: Content::Reminder(state), .. }) => state.due_at(due).is_none(),
        Some(_) | None => true,
    })
}
