//! What goes wrong, and a count of what was asked.

use std::collections::HashMap;
use std::sync::Mutex;

/// A call of one of the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    Record,
    MarkEnqueued,
    NoteBody,
    /// The index of kept events.
    Waiting,
    OutboxMessage,
    Send,
    /// One message of a `Send` that isn't at fault as a whole. Not a call of its own: [`Faults::total`] leaves it out.
    SendEntry,
    Fetch,
    PutSecret,
    Get,
    Load,
    Effect,
    Commit,
    First,
    Rewrite,
    DeadLetter,
    Act,
    Publish,
    SetTimer,
    /// One message of a batch of timers. Not a call of its own: [`Faults::total`] leaves it out.
    SetTimerEntry,
    StoreTimer,
    DueTimers,
    Progress,
    MarkSent,
    MarkSwept,
    Hide,
    PutSend,
    RaiseStatus,
    ReadTenant,
    PutTenant,
    Forward,
    /// A request to a user's server.
    Call,
    /// The queue's; the claims' is a `MarkEnqueued`.
    Probe,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has no effect, and says that it failed.
    Refuse,
    /// It has its effect, and says that it failed: the answer is lost.
    LoseAnswer,
    /// DynamoDB's conflict with a transaction.
    Conflict,
}

/// The faults to come, by call, and how often each call was made.
#[derive(Debug, Default)]
pub struct Faults(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    coming: HashMap<Call, Vec<(Option<Fault>, u32)>>,
    counts: HashMap<Call, u32>,
}

impl Faults {
    /// The next `times` of this call fail.
    pub fn fail(&self, call: Call, fault: Fault, times: u32) {
        self.expect(call, Some(fault), times);
    }

    /// The next `times` of this call succeed, before the faults that are told after this.
    pub fn pass(&self, call: Call, times: u32) {
        self.expect(call, None, times);
    }

    fn expect(&self, call: Call, fault: Option<Fault>, times: u32) {
        if times > 0 {
            self.0.lock().expect("no test panics while it holds this").coming.entry(call).or_default().push((fault, times));
        }
    }

    /// No more faults.
    pub fn clear(&self) {
        self.0.lock().expect("no test panics while it holds this").coming.clear();
    }

    pub fn count(&self, call: Call) -> u32 {
        self.0.lock().expect("no test panics while it holds this").counts.get(&call).copied().unwrap_or(0)
    }

    /// How many calls of any kind.
    pub fn total(&self) -> u32 {
        let state = self.0.lock().expect("no test panics while it holds this");
        let is_call = |call: &Call| !matches!(call, Call::SendEntry | Call::SetTimerEntry);
        state.counts.iter().filter(|(call, _)| is_call(call)).map(|(_, count)| count).sum()
    }

    /// Counts the call, and takes the fault that it meets.
    pub(super) fn meet(&self, call: Call) -> Option<Fault> {
        let mut state = self.0.lock().expect("no test panics while it holds this");
        *state.counts.entry(call).or_default() += 1;
        let coming = state.coming.get_mut(&call)?;
        let (fault, times) = coming.first_mut()?;
        let fault = *fault;
        *times -= 1;
        if *times == 0 {
            coming.remove(0);
        }
        fault
    }
}
