//! The clock of `dev`: this machine's clock plus the offset set by `tidings dev advance`. The receiver, the processor
//! and the queues read it, so timers, delays, quiet hours and joins act as if that time had passed.
//!
//! An advance stops at each message that becomes visible, until that message is processed. If a timer were processed an
//! hour late, it would look like a delayed queue, and a join would wait longer. It also stops where a sweep sends a stored
//! timer.
//!
//! Never: a clock that goes back. With `--data` the offset is kept after a restart, because stored items have its
//! times.

use super::queues::store::Store;
use crate::dev_client::MAX_MOVE;
use crate::dev_client::{DELIVERIES_QUEUE, EVENTS_QUEUE, LINKS_QUEUE, PUBLISHED_QUEUE};
use async_trait::async_trait;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tidings_config::limits::MAX_TIMER_DELAY;
use tidings_config::time::{Clock, SystemClock, Timestamp, millis};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

/// The longest advance at once: longer than any period for which Tidings stores data or waits.
pub(crate) const MAX_ADVANCE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The queues whose messages are processed during an advance.
pub(super) const QUEUES: [&str; 4] = [EVENTS_QUEUE, LINKS_QUEUE, PUBLISHED_QUEUE, DELIVERIES_QUEUE];

/// How long an advance waits for one message.
const MAX_STEP: Duration = Duration::from_secs(10);

const LOOK: Duration = Duration::from_millis(5);

/// The timers table of the running processor, and the deliveries table of the running publisher.
#[async_trait]
pub(crate) trait Sweeping: Send + Sync + std::fmt::Debug {
    /// Sends the timers and the attempts that are due soon to their queues.
    async fn sweep(&self);

    /// When the first of the other timers is due.
    async fn first_due(&self) -> Option<Timestamp>;
}

#[derive(Debug)]
pub(crate) struct WorkClock {
    ahead_ms: AtomicI64,
    store: Arc<Store>,
    timers: OnceLock<Weak<dyn Sweeping>>,
}

impl WorkClock {
    /// With the offset from the store.
    pub(crate) fn of(store: Arc<Store>) -> rusqlite::Result<Self> {
        Ok(Self { ahead_ms: AtomicI64::new(store.ahead_ms()?), store, timers: OnceLock::new() })
    }

    /// Sweeps these timers while the clock is advanced.
    pub(crate) fn sweep_with(&self, timers: Weak<dyn Sweeping>) {
        // A clock has one processor.
        let _ = self.timers.set(timers);
    }

    async fn sweep(&self) {
        if let Some(timers) = self.timers.get().and_then(Weak::upgrade) {
            timers.sweep().await;
        }
    }

    /// When the next sweep sends a timer.
    async fn next_sweep(&self) -> Option<Timestamp> {
        let timers = self.timers.get().and_then(Weak::upgrade)?;
        timers.first_due().await.map(|due| due.minus(MAX_TIMER_DELAY))
    }

    /// The offset from this machine's clock.
    pub(crate) fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.load(Ordering::SeqCst).unsigned_abs())
    }

    /// Advances the clock. Messages that become visible on the way are processed at their time, and stored timers are
    /// sent before theirs.
    pub(crate) async fn advance(self: Arc<Self>, by: Duration) -> rusqlite::Result<()> {
        let (began, target) = (Instant::now(), self.ahead().saturating_add(by));
        while began.elapsed() < MAX_MOVE {
            self.sweep().await;
            let now = self.now();
            let visible = self.stored(|store, now| store.next_due_ms(QUEUES, now)).await?.map(Timestamp::from_unix_ms);
            let Some(next) = visible.into_iter().chain(self.next_sweep().await).min() else { break };
            let step = self.ahead().saturating_add(next.since(now));
            if step > target {
                break;
            }
            self.move_to(step).await?;
            let began = Instant::now();
            while self.stored(|store, now| store.is_busy(QUEUES, now)).await? && began.elapsed() < MAX_STEP {
                tokio::time::sleep(LOOK).await;
            }
        }
        self.move_to(target).await?;
        self.sweep().await;
        Ok(())
    }

    /// Sets the offset. Waiting receives check their queue again.
    pub(super) async fn move_to(self: &Arc<Self>, ahead: Duration) -> rusqlite::Result<()> {
        let by = ahead.saturating_sub(self.ahead());
        let by_ms = i64::try_from(millis(by)).unwrap_or(i64::MAX);
        let ahead = self.stored(move |store, _| store.advance(by_ms)).await?;
        self.ahead_ms.store(ahead, Ordering::SeqCst);
        self.store.wake();
        Ok(())
    }

    async fn stored<T: Send + 'static>(
        self: &Arc<Self>,
        call: impl FnOnce(&Store, i64) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let (store, now_ms) = (Arc::clone(&self.store), self.now().unix_ms());
        spawn_blocking(move || call(&store, now_ms)).await.unwrap_or(Err(rusqlite::Error::ExecuteReturnedResults))
    }
}

impl Clock for WorkClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(self.ahead())
    }
}
