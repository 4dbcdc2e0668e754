//! One message in an invocation of the processor, call by call.

use super::{Call, Context, EVENTS, Kind, Message, Protocol, State, Weeks};
use crate::broken::Broken;
use crate::plans::plan_of;
use std::time::Duration;
use tidings_config::limits::{CLAIM_LIFETIME, CONFLICT_RETRIES, MAX_EVENT_AGE};
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimState;
use tidings_core::claim::decide::{
    AfterCommit, AfterDeadLetter, AfterFailure, Committed, RecordedEffect, after_commit, after_dead_letter, after_failure,
    past_horizon, reads_claim_first,
};
use tidings_core::commit_plan::CommitPlan;
use tidings_core::ports::DeadLettered;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Processor {
    pub(super) message: Message,
    pub(super) held: Held,
    step: Step,
    reloads: u32,
}

/// Whether the message is invisible to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Held {
    Ours,
    /// The visibility timeout is over: a copy of it is in the queue.
    VisibleAgain,
    /// It is deleted already.
    Deleted,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Step {
    Read,
    /// With what was read.
    Commit(Context),
    /// The claim, after the facts.
    Claim,
    Send,
    Empty,
    Delete,
    Requeue,
    DeadLetter {
        is_unsent: bool,
    },
}

/// Why it failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    Unavailable,
    Contended,
    /// After the effect was written.
    Unsent,
    TooOld,
}

impl Processor {
    pub(super) fn of(message: Message, broken: Option<Broken>) -> Self {
        let held = if broken == Some(Broken::DeleteBeforeCommit) { Held::Deleted } else { Held::Ours };
        Self { message, held, step: Step::Read, reloads: 0 }
    }

    /// How its next call can go.
    pub(super) fn calls(&self, faults: bool) -> impl Iterator<Item = Call> + use<> {
        let with_faults: &[Call] = match self.step {
            Step::Read | Step::Delete => &[Call::Lost],
            Step::Commit(_) => &[Call::Lost, Call::Unanswered, Call::Refused],
            Step::Claim | Step::Send | Step::Empty | Step::Requeue | Step::DeadLetter { .. } => &[Call::Lost, Call::Unanswered],
        };
        std::iter::once(Call::Answered).chain(with_faults.iter().copied().filter(move |_| faults))
    }

    /// The message becomes visible again.
    pub(super) fn release(self, state: &mut State) {
        if self.held == Held::Ours {
            state.queue.push(self.message);
        }
    }

    pub(super) fn step(self, protocol: &Protocol, state: &mut State, call: Call) {
        match self.step.clone() {
            Step::Read => self.read(protocol, state, call),
            Step::Commit(read) => self.commit(protocol, state, call, read),
            Step::Claim => self.claim(protocol, state, call),
            Step::Send => self.send(protocol, state, call),
            Step::Empty => self.empty(protocol, state, call),
            // SQS deletes what isn't in the list of failed ones. If the answer is lost, it delivers it again.
            Step::Delete if call == Call::Answered => {}
            Step::Delete => self.release(state),
            Step::Requeue => self.requeue(protocol, state, call),
            Step::DeadLetter { is_unsent } => self.dead_letter(protocol, state, call, is_unsent),
        }
    }

    fn to(self, step: Step, state: &mut State) {
        state.processors.push(Self { step, ..self });
    }

    fn read(self, protocol: &Protocol, state: &mut State, call: Call) {
        let event = self.message.event;
        if past_horizon(Timestamp::from_unix_ms(0), now(state.weeks)) && protocol.broken != Some(Broken::NoHorizon) {
            return self.fail(protocol, state, Failure::TooOld);
        }
        if call != Call::Answered {
            return self.fail(protocol, state, Failure::Unavailable);
        }
        if reads_claim_first(u32::from(self.message.receives), false) && state.claims[event] == Some(ClaimState::Processed) {
            return self.finish(protocol, state);
        }
        if kind(protocol, state, event) == Kind::Acts && protocol.broken == Some(Broken::SendBeforeCommit) {
            state.acted[event] = true;
        }
        let read = state.context.clone();
        self.to(Step::Commit(read), state);
    }

    fn commit(self, protocol: &Protocol, state: &mut State, call: Call, read: Context) {
        let event = self.message.event;
        let plan = match (protocol.broken, kind(protocol, state, event)) {
            (Some(Broken::CounterBeforeClaim), Kind::Counts) => CommitPlan::FactsThenClaim,
            (_, kind) => plan_of(kind),
        };
        let is_known = plan != CommitPlan::FactsThenClaim
            && state.claims[event] == Some(ClaimState::Processed)
            && protocol.broken != Some(Broken::CommitWithoutMarker);
        let is_moved = plan != CommitPlan::ClaimOnly
            && read.version != state.context.version
            && protocol.broken != Some(Broken::CommitWithoutVersion);
        if call != Call::Lost && call != Call::Refused && !is_known && !is_moved {
            match plan {
                CommitPlan::ClaimOnly => state.claims[event] = Some(ClaimState::Processed),
                CommitPlan::FactsThenClaim => state.context = changed(protocol, state, &read, event),
                CommitPlan::Transaction => {
                    state.context = changed(protocol, state, &read, event);
                    state.claims[event] = Some(ClaimState::Processed);
                }
            }
        }
        let committed = match call {
            Call::Lost | Call::Unanswered => Committed::Unknown(String::new()),
            Call::Refused => Committed::Contended,
            Call::Answered if is_known => Committed::Before(effect()),
            Call::Answered if is_moved => Committed::ContextMoved,
            Call::Answered => Committed::Yes,
        };
        // A conflict in every try.
        match after_commit(committed, self.reloads, CONFLICT_RETRIES) {
            AfterCommit::Done if plan == CommitPlan::FactsThenClaim => self.to(Step::Claim, state),
            AfterCommit::Done => self.to(Step::Send, state),
            AfterCommit::Finish(_) => self.finish(protocol, state),
            AfterCommit::Retry { .. } => {
                let reloads = self.reloads + 1;
                Self { reloads, ..self }.to(Step::Read, state);
            }
            AfterCommit::Contended => self.fail(protocol, state, Failure::Contended),
            AfterCommit::Unknown(_) if protocol.broken == Some(Broken::UnknownCommitIsDone) => self.to(Step::Send, state),
            AfterCommit::Unknown(_) => self.fail(protocol, state, Failure::Unavailable),
        }
    }

    /// The claim's own write, guarded by its state.
    fn claim(self, protocol: &Protocol, state: &mut State, call: Call) {
        if call != Call::Lost {
            state.claims[self.message.event] = Some(ClaimState::Processed);
        }
        match call {
            Call::Answered => self.to(Step::Send, state),
            Call::Lost | Call::Unanswered | Call::Refused => self.fail(protocol, state, Failure::Unavailable),
        }
    }

    /// What the record says is left.
    fn finish(self, protocol: &Protocol, state: &mut State) {
        let is_forgotten = match protocol.broken {
            Some(Broken::RecoveryForgets) => true,
            Some(Broken::RecoveryPlansAgain) => kind(protocol, state, self.message.event) != Kind::Acts,
            _ => false,
        };
        self.to(if is_forgotten { Step::Delete } else { Step::Send }, state);
    }

    /// Sends what the conversation's outbox holds.
    fn send(self, protocol: &Protocol, state: &mut State, call: Call) {
        if state.context.outbox == [false; EVENTS] {
            return self.to(Step::Delete, state);
        }
        if protocol.broken == Some(Broken::EmptyBeforeSend) {
            state.context.outbox = [false; EVENTS];
        } else if call != Call::Lost {
            (0..EVENTS).filter(|event| state.context.outbox[*event]).for_each(|event| state.acted[event] = true);
        }
        match call {
            Call::Answered => self.to(Step::Empty, state),
            Call::Lost | Call::Unanswered | Call::Refused => self.fail(protocol, state, Failure::Unsent),
        }
    }

    /// Empties the outbox of what is sent. If that fails, it is sent again with the same ids.
    fn empty(self, _protocol: &Protocol, state: &mut State, call: Call) {
        if call != Call::Lost && state.context.outbox != [false; EVENTS] {
            let acted = state.acted;
            (0..EVENTS).filter(|event| acted[*event]).for_each(|event| state.context.outbox[event] = false);
            state.context.version += 1;
        }
        self.to(Step::Delete, state);
    }

    fn fail(self, protocol: &Protocol, state: &mut State, failure: Failure) {
        if protocol.broken == Some(Broken::FailureNotReported) {
            return;
        }
        let contended = failure == Failure::Contended && protocol.broken != Some(Broken::ContentionIsDead);
        let max_receives = u32::from(protocol.configuration.max_receives);
        match after_failure(u32::from(self.message.receives), max_receives, contended) {
            AfterFailure::Retry => self.release(state),
            AfterFailure::Requeue => {
                let mut this = self;
                if protocol.broken == Some(Broken::RequeueDeletesFirst) {
                    this.held = Held::Deleted;
                }
                this.to(Step::Requeue, state);
            }
            AfterFailure::DeadLetter => self.to(Step::DeadLetter { is_unsent: failure == Failure::Unsent }, state),
        }
    }

    /// A copy with a new receive count, then the message is deleted.
    fn requeue(self, _protocol: &Protocol, state: &mut State, call: Call) {
        if call != Call::Lost {
            state.queue.push(Message { receives: 0, ..self.message });
        }
        match call {
            Call::Answered => self.to(Step::Delete, state),
            Call::Lost | Call::Unanswered | Call::Refused => self.to(Step::DeadLetter { is_unsent: false }, state),
        }
    }

    fn dead_letter(self, protocol: &Protocol, state: &mut State, call: Call, is_unsent: bool) {
        let event = self.message.event;
        let is_processed = state.claims[event] == Some(ClaimState::Processed);
        if call != Call::Lost && (!is_processed || protocol.broken == Some(Broken::DeadWithoutCondition)) {
            state.claims[event] = Some(ClaimState::Dead);
        }
        let recorded = match call {
            Call::Answered if is_processed => Some(DeadLettered::Processed(effect())),
            Call::Answered => Some(DeadLettered::Yes),
            Call::Lost | Call::Unanswered | Call::Refused => None,
        };
        match after_dead_letter(recorded, is_unsent) {
            AfterDeadLetter::Dead if protocol.broken == Some(Broken::DeadIsDeleted) => {}
            // The redrive policy moves it when it would be received again.
            AfterDeadLetter::Dead | AfterDeadLetter::Undelivered => self.release(state),
            AfterDeadLetter::Finish(_) => self.finish(protocol, state),
        }
    }
}

/// What the event's rules do now.
fn kind(protocol: &Protocol, state: &State, event: usize) -> Kind {
    let (before, after) = protocol.configuration.kinds[event];
    if state.rules_changed { after } else { before }
}

/// The items as they were read, with the event's effect.
fn changed(protocol: &Protocol, state: &State, read: &Context, event: usize) -> Context {
    let kind = kind(protocol, state, event);
    let mut context = read.clone();
    context.version = state.context.version + 1;
    context.effects[event] = match plan_of(kind) {
        // Merged again, facts are the same.
        CommitPlan::FactsThenClaim => 1,
        CommitPlan::ClaimOnly | CommitPlan::Transaction => context.effects[event] + 1,
    };
    context.outbox[event] |= kind == Kind::Acts;
    context
}

fn effect() -> RecordedEffect {
    RecordedEffect { conversation: Some("conversation".to_owned()), links: Some(Vec::new()) }
}

/// The processor's clock. The events were received at 0.
fn now(weeks: Weeks) -> Timestamp {
    let age = match weeks {
        Weeks::Now => Duration::ZERO,
        Weeks::PastHorizon => MAX_EVENT_AGE + Duration::from_secs(1),
        Weeks::ClaimsExpire => CLAIM_LIFETIME + Duration::from_secs(1),
    };
    Timestamp::from_unix_ms(0).plus(age)
}
