//! Settles a record that couldn't be processed: it is returned to the queue, sent to it again, or on its last receive
//! recorded as dead-lettered. [`crate::report`] names, counts and logs it.

use crate::commit::finish;
use crate::decode::Record;
use crate::failure::{Failure, FailureKind};
use crate::processor::Processor;
use crate::report::{End, Then};
use tidings_config::limits::CONTENDED_PAUSE;
use tidings_core::claim::TimelineKey;
use tidings_core::claim::decide::{AfterDeadLetter, AfterFailure, RecordedEffect, after_dead_letter, after_failure};
use tidings_core::ports::{DeadLetter, Entry, Unavailable};

/// Returns the record to the queue. On its last receive, records the reason first.
pub(crate) async fn settle(processor: &Processor, record: &Record, failure: Failure) -> End {
    let contended = matches!(failure.kind, FailureKind::Contended);
    match after_failure(record.receive_count, processor.max_receive_count.get(), contended) {
        AfterFailure::Retry => End::Failed { failure, then: Then::Retry },
        AfterFailure::Requeue => requeue(processor, record, failure).await,
        AfterFailure::DeadLetter => dead_letter(processor, record, failure, None).await,
    }
}

/// Contention means that other events make progress: a copy with a new receive count is sent, and this message is deleted.
async fn requeue(processor: &Processor, record: &Record, failure: Failure) -> End {
    // Links are accepted only from their own queue, to which the processor can't send.
    let Some(message) = record.message.as_ref().ok().filter(|message| !message.is_link()) else {
        return dead_letter(processor, record, failure, None).await;
    };
    let pause = CONTENDED_PAUSE.mul_f64(fastrand::f64());
    match processor.timers.send(&message.envelope.encode(), pause).await {
        Ok(()) => End::Failed { failure, then: Then::Requeued { pause } },
        Err(unsent) => dead_letter(processor, record, failure, Some(unsent)).await,
    }
}

async fn dead_letter(processor: &Processor, record: &Record, failure: Failure, unsent: Option<Unavailable>) -> End {
    let Some(claim_key) = &record.claim_key else {
        // It names no event: the dead-letter queue is its only record.
        return End::Failed { failure, then: Then::Dead { unsent, unrecorded: None } };
    };
    let dead_letter = DeadLetter {
        key: claim_key.clone(),
        source: record.source().to_owned(),
        event_type: record.event_type().to_owned(),
        at: processor.clock.now(),
        reason: failure.reason(),
        receive_count: record.receive_count,
        entry: entry(record),
        trace_id: record.trace_id().map(str::to_owned),
    };
    let (recorded, unrecorded) = match processor.store.dead_letter(&dead_letter).await {
        Ok(recorded) => (Some(recorded), None),
        Err(unrecorded) => (None, Some(unrecorded)),
    };
    match after_dead_letter(recorded, failure.is_unsent()) {
        AfterDeadLetter::Dead => End::Failed { failure, then: Then::Dead { unsent, unrecorded } },
        AfterDeadLetter::Finish(effect) => finished(processor, record, &effect).await,
        AfterDeadLetter::Undelivered => End::Failed { failure, then: Then::Undelivered },
    }
}

/// The rest is done from the record. If that fails, the dead-letter queue keeps the message, so that a redrive does it.
async fn finished(processor: &Processor, record: &Record, effect: &RecordedEffect) -> End {
    match finish(processor, record.envelope(), effect).await {
        Ok(done) => End::Done(done),
        Err(failure) => End::Failed { failure, then: Then::Undelivered },
    }
}

/// Its entry in its owner's timeline, so that readers of the conversation see the failure, and an erasure finds it.
fn entry(record: &Record) -> Option<Entry> {
    let envelope = record.envelope()?;
    let occurred = TimelineKey::new(envelope.order().time, &envelope.claimkey);
    Some(Entry { conversation: record.conversation.clone()?, occurred })
}
