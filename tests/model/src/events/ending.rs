//! The processor's steps after a commit, and the end of a message.

use super::decided::{Written, after_write, buried, failure, moves, settle};
use super::state::{
    CONVERSATION, Claim, Doing, EVENTS, Effect, Entity, IDENTITY, Letter, Message, Outbox, Partition, State, View, Work,
};
use super::{Events, Fate};
use crate::broken::Broken;
use tidings_core::claim::ClaimState;
use tidings_core::claim::decide::{AfterDeadLetter, AfterFailure};

fn undelivered() -> Doing {
    let (contended, unsent) = failure(false, true);
    Doing::Fail { contended, unsent }
}

impl Events {
    /// Reads the identity's items and the conversation's.
    pub(super) fn adopt(&self, state: &State, effect: Effect, fate: Fate) -> Doing {
        if fate != Fate::Answered {
            return undelivered();
        }
        let identity = &state.partitions[usize::from(IDENTITY)];
        let (Some(to), true) = (effect.conversation, moves(effect, identity.link)) else { return Doing::Flush { effect } };
        match identity.entity {
            Some(from) => Doing::Move { effect, from, to: state.partitions[usize::from(to)].entity },
            None => Doing::Flush { effect },
        }
    }

    /// Writes the items to the conversation and deletes them, in one transaction.
    pub(super) fn move_items(
        &self,
        state: &mut State,
        work: &mut Work,
        (effect, from, to): (Effect, Entity, Option<Entity>),
        fate: Fate,
    ) -> Doing {
        let place = usize::from(effect.conversation.unwrap_or(CONVERSATION));
        let stored = (state.partitions[usize::from(IDENTITY)].entity, state.partitions[place].entity);
        let version = |entity: Option<Entity>| entity.map(|entity| entity.version);
        let is_moved = version(stored.0) != Some(from.version) || version(stored.1) != version(to);
        let mut written = Written::Yes;
        if fate.has_effect() {
            if is_moved && !self.is(Broken::MoveWithoutVersions) {
                written = Written::Moved;
            } else {
                let mut merged = to.unwrap_or_default();
                merged.version += 1;
                merged.facts |= from.facts;
                (0..EVENTS).for_each(|event| merged.counts[event] += from.counts[event]);
                state.partitions[place].entity = Some(merged);
                if self.is(Broken::MoveByTwoWrites) {
                    return Doing::MoveDelete { effect };
                }
                state.partitions[usize::from(IDENTITY)].entity = None;
            }
        }
        if fate != Fate::Answered {
            return undelivered();
        }
        match after_write(written, work.reloads, work.conflicts) {
            super::decided::Next::Again => {
                work.reloads += 1;
                Doing::Adopt { effect }
            }
            super::decided::Next::Done | super::decided::Next::Finish(_) => Doing::Adopt { effect },
            super::decided::Next::Contended => {
                let (contended, unsent) = failure(true, true);
                Doing::Fail { contended, unsent }
            }
            super::decided::Next::Unknown => undelivered(),
        }
    }

    pub(super) fn flush(&self, state: &State, effect: Effect, fate: Fate) -> Doing {
        if fate != Fate::Answered {
            return undelivered();
        }
        let partition = usize::from(effect.conversation.unwrap_or(CONVERSATION));
        match state.partitions[partition].outbox {
            Some(outbox) if !outbox.is_sent() => Doing::Deliver { effect, outbox, sent: None },
            Some(_) | None => Doing::Delete,
        }
    }

    /// Sends the next action; after the last one, empties the outbox.
    pub(super) fn deliver(
        &self,
        state: &mut State,
        work: &mut Work,
        (effect, outbox, sent): (Effect, Outbox, Option<u8>),
        fate: Fate,
    ) -> Doing {
        if outbox.is_sent() {
            return Doing::Delete;
        }
        let own = |outbox: &Outbox| {
            let place = outbox.waiting.iter().position(|waiting| *waiting == work.message.event + 1);
            place
                .and_then(|n| Some((u8::try_from(n).ok()?, work.message.event)))
                .filter(|(n, _)| sent.is_none_or(|sent| *n > sent))
        };
        let first = if self.is(Broken::OwnActionsOnly) { own(&outbox) } else { outbox.first(sent) };
        if let Some((sequence, event)) = first
            && !self.is(Broken::EmptyBeforeSend)
        {
            if fate.has_effect() {
                self.sent(state, effect.conversation.unwrap_or(CONVERSATION), event, sequence);
            }
            return if fate == Fate::Answered { Doing::Deliver { effect, outbox, sent: Some(sequence) } } else { undelivered() };
        }
        let place = &mut state.partitions[usize::from(effect.conversation.unwrap_or(CONVERSATION))].outbox;
        let mut written = Written::Yes;
        if fate.has_effect() {
            if place.map(|outbox| outbox.version) == Some(outbox.version) {
                let mut waiting = [0; EVENTS];
                if self.is(Broken::OwnActionsOnly) {
                    waiting = outbox.waiting;
                    waiting.iter_mut().filter(|event| **event == work.message.event + 1).for_each(|event| *event = 0);
                }
                *place = Some(Outbox { version: outbox.version + 1, waiting, ..outbox });
            } else {
                written = Written::Moved;
            }
        }
        if fate != Fate::Answered {
            return undelivered();
        }
        match after_write(written, work.reloads, work.conflicts) {
            super::decided::Next::Again => {
                work.reloads += 1;
                let stored = *place;
                match stored {
                    Some(outbox) => Doing::Deliver { effect, outbox, sent },
                    None => Doing::Delete,
                }
            }
            super::decided::Next::Done | super::decided::Next::Finish(_) => {
                if self.is(Broken::EmptyBeforeSend) {
                    Doing::SendLate { outbox }
                } else {
                    Doing::Delete
                }
            }
            super::decided::Next::Contended => {
                let (contended, unsent) = failure(true, true);
                Doing::Fail { contended, unsent }
            }
            super::decided::Next::Unknown => undelivered(),
        }
    }

    /// The actions of an outbox that is empty already: only if that is broken.
    pub(super) fn send_late(&self, state: &mut State, outbox: &Outbox) -> Doing {
        let mut sent = None;
        while let Some((sequence, event)) = outbox.first(sent) {
            self.sent(state, CONVERSATION, event, sequence);
            sent = Some(sequence);
        }
        Doing::Delete
    }

    /// The facts after their claim: only if that is broken.
    pub(super) fn facts_late(&self, state: &mut State, work: &Work, view: View) -> Doing {
        let stored = &mut state.partitions[usize::from(view.partition)].entity;
        let mut entity = stored.unwrap_or_default();
        entity.version += 1;
        entity.facts |= 1 << work.message.event;
        *stored = Some(entity);
        Doing::Delete
    }

    pub(super) fn settle(&self, state: &mut State, work: &Work, contended: bool, unsent: bool, fate: Fate) -> Doing {
        match settle(work.message.receives, self.setup.max_receives, contended) {
            AfterFailure::Retry => {
                self.put_back(state, work.message, true);
                Doing::Idle
            }
            AfterFailure::Requeue => {
                if self.is(Broken::DeleteBeforeCopy) {
                    if fate == Fate::Answered {
                        state.queue.push(Message { receives: 0, ..work.message });
                    }
                    return Doing::Idle;
                }
                if fate.has_effect() {
                    state.queue.push(Message { receives: 0, ..work.message });
                }
                if fate == Fate::Answered { Doing::Delete } else { Doing::Bury { unsent } }
            }
            AfterFailure::DeadLetter if self.is(Broken::DeleteOnLastReceive) => Doing::Delete,
            AfterFailure::DeadLetter => Doing::Bury { unsent },
        }
    }

    /// Records the reason, unless the event is processed: then what is left is done from its record.
    pub(super) fn bury(&self, state: &mut State, work: &Work, unsent: bool, fate: Fate) -> Doing {
        let event = work.message.event;
        let claim = &mut state.claims[usize::from(event)];
        let processed = claim
            .filter(|claim| claim.state == ClaimState::Processed && !self.is(Broken::DeadReplacesProcessed))
            .map(|claim| claim.effect);
        if fate.has_effect() && processed.is_none() && !self.is(Broken::DeadWithoutReason) {
            let effect = Effect::default();
            *claim = Some(Claim { state: ClaimState::Dead, effect, age: state.age });
        }
        let recorded = (fate == Fate::Answered).then_some(processed);
        match buried(recorded, unsent) {
            AfterDeadLetter::Dead | AfterDeadLetter::Undelivered => {
                self.put_back(state, work.message, fate != Fate::Answered);
                Doing::Idle
            }
            AfterDeadLetter::Finish(_) => self.finish(state, event, processed.unwrap_or_default()),
        }
    }

    /// A message that isn't deleted becomes visible, or is moved by the redrive policy.
    pub(super) fn put_back(&self, state: &mut State, message: Message, excused: bool) {
        if message.receives >= self.setup.max_receives {
            state.dead.push(Letter { message, excused });
        } else {
            state.queue.push(message);
        }
    }

    /// What an operator's erasure of the conversation leaves: of its claims their keys, processed.
    pub(super) fn erase(&self, state: &mut State) {
        for (event, stored) in state.claims.iter_mut().enumerate() {
            let Some(claim) = stored else { continue };
            if claim.state != ClaimState::Processed || claim.effect.conversation.is_none_or(|name| name > IDENTITY) {
                continue;
            }
            state.history.erased |= 1 << event;
            if self.is(Broken::EraseClaims) {
                *stored = None;
            } else if !self.is(Broken::EraseFactsOnly) {
                claim.effect = Effect::default();
            }
        }
        for place in [CONVERSATION, IDENTITY] {
            let partition = &mut state.partitions[usize::from(place)];
            let outbox = partition.outbox.filter(|_| self.is(Broken::EraseFactsOnly));
            *partition = Partition { outbox, ..Partition::default() };
        }
    }
}
