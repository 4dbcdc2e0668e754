//! What an expression may cost, counted while it is evaluated: deterministic, without a clock.
//!
//! Every step and every byte that is read or made spends some of the work. [`Room`] for a value is given before the value is
//! made. What has run out stays out: no operator turns that into a value.

use super::fault::Fault;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tidings_config::limits::{MAX_EVENT_WORK, MAX_EXPRESSION_WORK, MAX_VALUE_BYTES, STEP_WORK};

/// The right to make one value.
#[derive(Debug)]
pub(super) struct Room(());

/// The work that is left for all expressions of one event.
#[derive(Clone, Debug)]
pub(super) struct EventWork(Arc<AtomicU64>);

impl EventWork {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(MAX_EVENT_WORK)))
    }
}

/// Of one evaluation.
#[derive(Debug)]
pub(super) struct Meter<'e> {
    event: &'e EventWork,
    /// What this expression may spend at most.
    allowed: u64,
    left: u64,
}

impl<'e> Meter<'e> {
    pub(super) fn new(event: &'e EventWork) -> Self {
        let allowed = MAX_EXPRESSION_WORK.min(event.0.load(Ordering::Relaxed));
        Self { event, allowed, left: allowed }
    }

    /// Before something is done that takes so many bytes' time.
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

    /// One node, or one element.
    pub(super) fn step(&mut self) -> Result<(), Fault> {
        self.spend(STEP_WORK)
    }

    /// Before a value of so many bytes is made.
    pub(super) fn room(&mut self, bytes: usize) -> Result<Room, Fault> {
        if bytes > MAX_VALUE_BYTES {
            return Err(Fault::LargeValue);
        }
        self.spend(bytes).map(Room)
    }

    /// For `count` parts of `each` bytes, and `more`.
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
