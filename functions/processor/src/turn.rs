//! A turn's timer: sends the turn's action if the turn is over.
//!
//! The timer is set once, when the turn opens. One that comes before the turn is over is sent again for the time at
//! which the turn will be, and claims nothing. No rule is needed: the turn says all that its action says.

use crate::deliver::{flush_read, send_first};
use crate::effects::PlannedEffects;
use crate::failure::Failure;
use crate::prepared::Prepared;
use crate::processor::Processor;
use crate::timer;
use crate::view::read;
use crate::work::{Moment, Work};
use std::collections::BTreeSet;
use tidings_config::time::Timestamp;
use tidings_core::action::Became;
use tidings_core::claim::{ClaimKey, Outcome};
use tidings_core::context::{Content, EndedTurn, Item, ItemKey, Order, Outgoing, Owner, Place, TurnState};
use tidings_core::envelope::Envelope;
use tidings_core::internal_event::InternalEvent;
use tidings_core::text::Reader;

/// The timer of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnTimer {
    /// The partition of its rule's turns.
    pub turn: String,
    /// The owner of its events.
    pub owner: Owner,
    /// The event that opened it.
    pub opened_by: ClaimKey,
}

/// Prepares the turn's end. The word says why there is nothing to do, or not yet.
pub(crate) async fn prepare(
    processor: &Processor,
    envelope: &Envelope,
    timer: &TurnTimer,
    now: Timestamp,
    silent: &mut Option<Failure>,
) -> Result<Result<Prepared, &'static str>, Failure> {
    let TurnTimer { turn, owner, opened_by } = timer;
    let place = Place::new(turn.clone(), ItemKey::Turn);
    let elsewhere = BTreeSet::from([place.clone()]);
    let at = Moment::of_timer(processor.planner.policy(), processor.feed, now);
    let order = Order::at(now, envelope.claimkey.clone());
    let mut keys = BTreeSet::from([ItemKey::Outbox]);
    keys.extend(processor.feed.then_some(ItemKey::Feed));
    loop {
        let mut view = read(processor, owner, &keys, &elsewhere).await?;
        let (version, state) = view.turn(&place);
        let Some(open) = state.named(opened_by) else {
            // Perhaps this message ended it, and then failed to send its action.
            flush_read(processor, &view).await?;
            return Ok(Err("settled"));
        };
        let (due, by) = open.due();
        if now < due {
            let what = InternalEvent::Turn { turn: turn.clone(), owner: owner.clone(), opened_by: opened_by.clone() };
            timer::send(processor, &what.envelope(due, now).encode(), due, now).await?;
            return Ok(Err(timer::WAITS));
        }
        let ended = EndedTurn { turn: open.clone(), by };
        let unsent = send_first(processor, &mut view, silent).await;
        let mut work = Work::new(&view, &PlannedEffects::default(), &order, &at);
        work.end_turn(&ended, turn, &envelope.claimkey);
        work.applied.outcome = Outcome::Applied;
        work.applied.joins.push(turn.clone());
        work.applied.items.insert(place.clone(), Item { version, content: Content::Turn(TurnState::default()) });
        let applied = work.finish();
        if !applied.missing.is_empty() {
            keys.extend(applied.missing);
            continue;
        }
        return Ok(Ok(Prepared::of_timer(view, applied, envelope, ended.turn.rule, unsent, now)));
    }
}

impl Work<'_> {
    /// Puts the action of a turn that has ended into the outbox. Its events were checked when they came, and an emitted action
    /// waits for nothing but a link.
    pub(crate) fn end_turn(&mut self, ended: &EndedTurn, partition: &str, cause: &ClaimKey) {
        let planned = ended.planned(partition, cause, self.at.now);
        let became = if self.view.unlinked.is_some() {
            // No conversation is known to send it to.
            self.defer(planned.clone(), None)
        } else {
            let action = planned.action(None, &Reader::new(None, None, self.at.policy, self.at.now));
            self.put(Outgoing::Action(Box::new(action))).map_or_else(Became::Withheld, |()| Became::Queued)
        };
        self.note(&planned, became);
    }
}
