//! The end of a record: the response to SQS, the log line and the metrics.
//!
//! Promises: each record has one [`End`], and the response to SQS is what [`End::report`] returns, so no record ends
//! without its log line.

use crate::commit::{Done, Effect};
use crate::decode::Record;
use crate::failure::{Failure, FailureKind};
use crate::timer::WAITS;
use std::time::Duration;
use tidings_config::limits::LAG_OBJECTIVE;
use tidings_config::time::{Timestamp, millis};
use tidings_core::claim::{ClaimKey, Outcome};
use tidings_core::envelope::Envelope;
use tidings_core::ports::Unavailable;
use tidings_core::telemetry::{Metric, STEP, Segment, Shown, is_sampled};

/// The end of one record in this batch.
#[derive(Debug)]
#[must_use = "a record's end is reported, and its report is the answer to SQS"]
pub(crate) enum End {
    /// Its effect is in the context, or there is nothing to do now.
    Done(Done),
    Failed {
        failure: Failure,
        then: Then,
    },
}

/// What happens to a record that failed.
#[derive(Debug)]
pub(crate) enum Then {
    /// SQS delivers it again.
    Retry,
    /// A copy was sent, which becomes visible after this pause.
    Requeued { pause: Duration },
    /// The redrive policy moves it to the dead-letter queue. `unsent`: why no copy was sent. `unrecorded`: why its
    /// claim doesn't record it.
    Dead { unsent: Option<Unavailable>, unrecorded: Option<Unavailable> },
    /// Its effect is in the context, but not all of its actions are sent: the dead-letter queue keeps it.
    Undelivered,
    /// It couldn't be settled in time: SQS delivers it again.
    Unsettled,
}

/// The response to SQS for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Answer {
    Delete,
    /// SQS delivers it again, or moves it to the dead-letter queue.
    Keep,
}

/// The time of processing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processed {
    pub(crate) started: Timestamp,
    pub(crate) ended: Timestamp,
}

impl End {
    /// Counts it and logs its only line.
    pub(crate) fn report(self, record: &Record, at: Processed) -> Answer {
        match self {
            Self::Done(done) => {
                report_done(record, &done, at);
                Answer::Delete
            }
            Self::Failed { failure, then } => {
                if matches!(failure.kind, FailureKind::PastHorizon { .. }) {
                    Metric::PastHorizon.count(record.source());
                }
                report_failure(record, &failure, &then);
                match then {
                    Then::Requeued { .. } => Answer::Delete,
                    Then::Retry | Then::Dead { .. } | Then::Undelivered | Then::Unsettled => Answer::Keep,
                }
            }
        }
    }
}

fn report_failure(record: &Record, failure: &Failure, then: &Then) {
    let (source, code, stage, reason, cause) =
        (record.source(), failure.code(), failure.stage.as_str(), failure.reason(), failure.causes());
    let (receive_count, trace_id) = (record.receive_count, record.trace_id());
    let claim_key = record.claim_key.as_ref().map(ClaimKey::as_str);
    // The only identifier of a record without a claim key.
    let message_id = claim_key.is_none().then_some(record.message_id.as_str());
    let (event_id, event_type) = (record.envelope().map(|_| Shown(record.event_id())), Shown(record.event_type()));
    let event_id = event_id.as_ref().map(tracing::field::display);
    let named = claim_key.map(tracing::field::display);
    macro_rules! line {
        ($level:ident, $outcome:literal, $message:literal $(, $field:ident = $value:expr)*) => {
            tracing::$level!(
                claim_key = named, message_id, event_id, source, %event_type, outcome = $outcome, code, stage, reason, cause, receive_count,
                trace_id, $($field = $value,)* $message
            )
        };
    }
    match then {
        Then::Retry => {
            Metric::Retried.count_as(source, code);
            line!(warn, "retry", "failed");
            tracing::debug!(target: STEP, step = "retry", source, claim_key, receive_count, reason);
        }
        Then::Requeued { pause } => {
            Metric::Retried.count_as(source, code);
            line!(warn, "requeued", "failed", pause_ms = millis(*pause));
        }
        Then::Dead { unsent, unrecorded } => {
            Metric::Dead.count_as(source, code);
            let unsent = unsent.as_ref().map(ToString::to_string);
            match unrecorded {
                None => {
                    line!(error, "dead", "failed", unsent = unsent);
                    if claim_key.is_some() {
                        tracing::debug!(target: STEP, step = "dead", source, claim_key, %event_type, receive_count, reason);
                    }
                }
                Some(unrecorded) => {
                    line!(error, "dead", "failed and not recorded", unsent = unsent, unrecorded = unrecorded.to_string());
                }
            }
        }
        Then::Undelivered => {
            Metric::Undelivered.count(source);
            line!(error, "undelivered", "failed");
        }
        Then::Unsettled => line!(error, "unsettled", "failed and not settled"),
    }
}

fn report_done(record: &Record, done: &Done, at: Processed) {
    let Some(envelope) = record.envelope() else {
        let claim_key = record.claim_key.as_ref().map(ClaimKey::as_str);
        tracing::info!(claim_key, outcome = done.outcome, receive_count = record.receive_count, "processed");
        return;
    };
    let Done { outcome, conversation, .. } = done;
    // Timers of days come hundreds of times: a line of each would cost more than the messages.
    if *outcome == WAITS {
        tracing::debug!(claim_key = %envelope.claimkey, event_type = %Shown(&envelope.event_type), outcome, "rescheduled");
        return;
    }
    let source = envelope.source_name();
    let duration_ms = millis(at.ended.since(at.started));
    let lag = at.ended.since(envelope.receivedtime);
    count(done, envelope, duration_ms, lag);
    let actions: Vec<String> = done.actions.iter().map(ToString::to_string).collect();
    let (rules, actions) = (done.rules.join(","), actions.join("; "));
    // An event that was received before had failed, and has all its lines.
    if record.receive_count > 1 || is_sampled(envelope.claimkey.as_str()) {
        tracing::info!(
            claim_key = %envelope.claimkey, event_id = %Shown(&envelope.id), source,
            tenant = envelope.claimkey.tenant(), event_type = %Shown(&envelope.event_type), conversation = %Shown(conversation), outcome, rules, actions, receive_count = record.receive_count, duration_ms,
            lag_ms = millis(lag), trace_id = record.trace_id(), "processed"
        );
    }
    if !envelope.is_ours() {
        tracing::debug!(
            target: STEP, step = "processed", source, claim_key = %envelope.claimkey, event_type = %Shown(&envelope.event_type),
            conversation, outcome, rules, actions
        );
    }
}

/// Adds the outcome to the trace of the original request, if it is sampled. A message that couldn't be decoded has no trace.
pub(crate) fn trace(record: &Record, done: &Result<Done, Failure>, at: Processed) {
    let trace = record.trace.as_ref().filter(|trace| trace.sampled().is_some());
    let (Some(envelope), Some(trace)) = (record.envelope(), trace) else { return };
    let (outcome, conversation) = match done {
        Ok(done) => (done.outcome, Some(done.conversation.as_str())),
        Err(failure) => (failure.code(), record.conversation.as_deref()),
    };
    let segment = Segment {
        name: "process",
        claim_key: &envelope.claimkey,
        event_id: &envelope.id,
        source: envelope.source_name(),
        conversation,
        outcome,
        fault: done.is_err(),
        started: at.started,
        ended: at.ended,
    };
    segment.add_to(trace);
}

/// Metrics of a processed event. An internal event is late by design, so its lag isn't counted.
fn count(done: &Done, envelope: &Envelope, duration_ms: u64, lag: Duration) {
    let source = envelope.source_name();
    Metric::CommitLatency.measure(duration_ms);
    match done.effect {
        None => {}
        Some(Effect::Before) => Metric::Repeated.count(source),
        Some(Effect::Now(outcome)) => {
            Metric::Processed.count(source);
            if outcome == Outcome::Stale {
                Metric::Stale.count(source);
            }
            if !envelope.is_ours() {
                Metric::ProcessingLag.record(source, millis(lag));
                Metric::SloMiss.measure(u64::from(lag > LAG_OBJECTIVE));
            }
        }
    }
}
