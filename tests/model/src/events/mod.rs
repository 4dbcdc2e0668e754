//! Deliveries → receivers → queue → processors → context and actions.

mod processor;
mod properties;
mod receiver;

pub use properties::expected;

use crate::broken::Broken;
use processor::{Held, Processor};
use receiver::Receiver;
use stateright::{Model, Property};
use tidings_core::claim::ClaimState;

/// An event, by its place in the configuration.
pub type Event = usize;

/// The most events of a configuration.
pub const EVENTS: usize = 2;

/// What an event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No rule matches.
    Nothing,
    /// It sets facts, which can be merged again without a change.
    Facts,
    /// It counts.
    Counts,
    /// It sends an action.
    Acts,
}

/// What can happen, and how often.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub name: &'static str,
    /// One for each event: what its rules do, and what they do after they are changed.
    pub kinds: Vec<(Kind, Kind)>,
    /// The events of each delivery.
    pub deliveries: Vec<Vec<Event>>,
    /// How often the provider sends each delivery at most.
    pub sends: u8,
    /// Whether the provider sends a delivery again although it was acknowledged.
    pub repeats: bool,
    pub receivers: usize,
    pub processors: usize,
    /// Invocations that die, at any point.
    pub crashes: u8,
    /// Calls without an answer, with or without their effect, and transactions that conflict in every try.
    pub faults: u8,
    /// Messages that SQS delivers twice, or again while they are processed.
    pub copies: u8,
    /// Dead-lettered messages that an operator sends again.
    pub redrives: u8,
    /// Whether the rules change at some time.
    pub rules_change: bool,
    /// Whether weeks may pass: messages become too old, then claims are deleted.
    pub weeks: bool,
    pub max_receives: u8,
}

/// The protocol in a configuration.
#[derive(Clone, Debug)]
pub struct Protocol {
    pub configuration: Configuration,
    pub broken: Option<Broken>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// How often each delivery can still be sent.
    sends: Vec<u8>,
    /// Each event that was in a delivery with a 2xx.
    acknowledged: [bool; EVENTS],
    claims: [Option<ClaimState>; EVENTS],
    context: Context,
    /// Actions that the actions queue has.
    acted: [bool; EVENTS],
    queue: Vec<Message>,
    dead: Vec<Message>,
    receivers: Vec<Receiver>,
    processors: Vec<Processor>,
    crashes: u8,
    faults: u8,
    copies: u8,
    redrives: u8,
    /// Calls without an answer so far.
    failures: u8,
    rules_changed: bool,
    weeks: Weeks,
}

/// One conversation's items. They are read and written together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Context {
    version: u8,
    /// How often each event had its effect.
    effects: [u8; EVENTS],
    /// Actions that are promised and not sent.
    outbox: [bool; EVENTS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Message {
    event: Event,
    receives: u8,
}

/// How long ago the events were received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Weeks {
    Now,
    /// They are too old to be applied.
    PastHorizon,
    /// Their claims may be deleted.
    ClaimsExpire,
}

/// How a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    Answered,
    /// No answer, and no effect.
    Lost,
    /// The effect, and no answer.
    Unanswered,
    /// Of a batch, only the first entry is taken. Of a transaction: another one held its items in every try.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Send(usize),
    Receiver(usize, Call),
    CrashReceiver(usize),
    Receive(usize),
    Processor(usize, Call),
    CrashProcessor(usize),
    /// SQS delivers a waiting message twice.
    Copy(usize),
    /// The visibility timeout ends while the processor has the message.
    Visible(usize),
    Redrive(usize),
    ChangeRules,
    Weeks,
    Expire(Event),
}

impl State {
    /// Receivers and processors have no names: their order doesn't matter.
    fn sorted(mut self) -> Self {
        self.queue.sort_unstable();
        self.dead.sort_unstable();
        self.receivers.sort_unstable();
        self.processors.sort_unstable();
        self
    }

    fn fault(&mut self, call: Call) {
        self.faults -= u8::from(call != Call::Answered);
        self.failures += u8::from(matches!(call, Call::Lost | Call::Unanswered));
    }

    fn is_anywhere(&self, event: Event) -> bool {
        let held = |processor: &Processor| processor.held == Held::Ours && processor.message.event == event;
        self.queue.iter().chain(&self.dead).any(|message| message.event == event) || self.processors.iter().any(held)
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let configuration = &self.configuration;
        vec![State {
            sends: vec![configuration.sends; configuration.deliveries.len()],
            acknowledged: [false; EVENTS],
            claims: [None; EVENTS],
            context: Context::default(),
            acted: [false; EVENTS],
            queue: Vec::new(),
            dead: Vec::new(),
            receivers: Vec::new(),
            processors: Vec::new(),
            crashes: configuration.crashes,
            faults: configuration.faults,
            copies: configuration.copies,
            redrives: configuration.redrives,
            failures: 0,
            rules_changed: false,
            weeks: Weeks::Now,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let configuration = &self.configuration;
        if state.receivers.len() < configuration.receivers && state.weeks == Weeks::Now {
            let deliveries = configuration.deliveries.iter().enumerate();
            let wanted = deliveries.filter(|(number, events)| {
                let is_known = events.iter().all(|event| state.acknowledged[*event]);
                state.sends[*number] > 0 && (configuration.repeats || !is_known)
            });
            actions.extend(wanted.map(|(number, _)| Action::Send(number)));
        }
        for (number, receiver) in state.receivers.iter().enumerate() {
            actions.extend(receiver.calls(state.faults > 0).map(|call| Action::Receiver(number, call)));
            if state.crashes > 0 {
                actions.push(Action::CrashReceiver(number));
            }
        }
        for (number, processor) in state.processors.iter().enumerate() {
            actions.extend(processor.calls(state.faults > 0).map(|call| Action::Processor(number, call)));
            if state.crashes > 0 {
                actions.push(Action::CrashProcessor(number));
            }
            if state.copies > 0 && processor.held == Held::Ours {
                actions.push(Action::Visible(number));
            }
        }
        for number in 0..state.queue.len() {
            if state.processors.len() < configuration.processors {
                actions.push(Action::Receive(number));
            }
            if state.copies > 0 {
                actions.push(Action::Copy(number));
            }
        }
        if state.redrives > 0 {
            actions.extend((0..state.dead.len()).map(Action::Redrive));
        }
        if configuration.rules_change && !state.rules_changed {
            actions.push(Action::ChangeRules);
        }
        // An invocation ends within minutes.
        if configuration.weeks && state.receivers.is_empty() && state.processors.is_empty() {
            if state.weeks != Weeks::ClaimsExpire {
                actions.push(Action::Weeks);
            }
            if state.weeks == Weeks::ClaimsExpire || self.broken == Some(Broken::ShortLivedClaims) {
                actions.extend((0..EVENTS).filter(|event| state.claims[*event].is_some()).map(Action::Expire));
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Send(delivery) => {
                next.sends[delivery] -= 1;
                next.receivers.push(Receiver::of(delivery));
            }
            Action::Receiver(number, call) => {
                let receiver = next.receivers.swap_remove(number);
                next.fault(call);
                receiver.step(self, &mut next, call);
            }
            Action::CrashReceiver(number) => {
                next.crashes -= 1;
                next.receivers.swap_remove(number);
            }
            Action::Receive(number) => {
                let mut message = next.queue.swap_remove(number);
                if message.receives >= self.configuration.max_receives {
                    next.dead.push(message);
                } else {
                    message.receives += 1;
                    next.processors.push(Processor::of(message, self.broken));
                }
            }
            Action::Processor(number, call) => {
                let processor = next.processors.swap_remove(number);
                next.fault(call);
                processor.step(self, &mut next, call);
            }
            Action::CrashProcessor(number) => {
                next.crashes -= 1;
                let processor = next.processors.swap_remove(number);
                processor.release(&mut next);
            }
            Action::Copy(number) => {
                next.copies -= 1;
                next.queue.push(next.queue[number]);
            }
            Action::Visible(number) => {
                next.copies -= 1;
                let message = next.processors[number].message;
                next.processors[number].held = Held::VisibleAgain;
                next.queue.push(message);
            }
            Action::Redrive(number) => {
                next.redrives -= 1;
                let message = next.dead.swap_remove(number);
                next.queue.push(Message { receives: 0, ..message });
            }
            Action::ChangeRules => next.rules_changed = true,
            Action::Weeks => {
                next.weeks = if next.weeks == Weeks::Now { Weeks::PastHorizon } else { Weeks::ClaimsExpire };
            }
            Action::Expire(event) => next.claims[event] = None,
        }
        Some(next.sorted())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
