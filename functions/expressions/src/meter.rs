//! Counts the cost of an expression during evaluation: deterministic, without a clock.
//!
//! Every step and every byte that is read or made uses some of the work limit. [`Room`] for a value is reserved
//! before it is made. An exhausted limit stays exhausted: no operator can turn it into a value.

use super::fault::Fault;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tidings_config::limits::{MAX_EVENT_WORK, MAX_EXPRESSION_WORK, MAX_VALUE_BYTES, STEP_WORK};

/// The permission to make one value.
#[derive(Debug)]
pub(super) struct Room(());

/// The remaining work for all expressions of one event.
#[derive(Clone, Debug)]
pub(super) struct EventWork(Arc<AtomicU64>);

impl EventWork {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(MAX_EVENT_WORK)))
    }
}

/// The meter of one evaluation.
#[derive(Debug)]
pub(super) struct Meter<'e> {
    event: &'e EventWork,
    /// The most that this expression may use.
    allowed: u64,
    left: u64,
}

impl<'e> Meter<'e> {
    pub(super) fn new(event: &'e EventWork) -> Self {
        let allowed = MAX_EXPRESSION_WORK.min(event.0.load(Ordering::Relaxed));
        Self { event, allowed, left: allowed }
    }

    /// Uses work, before an operation that takes as long as this many bytes.
    pub(super) fn spend(&mut self, work: usize) -> Result<(), Fault> {
        match u64::try_from(work).ok().and_then(|work| self.left.checked_sub(work)) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(if self.allowed == MAX_EXPRESSION_WORK { Fault::ExpressionWork } else { Fault::EventWork })
            }
        }
    }

    /// Counts one node or one element.
    pub(super) fn step(&mut self) -> Result<(), Fault> {
        self.spend(STEP_WORK)
    }

    /// Reserves room, before a value of this many bytes is made.
    pub(super) fn room(&mut self, bytes: usize) -> Result<Room, Fault> {
        if bytes > MAX_VALUE_BYTES {
            return Err(Fault::LargeValue);
        }
        self.spend(bytes).map(Room)
    }

    /// Reserves room for `count` parts of `each` bytes, and `more`.
    pub(super) fn room_for(&mut self, count: usize, each: usize, more: usize) -> Result<Room, Fault> {
        self.room(count.saturating_mul(each).saturating_add(more))
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        let left = self.event.0.load(Ordering::Relaxed);
        self.event.0.store(left.saturating_sub(self.allowed - self.left), Ordering::Relaxed);
    }
}
