//! Adds what an event's rules emit to the turns that it is part of.

use crate::effects::ForTurn;
use crate::work::Work;
use tidings_core::action::policy::is_shed;
use tidings_core::action::{Became, Withheld};
use tidings_core::claim::{ClaimKey, Outcome};
use tidings_core::context::{Content, Item, ItemKey, Owner, Place};
use tidings_core::internal_event::InternalEvent;

impl Work<'_> {
    /// Collects an emitted action. It isn't if it is stale or shed: a turn decides neither again when it ends. `because_of` is
    /// the event, which ends the turns that are over because of it.
    pub(super) fn collect(&mut self, collected: &ForTurn, owner: &Owner, because_of: &ClaimKey) {
        let ForTurn { proposal, terms, .. } = collected;
        let withheld = if proposal.is_stale(|key| self.facts_in(key)) {
            Some(Withheld::Stale)
        } else {
            is_shed(proposal.priority, self.at.policy, self.at.now.since(self.at.received)).then_some(Withheld::Shed)
        };
        if let Some(why) = withheld {
            self.note(proposal, Became::Withheld(why));
            return;
        }
        let partition = collected.partition(owner);
        let place = Place::new(partition.clone(), ItemKey::Turn);
        let (version, mut state) = self.view.turn(&place);
        self.note(proposal, Became::Collected);
        let done = state.collect(proposal, *terms, owner, self.at.now);
        for ended in &done.ended {
            self.end_turn(ended, &partition, because_of);
        }
        if let (Some(due), Some(open)) = (done.timer, &mut state.open) {
            let (turn, opened_by) = (partition.clone(), open.opened_by.clone());
            let lost_before = self.applied.lost_timers;
            self.timer(&InternalEvent::Turn { turn, owner: owner.clone(), opened_by }, due);
            open.has_no_timer = self.applied.lost_timers > lost_before;
        }
        self.applied.outcome = Outcome::Applied;
        self.applied.joins.push(partition);
        self.applied.items.insert(place, Item { version, content: Content::Turn(state) });
    }
}
