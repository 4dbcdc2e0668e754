//! Sweeps the events that claims keep (`durability: outbox`): what stayed `received` is sent to the events queue.
//!
//! Promises: an event that was answered 202 is queued at least once, however long the queue was down; its claim makes its
//! effect happen once. A sweep that dies between a send and its mark sends the event again. What a sweep doesn't reach
//! stays in front of the next one.

use crate::processor::Processor;
use crate::sweep::SweepError;
use std::collections::BTreeSet;
use std::time::Duration;
use tidings_config::limits::{OUTBOX_AGE, OUTBOX_PARTITIONS, SWEEP_PAGE};
use tidings_config::time::Timestamp;
use tidings_core::claim::{ClaimKey, OutboxEntry};
use tidings_core::ports::{OutboxStore, Unavailable};
use tokio::time::Instant;

/// Before any claim.
const BEGINNING: Timestamp = Timestamp::from_unix_ms(0);

/// The smallest step of an index's sort key.
const STEP: Duration = Duration::from_millis(1);

/// Sends what is due in every partition. Returns the number of sent events. A call that fails ends the sweep: the queue or
/// the table is down, and the next sweep tries again.
pub(crate) async fn sweep(processor: &Processor, store: &dyn OutboxStore, until: Instant) -> Result<usize, SweepError> {
    let partitions = (0..OUTBOX_PARTITIONS).map(|partition| partition_of(processor, store, partition, until));
    let mut sent = 0;
    for part in futures::future::try_join_all(partitions).await? {
        sent += part;
    }
    Ok(sent)
}

async fn partition_of(
    processor: &Processor,
    store: &dyn OutboxStore,
    partition: u8,
    until: Instant,
) -> Result<usize, SweepError> {
    let (mut from, before) = (BEGINNING, processor.clock.now().minus(OUTBOX_AGE));
    // Entries that were received at the time where the next page begins. The index may show them again.
    let mut seen: BTreeSet<ClaimKey> = BTreeSet::new();
    let mut sent = 0;
    while from <= before {
        let page = store.waiting(partition, from, before, SWEEP_PAGE).await.map_err(SweepError::OutboxUnavailable)?;
        let Some(last) = page.last().map(|entry| entry.received) else { break };
        for OutboxEntry { key, .. } in page.iter().filter(|entry| !seen.contains(&entry.key)) {
            if Instant::now() >= until {
                return Err(SweepError::OutboxOutOfTime);
            }
            sent += usize::from(send(processor, store, key).await.map_err(SweepError::OutboxUnavailable)?);
        }
        // A page of one time only: the rest of that time is left to the next sweep.
        from = if last == from { last.plus(STEP) } else { last };
        seen = page.into_iter().filter(|entry| entry.received == last).map(|entry| entry.key).collect();
        if seen.is_empty() {
            break;
        }
    }
    Ok(sent)
}

/// Sends one event, and marks it. False: it is no longer due, or this build can't read it.
async fn send(processor: &Processor, store: &dyn OutboxStore, key: &ClaimKey) -> Result<bool, Unavailable> {
    let Some(message) = store.message(key).await? else { return Ok(false) };
    let now = processor.clock.now();
    let message = match message.sent_again(now) {
        Ok(message) => message,
        Err(error) => {
            tracing::error!(claim_key = %key, cause = %error, "an event of the outbox can't be read: a newer version wrote it");
            return Ok(false);
        }
    };
    processor.timers.send(&message, Duration::ZERO).await?;
    store.queued(key, now).await?;
    tracing::info!(claim_key = %key, "queued from the outbox");
    Ok(true)
}
