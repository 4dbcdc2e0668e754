//! Sweeps the timers table: timers that are due soon are sent to the events queue, delayed until their time.
//!
//! Promises: each timer is sent at least once, and its claim makes its effect happen once. A sweep that dies, or that
//! runs at the same time as another, may send some twice. What isn't sent stays in front of the next sweep, however much
//! later that is. A timer is stored long before its time (`timer.rs`), so none is stored behind a sweep.
//!
//! Then it sends the events that claims keep (`outbox.rs`), if a source has `durability: outbox`.
//!
//! A call that fails is tried again until the time is over. Then the sweep fails as an invocation: Lambda repeats it, and
//! counts the error.

use crate::outbox;
use crate::processor::Processor;
use std::time::Duration;
use tidings_config::limits::{MAX_BATCH_MESSAGES, MAX_TIMER_DELAY, SWEEP_PAGE, SWEEP_PAUSE, SWEEP_RESERVE};
use tidings_config::time::millis;
use tidings_core::ports::{Delayed, TimerStore, Unavailable};
use tidings_core::stored_timer::{StoredTimer, Sweeps, TimerKey};
use tidings_core::telemetry;
use tokio::time::Instant;

/// The result of a complete sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Swept {
    /// Timers that were sent.
    pub timers: usize,
    /// Kept events that were sent.
    pub events: usize,
    /// How late the latest of them was sent. Zero: none was late.
    pub late: Duration,
}

/// Why a sweep isn't complete. The next one continues.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    #[error("no timers table is configured")]
    NoTable,
    #[error("timers weren't swept: {0}")]
    Unavailable(#[from] Unavailable),
    #[error("timers weren't swept completely: the time was over after {timers} of them")]
    OutOfTime { timers: usize },
    #[error("events of the outbox weren't queued: {0}")]
    OutboxUnavailable(Unavailable),
    #[error("events of the outbox weren't queued completely: the time was over")]
    OutboxOutOfTime,
}

impl Processor {
    /// Sweeps the timers table once. `time_left` is the time until the function is stopped.
    pub async fn sweep(&self, time_left: Duration) -> Result<Swept, SweepError> {
        let until = Instant::now() + time_left.saturating_sub(SWEEP_RESERVE);
        // Kept events are older than any timer is late, and neither sweep waits for the other's failure.
        let kept = match &self.outbox {
            Some(store) => outbox::sweep(self, store.as_ref(), until).await,
            None => Ok(0),
        };
        let swept = match &self.stored_timers {
            Some(stored) => sweep_until(self, stored.store.as_ref(), until).await,
            None => Err(SweepError::NoTable),
        };
        let swept = swept.and_then(|swept| kept.map(|events| Swept { events, ..swept }));
        match &swept {
            // Most sweeps find nothing. A line of each would cost more than the sweep.
            Ok(Swept { timers: 0, events: 0, .. }) => tracing::debug!("swept: nothing is due"),
            Ok(Swept { timers, late, events }) => tracing::info!(timers, events, late_ms = millis(*late), "swept"),
            Err(error) => tracing::error!(cause = %error, "the timers weren't swept"),
        }
        telemetry::flush(self.clock.now());
        swept
    }
}

/// Sweeps again after a call that failed: one lost call is no reason to wake somebody.
async fn sweep_until(processor: &Processor, store: &dyn TimerStore, until: Instant) -> Result<Swept, SweepError> {
    let mut swept = Swept::default();
    loop {
        match sweep(processor, store, until, &mut swept).await {
            Ok(()) => return Ok(swept),
            Err(SweepError::Unavailable(_)) if Instant::now() + SWEEP_PAUSE < until => tokio::time::sleep(SWEEP_PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

async fn sweep(processor: &Processor, store: &dyn TimerStore, until: Instant, swept: &mut Swept) -> Result<(), SweepError> {
    let now = processor.clock.now();
    let progress = store.progress().await?;
    let partitions = TimerKey::partitions().map(|partition| {
        let after = progress.sent.get(&partition).cloned();
        partition_of(processor, store, partition, after, until)
    });
    let mut failed = None;
    for part in futures::future::join_all(partitions).await {
        swept.timers += part.swept.timers;
        swept.late = swept.late.max(part.swept.late);
        failed = failed.or(part.failed);
    }
    match failed {
        None => {}
        Some(Stopped::Unavailable(error)) => return Err(error.into()),
        Some(Stopped::OutOfTime) => return Err(SweepError::OutOfTime { timers: swept.timers }),
    }
    Ok(store.swept(Sweeps::and(progress.sweeps, now)).await?)
}

/// Why a partition isn't swept completely.
enum Stopped {
    Unavailable(Unavailable),
    OutOfTime,
}

impl From<Unavailable> for Stopped {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

/// What became of a partition.
#[derive(Default)]
struct Part {
    swept: Swept,
    failed: Option<Stopped>,
}

/// Sends the timers of a partition in their order, page by page, and records after each page how far it is.
async fn partition_of(
    processor: &Processor,
    store: &dyn TimerStore,
    partition: u8,
    mut after: Option<String>,
    until: Instant,
) -> Part {
    let mut part = Part::default();
    loop {
        match page(processor, store, partition, after.as_deref(), until, &mut part.swept).await {
            Ok(None) => return part,
            Ok(Some(last)) => after = Some(last),
            Err(stopped) => return Part { failed: Some(stopped), ..part },
        }
    }
}

/// Sends the next page. Returns the sort key of its last timer; `None`: there was none.
async fn page(
    processor: &Processor,
    store: &dyn TimerStore,
    partition: u8,
    after: Option<&str>,
    until: Instant,
    swept: &mut Swept,
) -> Result<Option<String>, Stopped> {
    let by = processor.clock.now().plus(MAX_TIMER_DELAY);
    let timers = store.due(partition, after, by, SWEEP_PAGE).await?;
    let mut last = None;
    let mut stopped = None;
    for batch in timers.chunks(MAX_BATCH_MESSAGES) {
        if Instant::now() >= until {
            stopped = Some(Stopped::OutOfTime);
            break;
        }
        let (sent, failed) = send(processor, batch, swept).await;
        last = sent.or(last);
        if let Some(error) = failed {
            stopped = Some(error.into());
            break;
        }
    }
    if let Some(last) = &last {
        store.sent(partition, &last.key.sort).await?;
    }
    match stopped {
        Some(stopped) => Err(stopped),
        None => Ok(last.map(|last| last.key.sort.clone())),
    }
}

/// Sends a batch. Returns the last timer before the first one that wasn't acknowledged, and that one's error. Those
/// after it may be sent too, and are sent again.
async fn send<'t>(
    processor: &Processor,
    batch: &'t [StoredTimer],
    swept: &mut Swept,
) -> (Option<&'t StoredTimer>, Option<Unavailable>) {
    let now = processor.clock.now();
    let messages: Vec<Delayed> =
        batch.iter().map(|timer| timer.message(now)).map(|(message, delay)| Delayed { message, delay }).collect();
    let answers = processor.timers.send_batch(&messages).await;
    let acknowledged = answers.iter().take_while(|answer| answer.is_ok()).count();
    for timer in &batch[..acknowledged.min(batch.len())] {
        swept.timers += 1;
        swept.late = swept.late.max(timer.due().map_or(Duration::ZERO, |due| now.since(due)));
    }
    let last = acknowledged.checked_sub(1).and_then(|last| batch.get(last));
    (last, answers.into_iter().find_map(Result::err))
}
