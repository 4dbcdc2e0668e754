//! From the actions queue to people: senders, their records, a FIFO queue, and a provider.

pub mod properties;
mod say;
pub mod state;

use self::state::{ACTIONS, Doing, Letter, Send, State, Work};
use crate::broken::Broken;
use sender::decide::Begin;
use stateright::{Model, Property};
use std::time::Duration;
use tidings_config::limits::{MAX_SEND_WAIT, SENDING_LEASE};
use tidings_config::time::Timestamp;

/// How long a provider with keys remembers one.
pub const REMEMBERED: Duration = Duration::from_secs(12 * 3_600);

/// The time that has passed, by [`State::time`]: nothing, a lease, a key's time, the longest wait.
pub const TIMES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(SENDING_LEASE.as_secs() + 1),
    Duration::from_secs(REMEMBERED.as_secs() + 3_600),
    Duration::from_secs(MAX_SEND_WAIT.as_secs() + 3_600),
];

pub(crate) fn at(time: u8) -> Timestamp {
    Timestamp::from_unix_ms(1_795_000_000_000).plus(TIMES[usize::from(time)])
}

/// A configuration.
#[derive(Clone, Debug)]
pub struct Setup {
    pub name: &'static str,
    /// Whether the provider takes idempotency keys.
    pub keys: bool,
    pub senders: usize,
    pub left: Budget,
}

/// What faults and operators may still do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    pub crashes: u8,
    /// Writes of a record, or to the dead-letter queue, without an answer.
    pub faults: u8,
    /// Requests that aren't simply sent.
    pub failures: u8,
    /// Receives whose visibility timeout ends while their sender works.
    pub timeouts: u8,
    pub redrives: u8,
    pub times: u8,
}

/// A configuration with all protections, or with all but one.
#[derive(Clone, Debug)]
pub struct Sends {
    pub setup: Setup,
    pub broken: Option<Broken>,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    Answered,
    /// It has its effect, and no answer.
    Lost,
    /// It has no effect, and no answer.
    NoAnswer,
    /// The provider asks to send it later. Only of requests.
    Later,
    /// The provider refuses it. Only of requests.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The queue delivers what is visible of the conversation.
    Take,
    /// A sender makes its next call.
    Step(usize, Fate),
    SenderDies(usize),
    /// The queue delivers the messages of a sender that works to others as well.
    TimesOut(usize),
    Redrive(usize),
    TimePasses,
}

impl Sends {
    fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    /// How long the sender believes that the provider remembers a key.
    fn remembered(&self) -> Option<Duration> {
        if self.is(Broken::RepeatUncertain) || self.is(Broken::RepeatAfterForgotten) {
            return Some(Duration::from_secs(1_000_000));
        }
        self.setup.keys.then_some(REMEMBERED)
    }

    fn fates(state: &State, work: &Work) -> &'static [Fate] {
        match work.step {
            Doing::Idle => &[],
            Doing::Request { .. } if state.left.failures > 0 => {
                &[Fate::Answered, Fate::Lost, Fate::NoAnswer, Fate::Later, Fate::Refused]
            }
            Doing::Request { .. } | Doing::Delete => &[Fate::Answered],
            Doing::Begin { .. } | Doing::Record { .. } | Doing::RecordSent { .. } | Doing::Bury { .. } | Doing::List { .. } => {
                if state.left.faults > 0 {
                    &[Fate::Answered, Fate::Lost, Fate::NoAnswer]
                } else {
                    &[Fate::Answered]
                }
            }
        }
    }

    fn give_back(state: &mut State, work: &Work) {
        if !work.is_late {
            state.queued |= work.batch;
            state.taken &= !work.batch;
        }
    }

    /// The next message of the batch.
    fn first(&self, state: &State, work: &Work) -> Work {
        if work.batch == 0 {
            return Work::default();
        }
        let begin = Begin::first(at(state.time)).into();
        let step = if self.is(Broken::RequestBeforeRecord) {
            Doing::Request { begin, version: 0 }
        } else {
            Doing::Begin { begin, seen: None }
        };
        Work { step, ..*work }
    }
}

impl Model for Sends {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            queued: (1 << ACTIONS) - 1,
            taken: 0,
            records: [None; ACTIONS],
            dead: [None; ACTIONS],
            redriven: [0; ACTIONS],
            said: [0; ACTIONS],
            keys: [None; ACTIONS],
            may_repeat: [0; ACTIONS],
            newest: 0,
            disordered: false,
            workers: vec![Work::default(); self.setup.senders],
            time: 0,
            left: self.setup.left,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // A FIFO queue delivers nothing of a group while a part of it is under way.
        if state.queued != 0 && state.taken == 0 && state.workers.iter().any(|work| work.step == Doing::Idle) {
            actions.push(Action::Take);
        }
        for (n, work) in state.workers.iter().enumerate().filter(|(_, work)| work.step != Doing::Idle) {
            actions.extend(Self::fates(state, work).iter().map(|fate| Action::Step(n, *fate)));
            actions.extend((state.left.crashes > 0).then_some(Action::SenderDies(n)));
            actions.extend((state.left.timeouts > 0 && !work.is_late).then_some(Action::TimesOut(n)));
        }
        let letters = (0..ACTIONS).filter(|n| state.left.redrives > 0 && state.dead[*n].is_some());
        actions.extend(letters.map(Action::Redrive));
        // A function ends before a lease does.
        let all_idle = state.workers.iter().all(|work| work.step == Doing::Idle);
        actions.extend((state.left.times > 0 && all_idle).then_some(Action::TimePasses));
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Take => {
                let free = state.workers.iter().position(|work| work.step == Doing::Idle)?;
                (state.taken, state.queued) = (state.queued, 0);
                let work = Work { batch: state.taken, ..Work::default() };
                state.workers[free] = self.first(&state, &work);
            }
            Action::Step(n, fate) => {
                let work = state.workers[n];
                let is_request = matches!(work.step, Doing::Request { .. });
                match fate {
                    Fate::Answered => {}
                    Fate::Lost | Fate::NoAnswer if !is_request => state.left.faults -= 1,
                    Fate::Lost | Fate::NoAnswer | Fate::Later | Fate::Refused => state.left.failures -= 1,
                }
                state.workers[n] = self.step(&mut state, work, fate);
            }
            Action::SenderDies(n) => {
                state.left.crashes -= 1;
                let work = state.workers[n];
                Self::give_back(&mut state, &work);
                state.workers[n] = Work::default();
            }
            Action::TimesOut(n) => {
                state.left.timeouts -= 1;
                let work = state.workers[n];
                Self::give_back(&mut state, &work);
                state.workers[n].is_late = true;
            }
            Action::Redrive(n) => {
                state.left.redrives -= 1;
                let Letter { dead } = state.dead[n].take()?;
                state.redriven[n] = dead;
                state.queued |= 1 << n;
                // Whoever redrives what may have been sent accepts that it is sent twice.
                if state.records[n].is_some_and(|record: Send| record.is_uncertain()) {
                    state.may_repeat[n] += 1;
                }
            }
            Action::TimePasses => {
                state.left.times -= 1;
                state.time += 1;
            }
        }
        state.workers.sort_unstable();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
