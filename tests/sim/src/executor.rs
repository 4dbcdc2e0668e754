//! Invocations as futures that the scheduler polls one at a time, and the gates at which they wait.
//!
//! A port call has two gates: before its effect, and after it. An invocation goes on only when the scheduler opens one
//! of its gates, or when time moves. So every interleaving of calls can happen, and the scheduler's choices are the only
//! ones.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use tidings_core::memory::{Call, Fault, Side};

/// An invocation.
pub(crate) type TaskId = u32;

/// A call of a port, before or after its effect.
pub(crate) type GateId = u64;

/// The scheduler's decision about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Fail(Fault),
    /// Only the first message of a batch fails.
    FailInPart(Fault),
}

/// An invocation that waits at a call.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) task: TaskId,
    pub(crate) call: Call,
    pub(crate) side: Side,
    /// The event, the conversation or the number of messages, for the trace.
    pub(crate) about: String,
    /// Slow: it isn't opened before this time, in milliseconds.
    pub(crate) stalled_until_ms: i64,
    verdict: Option<Verdict>,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
struct State {
    current: TaskId,
    next: GateId,
    gates: BTreeMap<GateId, Gate>,
}

/// All gates of a simulation.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    state: Mutex<State>,
    is_traced: bool,
}

impl Gates {
    pub(crate) fn new(is_traced: bool) -> Self {
        Self { state: Mutex::default(), is_traced }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this")
    }

    /// The invocation that is polled.
    pub(crate) fn current(&self) -> TaskId {
        self.state().current
    }

    /// Waits until the scheduler opens the gate.
    pub(crate) fn at(self: &Arc<Self>, call: Call, side: Side, about: impl FnOnce() -> String) -> Passage {
        let about = if self.is_traced { about() } else { String::new() };
        Passage { gates: Arc::clone(self), id: None, call, side, about }
    }

    /// The gates that may be opened now, in the order in which they were reached.
    pub(crate) fn closed(&self, now_ms: i64) -> Vec<GateId> {
        self.state().gates.iter().filter(|(_, gate)| gate.stalled_until_ms <= now_ms).map(|(id, _)| *id).collect()
    }

    /// Whether an invocation waits at a gate.
    pub(crate) fn holds(&self, task: TaskId) -> bool {
        self.state().gates.values().any(|gate| gate.task == task)
    }

    pub(crate) fn get(&self, id: GateId) -> Option<Gate> {
        self.state().gates.get(&id).cloned()
    }

    pub(crate) fn stall(&self, id: GateId, until_ms: i64) {
        if let Some(gate) = self.state().gates.get_mut(&id) {
            gate.stalled_until_ms = until_ms;
        }
    }

    pub(crate) fn open(&self, id: GateId, verdict: Verdict) {
        let waker = self.state().gates.get_mut(&id).and_then(|gate| {
            gate.verdict = Some(verdict);
            gate.waker.take()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The way through a gate.
#[derive(Debug)]
pub(crate) struct Passage {
    gates: Arc<Gates>,
    id: Option<GateId>,
    call: Call,
    side: Side,
    about: String,
}

impl Future for Passage {
    type Output = Verdict;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Verdict> {
        let gates = Arc::clone(&self.gates);
        let mut state = gates.state();
        let Some(id) = self.id else {
            state.next += 1;
            let id = state.next;
            let gate = Gate {
                task: state.current,
                call: self.call,
                side: self.side,
                about: std::mem::take(&mut self.about),
                stalled_until_ms: i64::MIN,
                verdict: None,
                waker: Some(context.waker().clone()),
            };
            state.gates.insert(id, gate);
            self.id = Some(id);
            return Poll::Pending;
        };
        let Some(gate) = state.gates.get_mut(&id) else { return Poll::Ready(Verdict::Pass) };
        match gate.verdict {
            Some(verdict) => {
                state.gates.remove(&id);
                Poll::Ready(verdict)
            }
            None => {
                gate.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// An invocation that died waits nowhere.
impl Drop for Passage {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.gates.state().gates.remove(&id);
        }
    }
}

/// Whether an invocation can go on.
#[derive(Debug, Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// An invocation's future. Dropping it is the death of its process.
pub(crate) struct Running<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    woken: Arc<Woken>,
}

impl<T> fmt::Debug for Running<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl<T> Running<T> {
    pub(crate) fn new(future: impl Future<Output = T> + 'static) -> Self {
        // Tokio's budget is for tasks that it polls itself.
        Self { future: Box::pin(tokio::task::unconstrained(future)), woken: Arc::new(Woken(AtomicBool::new(true))) }
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst)
    }

    /// Runs it until it waits, or ends.
    pub(crate) fn poll(&mut self, id: TaskId, gates: &Gates) -> Option<T> {
        self.woken.0.store(false, Ordering::SeqCst);
        gates.state().current = id;
        let waker = Waker::from(Arc::clone(&self.woken));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(end) => Some(end),
            Poll::Pending => None,
        }
    }
}
