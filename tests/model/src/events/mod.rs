//! From a provider's request to an action in its queue.

mod commit;
pub mod decided;
mod ending;
pub mod properties;
mod receive;
pub mod state;

use self::decided::Kind;
use self::state::{Budget, Doing, EVENTS, FORGED, History, Letter, Message, Partition, Receiving, Request, State, Work};
use crate::broken::Broken;
use stateright::{Model, Property};
use tidings_config::limits::CONFLICT_RETRIES;

/// A configuration: who takes part, and which faults may happen.
#[derive(Clone, Debug)]
pub struct Setup {
    pub name: &'static str,
    pub kinds: [Kind; EVENTS],
    /// The events of each request.
    pub requests: &'static [u8],
    pub forged: bool,
    pub receivers: usize,
    pub processors: usize,
    pub max_receives: u8,
    pub left: Budget,
    /// The clocks' differences that are tried, in hours.
    pub skews: &'static [(i8, i8)],
    /// Whether an erasure may overtake an invocation that began before it.
    pub overtakes: bool,
    /// Whether a provider may send an event again after its claim's lifetime.
    pub late_requests: bool,
}

/// A configuration with all protections, or with all but one.
#[derive(Clone, Debug)]
pub struct Events {
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
    Refused,
    /// A transaction holds the item.
    Conflict,
}

impl Fate {
    fn with(faults: bool) -> &'static [Self] {
        if faults { &[Self::Answered, Self::Lost, Self::Refused] } else { &[Self::Answered] }
    }

    fn all(faults: bool) -> &'static [Self] {
        if faults { &[Self::Answered, Self::Lost, Self::Refused, Self::Conflict] } else { &[Self::Answered, Self::Conflict] }
    }

    fn has_effect(self) -> bool {
        matches!(self, Self::Answered | Self::Lost)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A provider sends a request.
    Ask(usize),
    /// The receiver makes its next call for a request.
    Receive(usize, Fate),
    ReceiverDies(usize),
    /// The reply doesn't reach the provider.
    ReplyIsLost(usize),
    Retry(usize),
    Repeat(usize),
    /// SQS delivers a message; `copy`: and once more.
    Take {
        message: usize,
        copy: bool,
    },
    /// The processor makes its next call for a message.
    Process(usize, Fate),
    ProcessorDies(usize),
    Redrive(usize),
    Drop(usize),
    Erase,
    ChangeRules,
    TimePasses,
    /// TTL deletes a claim.
    Expire(usize),
}

impl Events {
    fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    fn spend(state: &mut State, fate: Fate) {
        match fate {
            Fate::Answered => {}
            Fate::Lost | Fate::Refused => state.left.faults -= 1,
            Fate::Conflict => state.left.conflicts -= 1,
        }
    }

    fn fates_of_work(&self, state: &State, work: &Work) -> &'static [Fate] {
        let faults = state.left.faults > 0;
        match work.step {
            Doing::Idle => &[],
            Doing::Commit { .. } | Doing::Claim { .. } if state.left.conflicts > 0 => Fate::all(faults),
            // A read has no effect: it answers, or doesn't.
            Doing::Begin | Doing::Load { .. } | Doing::Adopt { .. } | Doing::Flush { .. } => {
                if faults {
                    &[Fate::Answered, Fate::Refused]
                } else {
                    &[Fate::Answered]
                }
            }
            Doing::Send { .. }
            | Doing::Commit { .. }
            | Doing::Claim { .. }
            | Doing::Move { .. }
            | Doing::Deliver { .. }
            | Doing::Fail { contended: true, .. }
            | Doing::Bury { .. } => Fate::with(faults),
            // A deletion without an effect leaves the message: it comes again.
            Doing::Delete => {
                if faults {
                    &[Fate::Answered, Fate::Refused]
                } else {
                    &[Fate::Answered]
                }
            }
            Doing::Fail { contended: false, .. }
            | Doing::FactsLate { .. }
            | Doing::SendLate { .. }
            | Doing::MoveDelete { .. } => &[Fate::Answered],
        }
    }

    fn process(&self, state: &mut State, worker: usize, fate: Fate) {
        let mut work = state.workers[worker];
        let next = match work.step {
            Doing::Idle => Doing::Idle,
            Doing::Begin => self.begin(state, work.message, fate),
            Doing::Load { kind, to } => self.load(state, &work, kind, to, fate),
            Doing::Send { kind, view } => self.send_first(state, &work, kind, view, fate),
            Doing::Commit { kind, view } => self.commit(state, &mut work, kind, view, fate),
            Doing::Claim { kind, view } => self.claim(state, &mut work, kind, view, fate),
            Doing::FactsLate { view } => self.facts_late(state, &work, view),
            Doing::Adopt { effect } => self.adopt(state, effect, fate),
            Doing::Move { effect, from, to } => self.move_items(state, &mut work, (effect, from, to), fate),
            Doing::MoveDelete { effect } => {
                state.partitions[usize::from(state::IDENTITY)].entity = None;
                Doing::Flush { effect }
            }
            Doing::Flush { effect } => self.flush(state, effect, fate),
            Doing::Deliver { effect, outbox, sent } => self.deliver(state, &mut work, (effect, outbox, sent), fate),
            Doing::SendLate { outbox } => self.send_late(state, &outbox),
            Doing::Fail { contended, unsent } => self.settle(state, &work, contended, unsent, fate),
            Doing::Bury { unsent } => self.bury(state, &work, unsent, fate),
            Doing::Delete => {
                if fate != Fate::Answered && !self.is(Broken::DeleteBeforeCommit) {
                    self.put_back(state, work.message, true);
                }
                Doing::Idle
            }
        };
        state.workers[worker] = if next == Doing::Idle { idle() } else { Work { step: next, ..work } };
    }

    fn take(&self, state: &mut State, at: usize, copy: bool) {
        let Some(free) = state.workers.iter().position(|work| work.step == Doing::Idle) else { return };
        let mut message = state.queue.remove(at);
        message.receives += 1;
        if copy {
            state.left.copies -= 1;
            // Another server of SQS has counted no receive yet.
            state.queue.push(Message { receives: message.receives - 1, ..message });
        }
        // Conflicts have happened before, so that one more is the last.
        let conflicts = if self.setup.left.conflicts > 0 { u8::try_from(CONFLICT_RETRIES).unwrap_or(u8::MAX) } else { 0 };
        state.workers[free] = Work { message, conflicts, reloads: 0, step: Doing::Begin };
    }

    fn is_overtaken(&self, state: &State) -> bool {
        let begun = |work: &Work| !matches!(work.step, Doing::Idle | Doing::Begin | Doing::Delete);
        state.workers.iter().any(begun)
    }
}

fn idle() -> Work {
    let message = Message { event: 0, receives: 0, again: false, age: 0 };
    Work { message, conflicts: 0, reloads: 0, step: Doing::Idle }
}

impl Model for Events {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let request = |events: u8, authentic| Request { events, authentic, step: Receiving::Unsent };
        let genuine = self.setup.requests.iter().map(|events| request(*events, true));
        let requests: Vec<Request> = genuine.chain(self.setup.forged.then(|| request(1 << FORGED, false))).collect();
        let state = |skew: &(i8, i8)| State {
            requests: requests.clone(),
            claims: [None; EVENTS],
            partitions: [Partition::default(); state::PARTITIONS],
            queue: Vec::new(),
            dead: Vec::new(),
            workers: vec![idle(); self.setup.processors],
            left: self.setup.left,
            age: 0,
            skew: *skew,
            rules_changed: false,
            history: History::default(),
        };
        self.setup.skews.iter().map(|skew| state(skew).sorted()).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let under_way =
            |request: &&Request| !matches!(request.step, Receiving::Unsent | Receiving::Succeeded | Receiving::Failed);
        let receives = state.requests.iter().filter(under_way).count() < self.setup.receivers;
        let in_time = state.age == 0 || self.setup.late_requests;
        for (n, request) in state.requests.iter().enumerate() {
            match request.step {
                Receiving::Unsent if receives && in_time => actions.push(Action::Ask(n)),
                Receiving::Failed if state.left.retries > 0 => actions.push(Action::Retry(n)),
                Receiving::Succeeded if state.left.repeats > 0 && in_time => actions.push(Action::Repeat(n)),
                Receiving::Unsent | Receiving::Failed | Receiving::Succeeded => {}
                Receiving::Claiming { .. }
                | Receiving::Sending { .. }
                | Receiving::Marking { .. }
                | Receiving::Replying { .. } => {
                    actions.extend(self.fates_of_request(state, n).iter().map(|fate| Action::Receive(n, *fate)));
                    if state.left.crashes > 0 {
                        actions.push(Action::ReceiverDies(n));
                    }
                    if state.left.faults > 0 && matches!(request.step, Receiving::Replying { .. }) {
                        actions.push(Action::ReplyIsLost(n));
                    }
                }
            }
        }
        if state.workers.iter().any(|work| work.step == Doing::Idle) {
            for message in 0..state.queue.len() {
                actions.push(Action::Take { message, copy: false });
                if state.left.copies > 0 {
                    actions.push(Action::Take { message, copy: true });
                }
            }
        }
        for (n, work) in state.workers.iter().enumerate() {
            actions.extend(self.fates_of_work(state, work).iter().map(|fate| Action::Process(n, *fate)));
            if state.left.crashes > 0 && work.step != Doing::Idle {
                actions.push(Action::ProcessorDies(n));
            }
        }
        for letter in 0..state.dead.len() {
            actions.extend((state.left.redrives > 0).then_some(Action::Redrive(letter)));
            let event = state.dead[letter].message.event;
            let is_asked = state.requests.iter().filter(under_way).any(|request| request.events & (1 << event) != 0);
            actions.extend((state.left.drops > 0 && !is_asked).then_some(Action::Drop(letter)));
        }
        if state.left.erasures > 0 && (self.setup.overtakes || !self.is_overtaken(state)) {
            actions.push(Action::Erase);
        }
        if state.left.rule_changes > 0 {
            actions.push(Action::ChangeRules);
        }
        // No invocation lasts that long.
        let all_idle = state.workers.iter().all(|work| work.step == Doing::Idle) && !state.requests.iter().any(|r| under_way(&r));
        if state.left.months > 0 && all_idle {
            actions.push(Action::TimePasses);
        }
        let lifetime_is_over = |claim: &state::Claim| state.age == 2 && claim.age == 0;
        let expired = (0..EVENTS).filter(|n| state.claims[*n].as_ref().is_some_and(lifetime_is_over));
        actions.extend(expired.map(Action::Expire));
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Ask(n) => self.arrive(&mut state, n),
            Action::Receive(n, fate) => {
                Self::spend(&mut state, fate);
                self.receive(&mut state, n, fate);
            }
            Action::ReceiverDies(n) => {
                state.left.crashes -= 1;
                state.requests[n].step = Receiving::Failed;
            }
            Action::ReplyIsLost(n) => {
                state.left.faults -= 1;
                self.receive(&mut state, n, Fate::Answered);
                state.requests[n].step = Receiving::Failed;
            }
            Action::Retry(n) => {
                state.left.retries -= 1;
                state.requests[n].step = Receiving::Unsent;
            }
            Action::Repeat(n) => {
                state.left.repeats -= 1;
                state.requests[n].step = Receiving::Unsent;
            }
            Action::Take { message, copy } => self.take(&mut state, message, copy),
            Action::Process(n, fate) => {
                Self::spend(&mut state, fate);
                self.process(&mut state, n, fate);
            }
            Action::ProcessorDies(n) => {
                state.left.crashes -= 1;
                let message = state.workers[n].message;
                if !self.is(Broken::DeleteBeforeCommit) {
                    self.put_back(&mut state, message, true);
                }
                state.workers[n] = idle();
            }
            Action::Redrive(n) => {
                state.left.redrives -= 1;
                let Letter { message, .. } = state.dead.remove(n);
                state.queue.push(Message { receives: 0, ..message });
            }
            Action::Drop(n) => {
                state.left.drops -= 1;
                let event = state.dead.remove(n).message.event;
                state.history.dropped |= 1 << event;
                if !state.holds(event) {
                    state.history.acknowledged &= !(1 << event);
                }
            }
            Action::Erase => {
                state.left.erasures -= 1;
                self.erase(&mut state);
            }
            Action::ChangeRules => {
                state.left.rule_changes -= 1;
                state.rules_changed = true;
            }
            Action::TimePasses => {
                state.left.months -= 1;
                state.age += 1;
            }
            Action::Expire(event) => state.claims[event] = None,
        }
        Some(state.sorted())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
