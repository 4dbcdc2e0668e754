//! Sends timers, and reschedules those that come before they are due.
//!
//! A timer that is due within half an hour is a delayed message. A later one is stored in the timers table, and a sweep
//! sends it shortly before its time ([`crate::sweep`]). If the table doesn't respond, or isn't swept, any timer is a
//! delayed message, which is rescheduled until it is due: that costs more, and is as exact.

use crate::failure::Failure;
use crate::join;
use crate::processor::Processor;
use crate::reminder;
use std::sync::Arc;
use tidings_config::limits::{MAX_TIMER_DELAY, STORED_TIMER_FROM, SWEEPS_KEPT};
use tidings_config::time::{Clock, Timestamp};
use tidings_core::envelope::Envelope;
use tidings_core::internal_event::InternalEvent;
use tidings_core::ports::TimerStore;
use tidings_core::stored_timer::{StoredTimer, Sweeps};
use tokio::sync::Mutex;

/// The outcome of a timer that isn't due yet: it was sent again or stored, and nothing else was done.
pub(crate) const WAITS: &str = "waits";

/// Reschedules the message. The word is the outcome: a join that has ended needs no timer any more.
pub(crate) async fn reschedule(
    processor: &Processor,
    envelope: &Envelope,
    due: Timestamp,
    what: &InternalEvent,
    now: Timestamp,
) -> Result<&'static str, Failure> {
    let message = match what {
        InternalEvent::Join { join, key, .. } if join::is_over(processor, join, key, now).await? => return Ok("settled"),
        InternalEvent::Reminder { reminder, .. } if reminder::is_over(processor, reminder, due).await? => return Ok("settled"),
        // Encoded again with the new time of visibility.
        InternalEvent::Join { .. } => what.envelope(due, now).encode(),
        InternalEvent::Action { .. }
        | InternalEvent::Link { .. }
        | InternalEvent::Correct(_)
        | InternalEvent::Reminder { .. }
        | InternalEvent::Turn { .. }
        | InternalEvent::Wake { .. } => envelope.encode(),
    };
    send(processor, &message, due, now).await?;
    Ok(WAITS)
}

/// Sends an internal message that is due at `due`: to the timers table, or to the events queue with SQS's longest delay
/// at most.
pub(crate) async fn send(processor: &Processor, message: &str, due: Timestamp, now: Timestamp) -> Result<(), Failure> {
    let delay = due.since(now);
    if delay >= STORED_TIMER_FROM
        && let Some(stored) = &processor.stored_timers
        && stored.takes(message, due, processor.clock.as_ref()).await
    {
        return Ok(());
    }
    processor.timers.send(message, delay.min(MAX_TIMER_DELAY)).await.map_err(Failure::unsent)
}

/// The timers table as the processor writes it.
#[derive(Debug)]
pub(crate) struct StoredTimers {
    pub(crate) store: Arc<dyn TimerStore>,
    /// What was read of the sweeps, and when. While one record reads it, the others wait for that.
    sweeps: Mutex<Option<(Timestamp, Option<Sweeps>)>>,
}

impl StoredTimers {
    pub(crate) fn new(store: Arc<dyn TimerStore>) -> Self {
        Self { store, sweeps: Mutex::new(None) }
    }

    /// Stores the timer. `false`: it must be sent to the queue, perhaps although it is stored too, which is harmless.
    async fn takes(&self, message: &str, due: Timestamp, clock: &dyn Clock) -> bool {
        let Some(timer) = StoredTimer::of_message(message).filter(|timer| timer.due() == Some(due)) else { return false };
        if !self.are_swept(clock).await {
            return false;
        }
        match self.store.put(&timer, clock.now()).await {
            Ok(()) => !timer.may_be_passed(clock.now()),
            Err(error) => {
                tracing::warn!(cause = %error, "a timer wasn't stored: it is a delayed message");
                false
            }
        }
    }

    async fn are_swept(&self, clock: &dyn Clock) -> bool {
        let mut known = self.sweeps.lock().await;
        let now = clock.now();
        if known.is_none_or(|(read, _)| now.since(read) >= SWEEPS_KEPT) {
            let progress = self.store.progress().await.inspect_err(|error| {
                tracing::warn!(cause = %error, "the timers table did not respond: timers are delayed messages");
            });
            *known = Some((now, progress.ok().and_then(|progress| progress.sweeps)));
        }
        known.is_some_and(|(_, sweeps)| sweeps.is_some_and(|sweeps| sweeps.are_reliable(now)))
    }
}
