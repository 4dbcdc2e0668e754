//! One invocation of the receiver, call by call.

use super::{Call, EVENTS, Event, Message, Protocol, State};
use crate::broken::Broken;
use tidings_core::claim::ClaimState;
use tidings_core::claim::decide::{AfterRecord, Body, Durability, Recorded, after_record};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Receiver {
    delivery: usize,
    step: Step,
    /// What is sent, and whether its claim may be marked.
    waiting: [Option<bool>; EVENTS],
    acknowledged: [bool; EVENTS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Step {
    /// The place of the event in the delivery.
    Claim(usize),
    Send,
    Mark(usize),
}

impl Receiver {
    pub(super) fn of(delivery: usize) -> Self {
        Self { delivery, step: Step::Claim(0), waiting: [None; EVENTS], acknowledged: [false; EVENTS] }
    }

    /// How its next call can go.
    pub(super) fn calls(&self, faults: bool) -> impl Iterator<Item = Call> + use<> {
        let is_batch = self.step == Step::Send && self.waiting.iter().flatten().count() > 1;
        let with_faults = [Some(Call::Lost), Some(Call::Unanswered), is_batch.then_some(Call::Refused)];
        std::iter::once(Call::Answered).chain(with_faults.into_iter().flatten().filter(move |_| faults))
    }

    pub(super) fn step(mut self, protocol: &Protocol, state: &mut State, call: Call) {
        let events = &protocol.configuration.deliveries[self.delivery];
        match self.step {
            Step::Claim(place) => {
                let event = events[place];
                let recorded = claim(protocol, state, event, call);
                let decided = match (protocol.broken, &recorded) {
                    (Some(Broken::UnknownClaimIsDuplicate), Recorded::Unknown)
                    | (Some(Broken::ReceivedIsDuplicate), Recorded::Existing { state: ClaimState::Received, .. }) => {
                        AfterRecord::Duplicate
                    }
                    _ => after_record(&recorded),
                };
                if let AfterRecord::Enqueue { mark } = decided {
                    self.waiting[event] = Some(mark);
                    if mark && protocol.broken == Some(Broken::MarkBeforeSend) {
                        mark_enqueued(protocol, state, event);
                    }
                }
                self.step = if place + 1 < events.len() { Step::Claim(place + 1) } else { Step::Send };
                if self.step == Step::Send && self.waiting == [None; EVENTS] {
                    return self.reply(protocol, state);
                }
                state.receivers.push(self);
            }
            Step::Send => self.send(protocol, state, call),
            Step::Mark(place) => {
                let event = events[place];
                let is_taken = self.acknowledged[event] || protocol.broken == Some(Broken::MarkUnsent);
                if self.waiting[event] == Some(true) && is_taken && call != Call::Lost {
                    mark_enqueued(protocol, state, event);
                }
                if place + 1 < events.len() {
                    self.step = Step::Mark(place + 1);
                    state.receivers.push(self);
                } else {
                    self.reply(protocol, state);
                }
            }
        }
    }

    fn send(mut self, protocol: &Protocol, state: &mut State, call: Call) {
        let waiting: Vec<Event> = (0..EVENTS).filter(|event| self.waiting[*event].is_some()).collect();
        let taken = match call {
            Call::Answered | Call::Unanswered => waiting.len(),
            Call::Refused => 1,
            Call::Lost => 0,
        };
        state.queue.extend(waiting[..taken].iter().map(|event| Message { event: *event, receives: 0 }));
        let is_known = matches!(call, Call::Answered | Call::Refused) || protocol.broken == Some(Broken::UnknownSendIsSent);
        let known = match call {
            _ if !is_known => 0,
            Call::Lost | Call::Unanswered => waiting.len(),
            Call::Answered | Call::Refused => taken,
        };
        waiting[..known].iter().for_each(|event| self.acknowledged[*event] = true);
        if self.durability().marks(false) {
            self.step = Step::Mark(0);
            state.receivers.push(self);
        } else {
            self.reply(protocol, state);
        }
    }

    fn durability(&self) -> Durability {
        let sent = (0..EVENTS).filter(|event| self.waiting[*event].is_some());
        Durability::of(sent.map(|event| self.acknowledged[event]))
    }

    fn reply(self, protocol: &Protocol, state: &mut State) {
        let is_durable = match self.durability() {
            Durability::Duplicate | Durability::Queued => true,
            Durability::NotDurable => protocol.broken == Some(Broken::OneQueuedIsEnough) && self.acknowledged.contains(&true),
        };
        if is_durable {
            protocol.configuration.deliveries[self.delivery].iter().for_each(|event| state.acknowledged[*event] = true);
        }
    }
}

/// The put of a claim unless there is one.
fn claim(protocol: &Protocol, state: &mut State, event: Event, call: Call) -> Recorded {
    let existing = state.claims[event].filter(|_| protocol.broken != Some(Broken::ClaimWithoutCondition));
    if existing.is_none() && call != Call::Lost {
        state.claims[event] = Some(ClaimState::Received);
    }
    match (call, existing) {
        (Call::Answered, Some(state)) => Recorded::Existing { state, received: None, body: Body::Same },
        (Call::Answered, None) => Recorded::New,
        (Call::Lost | Call::Unanswered | Call::Refused, _) => Recorded::Unknown,
    }
}

/// The mark, only from `received`.
fn mark_enqueued(protocol: &Protocol, state: &mut State, event: Event) {
    if state.claims[event] == Some(ClaimState::Received) || protocol.broken == Some(Broken::MarkWithoutCondition) {
        state.claims[event] = Some(ClaimState::Enqueued);
    }
}
