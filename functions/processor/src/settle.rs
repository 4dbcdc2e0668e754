//! What becomes of a record that couldn't be processed: it is returned to the queue, sent to it again, or recorded as dead on its
//! last receive. Each end has one line and one metric.

use crate::Processor;
use crate::apply::occurred;
use crate::commit::{Done, finish};
use crate::decode::Record;
use crate::failure::Failure;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tidings_config::limits::{CONTENDED_PAUSE, MAX_REASON_BYTES};
use tidings_config::time::millis;
use tidings_core::claim::ClaimKey;
use tidings_core::claim::decide::{AfterFailure, RecordedEffect, after_failure};
use tidings_core::envelope::Envelope;
use tidings_core::ports::{Burial, Buried, Entry};
use tidings_core::telemetry::{Metric, STEP, Shown};
use tidings_core::told::ToldLink;

/// The end of one record in this batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum End {
    /// SQS may delete the message. `Some`: its effect was found to be there.
    Done(Option<Done>),
    /// SQS is to show it again, or to move it to the dead-letter queue.
    GiveBack,
}

/// Returns the record to the queue; on its last receive records why first.
pub async fn settle(processor: &Processor, record: &Record, failure: &Failure) -> End {
    let mut reason = failure.to_string();
    reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
    if matches!(failure, Failure::PastHorizon { .. }) {
        Metric::Parked.count(record.source());
    }
    let contended = matches!(failure, Failure::Contended);
    match after_failure(record.receive_count, processor.max_receive_count.get(), contended) {
        AfterFailure::Retry => retry(record, failure, &reason),
        AfterFailure::Requeue => requeue(processor, record, failure, reason).await,
        AfterFailure::Bury => bury(processor, record, failure, reason).await,
    }
}

fn retry(record: &Record, failure: &Failure, reason: &str) -> End {
    let (code, receive_count, source) = (failure.code(), record.receive_count, record.source());
    let claim_key = record.claim_key.as_ref().map_or("unknown", ClaimKey::as_str);
    Metric::Retried.count_as(source, code);
    tracing::warn!(
        claim_key, event_id = %Shown(record.event_id()), source, event_type = %Shown(record.event_type()), outcome = "retry", code,
        reason, cause = failure.cause(), receive_count, trace_id = record.trace_id(), "failed"
    );
    tracing::debug!(target: STEP, step = "retry", source, claim_key, receive_count, reason);
    End::GiveBack
}

/// Contention is a sign of progress, of other events: a copy begins with its receives again, and this message goes.
async fn requeue(processor: &Processor, record: &Record, failure: &Failure, reason: String) -> End {
    // A link is taken from its own queue alone, to which nothing of ours can send.
    let Some(envelope) = record.envelope.as_ref().ok().filter(|envelope| ToldLink::of_envelope(envelope).is_none()) else {
        return bury(processor, record, failure, reason).await;
    };
    let pause = CONTENDED_PAUSE.mul_f64(fastrand::f64());
    if processor.timers.send(&envelope.encode(), pause).await.is_err() {
        return bury(processor, record, failure, reason).await;
    }
    let (code, receive_count, source) = (failure.code(), record.receive_count, record.source());
    Metric::Retried.count_as(source, code);
    tracing::warn!(
        claim_key = %envelope.claimkey, event_id = %Shown(&envelope.id), source, event_type = %Shown(&envelope.event_type),
        outcome = "requeued", code, reason, receive_count, pause_ms = millis(pause), trace_id = record.trace_id(), "failed"
    );
    End::Done(None)
}

async fn bury(processor: &Processor, record: &Record, failure: &Failure, reason: String) -> End {
    let (receive_count, source, trace_id, code) = (record.receive_count, record.source(), record.trace_id(), failure.code());
    let (event_id, event_type) = (Shown(record.event_id()), Shown(record.event_type()));
    let Some(claim_key) = &record.claim_key else {
        // Nothing of ours, or so broken that it names no event: the dead-letter queue is all the record there is.
        Metric::Dead.count_as(source, code);
        tracing::error!(message_id = record.message_id, outcome = "dead", code, reason, receive_count, trace_id, "failed");
        return End::GiveBack;
    };
    let burial = Burial {
        key: claim_key.clone(),
        source: source.to_owned(),
        event_type: record.event_type().to_owned(),
        at: processor.clock.now(),
        reason,
        receive_count,
        entry: entry(processor, record),
        trace_id: trace_id.map(str::to_owned),
    };
    let cause = failure.cause();
    match processor.store.bury(&burial).await {
        Ok(Buried::Processed(effect)) => processed(processor, record, failure, &effect).await,
        Ok(Buried::Yes) => {
            Metric::Dead.count_as(source, code);
            tracing::error!(%claim_key, %event_id, source, %event_type, outcome = "dead", code, reason = burial.reason, cause, receive_count, trace_id, "failed");
            tracing::debug!(target: STEP, step = "dead", source, claim_key = %claim_key, receive_count, reason = burial.reason);
            End::GiveBack
        }
        Err(unavailable) => {
            // The message goes to the dead-letter queue all the same; only the reason isn't with the claim.
            Metric::Dead.count_as(source, code);
            let unrecorded = unavailable.to_string();
            tracing::error!(%claim_key, %event_id, source, %event_type, outcome = "dead", code, reason = burial.reason, cause, receive_count, trace_id, unrecorded, "failed, and not recorded");
            End::GiveBack
        }
    }
}

/// Its effect is there, though this receive failed: an answer was lost, or not all of it was sent. What is left is done from the
/// record; if it can't be, the dead-letter queue keeps the message, so that a redrive does it.
async fn processed(processor: &Processor, record: &Record, failure: &Failure, effect: &RecordedEffect) -> End {
    // What failed now has just been tried.
    let unsent = if matches!(failure, Failure::Undelivered(_)) { Err(failure.clone()) } else { finish(processor, effect).await };
    let failure = match unsent {
        Ok(done) => return End::Done(Some(done)),
        Err(failure) => failure,
    };
    let (source, code, reason) = (record.source(), failure.code(), failure.to_string());
    Metric::Undelivered.count(source);
    tracing::error!(
        claim_key = record.claim_key.as_ref().map(ClaimKey::as_str), event_id = %Shown(record.event_id()), source,
        event_type = %Shown(record.event_type()), outcome = "undelivered", code, reason, cause = failure.cause(),
        receive_count = record.receive_count, trace_id = record.trace_id(), "failed"
    );
    End::GiveBack
}

/// Its place in the timeline of whose it is, so that a reader of the conversation sees what failed, and an erasure finds it.
fn entry(processor: &Processor, record: &Record) -> Option<Entry> {
    let envelope = record.envelope.as_ref().ok()?;
    let conversation = whose(processor, envelope)?;
    Some(Entry { conversation, occurred: occurred(envelope.order().time, &envelope.claimkey) })
}

/// Whose an event is that failed. An expression that panicked may do so again: what there is to say of it is worth more.
pub fn whose(processor: &Processor, envelope: &Envelope) -> Option<String> {
    catch_unwind(AssertUnwindSafe(|| processor.planner.whose(envelope))).ok()?
}
