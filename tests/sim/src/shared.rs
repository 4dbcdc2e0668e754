//! What the fault layer and the scheduler share.

use crate::broken::Broken;
use crate::executor::Gates;
use crate::ledger::Ledger;
use crate::load::START;
use crate::states::{Reached, State};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tidings_config::time::{Clock, Timestamp};
use tidings_core::memory::{Faults, ManualClock};

/// One simulation.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) gates: Arc<Gates>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) broken: Option<Broken>,
    ledger: Mutex<Ledger>,
    reached: Mutex<Reached>,
    trace: Mutex<Vec<String>>,
    pub(crate) is_traced: bool,
}

impl Shared {
    pub(crate) fn new(broken: Option<Broken>, is_traced: bool) -> Arc<Self> {
        Arc::new(Self {
            gates: Arc::new(Gates::new(is_traced)),
            faults: Arc::default(),
            clock: Arc::new(ManualClock::at(START)),
            broken,
            ledger: Mutex::default(),
            reached: Mutex::default(),
            trace: Mutex::default(),
            is_traced,
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn is_broken(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("nothing panics while it holds this")
    }

    pub(crate) fn reached(&self) -> MutexGuard<'_, Reached> {
        self.reached.lock().expect("nothing panics while it holds this")
    }

    pub(crate) fn reach(&self, state: State) {
        self.reached().add(state);
    }

    pub(crate) fn reach_if(&self, condition: bool, state: State) {
        if condition {
            self.reach(state);
        }
    }

    pub(crate) fn violate(&self, what: String) {
        self.trace(|| format!("VIOLATION: {what}"));
        self.ledger().violations.push(what);
    }

    /// Adds a line, with the time since the start.
    pub(crate) fn trace(&self, line: impl FnOnce() -> String) {
        if self.is_traced {
            let ms = self.now().unix_ms() - START.unix_ms();
            let line = format!("{:>10}.{:03}  {}", ms / 1_000, ms % 1_000, line());
            self.trace.lock().expect("nothing panics while it holds this").push(line);
        }
    }

    pub(crate) fn take_trace(&self) -> Vec<String> {
        std::mem::take(&mut self.trace.lock().expect("nothing panics while it holds this"))
    }
}

/// A process's clock, which may be wrong.
#[derive(Debug)]
pub(crate) struct Skewed {
    clock: Arc<ManualClock>,
    by_ms: AtomicI64,
}

impl Skewed {
    pub(crate) fn of(clock: &Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self { clock: Arc::clone(clock), by_ms: AtomicI64::new(0) })
    }

    pub(crate) fn skew(&self, by_ms: i64) {
        self.by_ms.store(by_ms, Ordering::SeqCst);
    }

    pub(crate) fn by_ms(&self) -> i64 {
        self.by_ms.load(Ordering::SeqCst)
    }
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.clock.now().unix_ms() + self.by_ms())
    }
}
