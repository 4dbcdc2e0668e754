//! The sweep, each minute: it sends the attempts that waited longer than a queue can hide a message, and the notices that
//! weren't published.
//!
//! Promises: what isn't sent stays in front of the next sweep. A sweep that dies, or two at once, send some messages twice,
//! which is harmless: an attempt is begun once.

use crate::delivery::DeliveryMessage;
use crate::limits::{DUE_PAGE, DUE_PARTITIONS};
use crate::notice;
use crate::ports::Due;
use crate::publisher::Publisher;
use std::time::Duration;
use tidings_config::limits::{MAX_BATCH_MESSAGES, MAX_TIMER_DELAY};
use tidings_config::time::Timestamp;
use tidings_core::ports::{Delayed, Unavailable};
use tidings_core::telemetry;
use tokio::time::Instant;

/// Why a sweep isn't complete. The next one continues.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    #[error("deliveries weren't swept: {0}")]
    Unavailable(#[from] Unavailable),
    #[error("deliveries weren't swept completely: the time was over after {sent} of them")]
    OutOfTime { sent: usize },
}

impl Publisher {
    /// Sweeps once. Returns how many attempts were sent. `time_left` is the time until the function is stopped.
    pub async fn sweep(&self, time_left: Duration) -> Result<usize, SweepError> {
        let until = Instant::now() + time_left.saturating_sub(crate::limits::BATCH_RESERVE);
        let swept = sweep(self, until).await;
        match &swept {
            Ok(0) => tracing::debug!("swept: no delivery is due"),
            Ok(sent) => tracing::info!(sent, "swept"),
            Err(error) => tracing::error!(cause = %error, "the deliveries weren't swept"),
        }
        telemetry::flush(self.clock.now());
        swept
    }
}

impl Publisher {
    /// When the first attempt is due that a sweep sends. `None`: there is none by this time.
    pub async fn first_due(&self, by: Timestamp) -> Result<Option<Timestamp>, Unavailable> {
        let mut first = None;
        for partition in 0..DUE_PARTITIONS {
            let due = self.deliveries.due(partition, by, 1).await?;
            first = first.into_iter().chain(due.first().map(|due| due.due)).min();
        }
        Ok(first)
    }
}

async fn sweep(publisher: &Publisher, until: Instant) -> Result<usize, SweepError> {
    // A notice that isn't published must not hold up what is due.
    let mut unnoticed = None;
    for registered in publisher.book.fresh().await? {
        unnoticed = notice::give(publisher, &registered).await.err().or(unnoticed);
    }
    let mut sent = 0;
    for partition in 0..DUE_PARTITIONS {
        loop {
            let by = publisher.clock.now().plus(MAX_TIMER_DELAY);
            let page = publisher.deliveries.due(partition, by, DUE_PAGE).await?;
            let is_last = page.len() < DUE_PAGE;
            for batch in page.chunks(MAX_BATCH_MESSAGES) {
                if Instant::now() >= until {
                    return Err(SweepError::OutOfTime { sent });
                }
                send(publisher, batch).await?;
                sent += batch.len();
            }
            if is_last {
                break;
            }
        }
    }
    match unnoticed {
        Some(error) => Err(error.into()),
        None => Ok(sent),
    }
}

async fn send(publisher: &Publisher, batch: &[Due]) -> Result<(), Unavailable> {
    let now = publisher.clock.now();
    let message = |due: &Due| Delayed {
        message: DeliveryMessage::new(&due.key, due.attempts.saturating_add(1)).encode(),
        delay: due.due.since(now).min(MAX_TIMER_DELAY),
    };
    let messages: Vec<Delayed> = batch.iter().map(message).collect();
    for (due, sent) in batch.iter().zip(publisher.queue.send_batch(&messages).await) {
        sent?;
        publisher.deliveries.sent(due).await?;
    }
    Ok(())
}
