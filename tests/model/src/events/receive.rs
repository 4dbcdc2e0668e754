//! The receiver's steps for one request. Each is one call, so a crash may come between any two.

use super::decided::{enqueue, forged_reply, recorded, reply};
use super::state::{Claim, Effect, Message, Receiving, State};
use super::{Events, Fate};
use crate::broken::Broken;
use tidings_core::claim::ClaimState;
use tidings_core::claim::decide::Recorded;

/// The next event of these at or after `at`.
fn next(events: u8, at: u8) -> Option<u8> {
    (at..8).find(|event| events & (1 << event) != 0)
}

fn count(events: u8) -> u32 {
    events.count_ones()
}

impl Events {
    /// Which fates the request's next step may have.
    pub(super) fn fates_of_request(&self, state: &State, request: usize) -> &'static [Fate] {
        match state.requests[request].step {
            Receiving::Unsent | Receiving::Succeeded | Receiving::Failed => &[],
            Receiving::Claiming { .. } if state.left.conflicts > 0 => Fate::all(state.left.faults > 0),
            Receiving::Claiming { .. } | Receiving::Sending { .. } => Fate::with(state.left.faults > 0),
            Receiving::Marking { .. } | Receiving::Replying { .. } => Fate::with(false),
        }
    }

    /// The provider's request arrives.
    pub(super) fn arrive(&self, state: &mut State, request: usize) {
        let request = &mut state.requests[request];
        let accepted = request.authentic || self.is(Broken::ForgedIsAccepted);
        request.step = if accepted {
            Receiving::Claiming { at: 0, waiting: 0, marks: 0, again: 0 }
        } else {
            Receiving::Replying { ok: forged_reply() }
        };
    }

    pub(super) fn receive(&self, state: &mut State, request: usize, fate: Fate) {
        let events = state.requests[request].events;
        let step = match state.requests[request].step {
            Receiving::Claiming { at, waiting, marks, again } => {
                let Some(event) = next(events, at) else { return };
                let bit = 1 << event;
                let recorded = self.put_claim(state, event, fate);
                let known = matches!(recorded, Recorded::Existing { .. });
                let (mut waiting, mut marks) = (waiting, marks);
                if let Some(mark) = self.enqueues(&recorded) {
                    waiting |= bit;
                    marks |= if mark { bit } else { 0 };
                }
                let again = again | if known { bit } else { 0 };
                match next(events, event + 1) {
                    Some(at) => Receiving::Claiming { at, waiting, marks, again },
                    None if waiting == 0 => Receiving::Replying { ok: reply([]).1 },
                    None => {
                        if self.is(Broken::ReplyBeforeQueue) {
                            state.history.acknowledged |= events;
                        }
                        if self.is(Broken::MarkBeforeAnswer) {
                            (0..8).filter(|event| marks & (1 << event) != 0).for_each(|event| self.mark(state, event));
                        }
                        let at = next(waiting, 0).unwrap_or(0);
                        Receiving::Sending { at, waiting, marks, again, acknowledged: 0 }
                    }
                }
            }
            Receiving::Sending { at, waiting, marks, again, mut acknowledged } => {
                if fate.has_effect() {
                    let message = Message { event: at, receives: 0, again: again & (1 << at) != 0, age: state.age };
                    state.queue.push(message);
                }
                if fate == Fate::Answered || self.is(Broken::LostSendIsSuccess) {
                    acknowledged |= 1 << at;
                }
                match next(waiting, at + 1) {
                    Some(at) => Receiving::Sending { at, waiting, marks, again, acknowledged },
                    None => {
                        if self.is(Broken::PartIsWhole) && acknowledged != 0 {
                            acknowledged = waiting;
                        }
                        let sent = (0..8).filter(|event| waiting & (1 << event) != 0);
                        let (marked, ok) = reply(sent.map(|event| acknowledged & (1 << event) != 0));
                        let marks = marks & acknowledged;
                        match next(marks, 0) {
                            Some(at) if marked => Receiving::Marking { at, marks, durable: ok },
                            Some(_) | None => Receiving::Replying { ok },
                        }
                    }
                }
            }
            Receiving::Marking { at, marks, durable } => {
                self.mark(state, at);
                match next(marks, at + 1) {
                    Some(at) => Receiving::Marking { at, marks, durable },
                    None => Receiving::Replying { ok: durable },
                }
            }
            Receiving::Replying { ok } => {
                if ok {
                    state.history.acknowledged |= events;
                }
                // A refusal of a forged request isn't repeated either.
                if ok || !state.requests[request].authentic { Receiving::Succeeded } else { Receiving::Failed }
            }
            step @ (Receiving::Unsent | Receiving::Succeeded | Receiving::Failed) => step,
        };
        debug_assert!(count(events) > 0);
        state.requests[request].step = step;
    }

    /// `PutItem` with `attribute_not_exists(pk)`.
    fn put_claim(&self, state: &mut State, event: u8, fate: Fate) -> Recorded {
        let claim = &mut state.claims[usize::from(event)];
        let before = *claim;
        if fate.has_effect() && (before.is_none() || self.is(Broken::ClaimWithoutCondition)) {
            *claim = Some(Claim { state: ClaimState::Received, effect: Effect::default(), age: state.age });
        }
        match fate {
            Fate::Answered if self.is(Broken::ClaimWithoutCondition) => Recorded::New,
            Fate::Answered => recorded(before),
            Fate::Lost | Fate::Refused => Recorded::Unknown,
            Fate::Conflict => Recorded::Contended,
        }
    }

    fn enqueues(&self, recorded: &Recorded) -> Option<bool> {
        let state = match recorded {
            Recorded::Existing { state, .. } => Some(*state),
            Recorded::New | Recorded::Contended | Recorded::Unknown => None,
        };
        let is_duplicate = state == Some(ClaimState::Received) && self.is(Broken::ReceivedIsDuplicate)
            || state == Some(ClaimState::Dead) && self.is(Broken::DeadIsDuplicate);
        if is_duplicate { None } else { enqueue(recorded) }
    }

    /// `UpdateItem` with `state = received`.
    fn mark(&self, state: &mut State, event: u8) {
        if let Some(claim) = &mut state.claims[usize::from(event)]
            && (claim.state == ClaimState::Received || self.is(Broken::MarkAnyState))
        {
            claim.state = ClaimState::Enqueued;
        }
    }
}
