//! The clock of `dev`: this machine's clock plus the offset set by `tidings dev advance`. The receiver, the processor
//! and the queues read it, so timers, delays, quiet hours and joins act as if that time had passed.
//!
//! An advance stops at each message that becomes visible, until that message is processed. If a timer were processed an
//! hour late, it would look like a delayed queue, and a join would wait longer.
//!
//! Never: a clock that goes back. With `--data` the offset is kept after a restart, because stored items have its
//! times.

use super::queues::store::Store;
use crate::dev_client::MAX_MOVE;
use crate::dev_client::{EVENTS_QUEUE, LINKS_QUEUE};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tidings_config::time::{Clock, SystemClock, Timestamp, millis};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

/// The longest advance at once: longer than any period for which Tidings stores data or waits.
pub(crate) const MAX_ADVANCE: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The queues whose messages are processed during an advance.
const QUEUES: [&str; 2] = [EVENTS_QUEUE, LINKS_QUEUE];

/// How long an advance waits for one message.
const MAX_STEP: Duration = Duration::from_secs(10);

const LOOK: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct WorkClock {
    ahead_ms: AtomicI64,
    store: Arc<Store>,
}

impl WorkClock {
    /// With the offset from the store.
    pub(crate) fn of(store: Arc<Store>) -> rusqlite::Result<Self> {
        Ok(Self { ahead_ms: AtomicI64::new(store.ahead_ms()?), store })
    }

    /// The offset from this machine's clock.
    pub(crate) fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.load(Ordering::SeqCst).unsigned_abs())
    }

    /// Advances the clock. Messages that become visible on the way are processed at their time.
    pub(crate) async fn advance(self: Arc<Self>, by: Duration) -> rusqlite::Result<()> {
        let (began, target) = (Instant::now(), self.ahead().saturating_add(by));
        while began.elapsed() < MAX_MOVE {
            let now = self.now();
            let Some(next) = self.stored(|store, now| store.next_due_ms(QUEUES, now)).await? else { break };
            let step = self.ahead().saturating_add(Timestamp::from_unix_ms(next).since(now));
            if step > target {
                break;
            }
            self.move_to(step).await?;
            let began = Instant::now();
            while self.stored(|store, now| store.is_busy(QUEUES, now)).await? && began.elapsed() < MAX_STEP {
                tokio::time::sleep(LOOK).await;
            }
        }
        self.move_to(target).await
    }

    /// Sets the offset. Waiting receives check their queue again.
    async fn move_to(self: &Arc<Self>, ahead: Duration) -> rusqlite::Result<()> {
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
