//! The clock of `dev`: that of this machine, and as far ahead of it as `tidings dev advance` has moved it. The receiver, the
//! processor and the queues read it, so timers, delays, quiet hours and joins come as if that time had passed.
//!
//! Never: a clock that goes back. With `--data` it stays ahead after a restart, because what was written has its times.

use super::queues::store::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tidings_core::time::{Clock, SystemClock, Timestamp, millis};

/// How far a clock can be moved at once: longer than anything that Tidings keeps or waits for.
pub(crate) const MAX_ADVANCE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

#[derive(Debug)]
pub(crate) struct WorkClock {
    ahead_ms: AtomicI64,
    store: Arc<Store>,
}

impl WorkClock {
    /// As far ahead as the store has it.
    pub(crate) fn of(store: Arc<Store>) -> rusqlite::Result<Self> {
        Ok(Self { ahead_ms: AtomicI64::new(store.ahead_ms()?), store })
    }

    /// How far it is ahead of this machine's clock.
    pub(crate) fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.load(Ordering::SeqCst).unsigned_abs())
    }

    /// Moves it. Whoever waits for a message looks again.
    pub(crate) fn advance(&self, by: Duration) -> rusqlite::Result<()> {
        let by_ms = i64::try_from(millis(by)).unwrap_or(i64::MAX);
        self.ahead_ms.store(self.store.advance(by_ms)?, Ordering::SeqCst);
        self.store.wake();
        Ok(())
    }
}

impl Clock for WorkClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(self.ahead())
    }
}
