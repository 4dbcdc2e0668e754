//! Applies what an event's rules say about reminders.

use crate::effects::ForReminder;
use crate::work::{Work, keys_of_action};
use tidings_core::action::{Became, PlannedAction, Withheld};
use tidings_core::claim::Outcome;
use tidings_core::context::{Content, Item, ItemKey, Order, Owner, Place, Seeing};
use tidings_core::internal_event::InternalEvent;

impl Work<'_> {
    /// Applies one reminder of an event, which is at this place in the order of events. Returns the action that is due already.
    pub(super) fn remind(&mut self, one: &ForReminder, owner: &Owner, order: &Order) -> Option<PlannedAction> {
        let partition = one.partition(owner);
        let place = Place::new(partition.clone(), ItemKey::Reminder);
        let (version, mut state) = self.view.reminder(&place);
        // With `by`, its events are about one thing, as those of a fact are; without, about whatever the conversation is.
        let order = if one.by.is_some() { order.clone() } else { order.clone().by_time() };
        let (became, due) = match state.see(order, one.reminder.clone(), self.at.now) {
            Seeing::Overtaken => (Some(Became::Withheld(Withheld::Stale)), None),
            Seeing::Waits { due, timer } => {
                if timer {
                    let lost_before = self.applied.lost_timers;
                    self.timer(&InternalEvent::Reminder { reminder: partition.clone(), owner: owner.clone() }, due);
                    let is_lost = self.applied.lost_timers > lost_before;
                    state.waits.iter_mut().for_each(|waits| waits.has_no_timer = is_lost);
                }
                (Some(Became::Scheduled(due)), None)
            }
            Seeing::Due(action) => {
                self.applied.missing.extend(keys_of_action(&action).difference(&self.view.asked).cloned());
                (None, Some(*action))
            }
            Seeing::NoDate => (Some(Became::NoDate), None),
            Seeing::Past => (Some(Became::Withheld(Withheld::PastDate)), None),
            Seeing::TooFar => (Some(Became::Withheld(Withheld::FarDate)), None),
            Seeing::Made => (Some(Became::Withheld(Withheld::SameDate)), None),
            Seeing::TooLarge => (Some(Became::Withheld(Withheld::TooLarge)), None),
        };
        self.applied.rules.insert(one.rule.clone());
        self.applied.actions.extend(became.map(|became| one.became(became)));
        self.applied.joins.push(partition);
        if became == Some(Became::Withheld(Withheld::Stale)) {
            if self.applied.outcome == Outcome::Noted {
                self.applied.outcome = Outcome::Stale;
            }
        } else {
            self.applied.outcome = Outcome::Applied;
            self.applied.items.insert(place, Item { version, content: Content::Reminder(state) });
        }
        due
    }
}
