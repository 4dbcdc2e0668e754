//! Why an event couldn't be processed, and what becomes of it then.

use crate::Processor;
use crate::apply::occurred;
use crate::decode::Record;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tidings_core::claim::decide::{AfterFailure, after_failure};
use tidings_core::envelope::{DecodeError, Envelope};
use tidings_core::limits::{MAX_EVENT_AGE, MAX_ITEM_BYTES, MAX_JOIN_EVENTS, MAX_REASON_BYTES, MAX_SET_ELEMENTS, MAX_TEXT_BYTES};
use tidings_core::ports::{Burial, Buried, Entry};
use tidings_core::schemas::Finding;
use tidings_core::telemetry::{Metric, STEP, Shown};
use tidings_core::time::Timestamp;
use tidings_core::unreadable::Unreadable;

/// One variant per way to fail. The text is the reason that is recorded with a dead event: it names rules, fields and
/// types, never what is in them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Decode(#[from] DecodeError),
    /// The receiver kept it, because nothing that is authentic disappears.
    #[error("{0}")]
    Unreadable(Unreadable),
    #[error("the payload is not JSON")]
    Payload,
    #[error("{0}")]
    OffSchema(Finding),
    #[error("received {received}, longer ago than {} days: its claim may be gone, so a second effect couldn't be told from a first", MAX_EVENT_AGE.as_secs() / 86_400)]
    PastHorizon { received: Timestamp },
    #[error("conversation {expression:?}: {what}")]
    Conversation { expression: String, what: String },
    #[error("rule {rule}, {field}: {what}")]
    Rule { rule: String, field: String, what: String },
    #[error("rule {rule}, enrich: {api}: {what}")]
    Unfetched { rule: String, api: String, what: String },
    #[error("{seen} {what}, allowed: {allowed}")]
    TooMany { what: &'static str, seen: usize, allowed: usize },
    #[error("context item {item} would have {bytes} bytes, allowed: {MAX_ITEM_BYTES}")]
    LargeItem { item: String, bytes: usize },
    #[error("context item {item}, {fact}: a set of {elements} elements, allowed: {MAX_SET_ELEMENTS}")]
    LargeSet { item: String, fact: String, elements: usize },
    #[error("rule {rule}, notify.text: a text of {bytes} bytes, allowed: {MAX_TEXT_BYTES}")]
    LongText { rule: String, bytes: usize },
    #[error("join {join}: more than {MAX_JOIN_EVENTS} events of one key; a key is to name one thing that happens")]
    JoinFull { join: String },
    #[error("what an identity is to be linked to is an identity itself, and has a conversation")]
    LinkTarget,
    #[error("the tables did not answer: {0}")]
    Unavailable(String),
    #[error("what it causes isn't all sent: {0} did not answer")]
    Undelivered(String),
    #[error("other events of the conversation were faster every time")]
    Contended,
    #[error("no time was left")]
    Deadline,
    #[error("the processor panicked; its log says where")]
    Panic,
}

impl Failure {
    /// A word for metrics and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Decode(_) => "undecodable",
            Self::Unreadable(_) => "unreadable",
            Self::Payload => "payload",
            Self::OffSchema(_) => "off_schema",
            Self::PastHorizon { .. } => "past_horizon",
            Self::Conversation { .. } => "conversation",
            Self::Rule { .. } => "rule",
            Self::Unfetched { .. } => "unfetched",
            Self::TooMany { .. } | Self::LargeItem { .. } | Self::LargeSet { .. } | Self::LongText { .. } => "too_large",
            Self::JoinFull { .. } => "join_full",
            Self::LinkTarget => "link_target",
            Self::Undelivered(_) => "undelivered",
            Self::Unavailable(_) => "unavailable",
            Self::Contended => "contended",
            Self::Deadline => "deadline",
            Self::Panic => "panic",
        }
    }
}

/// The end of one record in this batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// SQS may delete the message.
    Done,
    /// SQS is to show it again, or to move it to the dead-letter queue.
    GiveBack,
}

/// Gives the record back; on its last receive records why first. `goes_on`: its effect isn't all that there is to do.
pub async fn settle(processor: &Processor, record: &Record, failure: &Failure, goes_on: bool) -> End {
    let now = processor.clock.now();
    let receive_count = record.receive_count;
    let key = record.claim_key.as_ref().map_or("unknown", |key| key.as_str());
    let mut reason = failure.to_string();
    reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
    if matches!(failure, Failure::PastHorizon { .. }) {
        Metric::Parked.count(record.source());
    }
    match after_failure(receive_count, processor.max_receive_count.get()) {
        AfterFailure::Retry => {
            Metric::Retried.count_as(record.source(), failure.code());
            tracing::warn!(
                claim_key = key,
                event_id = %Shown(record.event_id()),
                source = record.source(),
                event_type = %Shown(record.event_type()),
                outcome = "retry",
                code = failure.code(),
                reason,
                receive_count,
                trace_id = record.trace_id(),
                "failed"
            );
            tracing::debug!(target: STEP, step = "retry", source = record.source(), claim_key = key, receive_count, reason);
            End::GiveBack
        }
        AfterFailure::Bury => bury(processor, record, reason, failure.code(), goes_on, now).await,
    }
}

async fn bury(processor: &Processor, record: &Record, reason: String, code: &'static str, goes_on: bool, now: Timestamp) -> End {
    let (receive_count, source, trace_id) = (record.receive_count, record.source(), record.trace_id());
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
        at: now,
        reason,
        receive_count,
        entry: entry(processor, record),
        trace_id: trace_id.map(str::to_owned),
    };
    match processor.store.bury(&burial).await {
        // The dead-letter queue keeps it, so that a redrive sends what it hasn't. Another event of the conversation may be
        // faster.
        Ok(Buried::Processed) if goes_on => {
            Metric::Undelivered.count(source);
            tracing::error!(%claim_key, %event_id, source, %event_type, outcome = "undelivered", code, reason = burial.reason, receive_count, trace_id, "failed");
            End::GiveBack
        }
        // An answer to a commit was lost, and it had been a yes.
        Ok(Buried::Processed) => End::Done,
        Ok(Buried::Yes) => {
            Metric::Dead.count_as(source, code);
            tracing::error!(%claim_key, %event_id, source, %event_type, outcome = "dead", code, reason = burial.reason, receive_count, trace_id, "failed");
            tracing::debug!(target: STEP, step = "dead", source, claim_key = %claim_key, receive_count, reason = burial.reason);
            End::GiveBack
        }
        Err(unavailable) => {
            // The message goes to the dead-letter queue all the same; only the reason isn't with the claim.
            Metric::Dead.count_as(source, code);
            let cause = unavailable.to_string();
            tracing::error!(%claim_key, %event_id, source, %event_type, outcome = "dead", code, reason = burial.reason, receive_count, trace_id, cause, "failed, and not recorded");
            End::GiveBack
        }
    }
}

/// Its place in the timeline of whose it is, so that whoever reads a conversation sees what failed, and whoever erases it finds
/// that.
fn entry(processor: &Processor, record: &Record) -> Option<Entry> {
    let envelope = record.envelope.as_ref().ok()?;
    let conversation = whose(processor, envelope)?;
    Some(Entry { conversation, occurred: occurred(envelope.order().time, &envelope.claimkey) })
}

/// Whose an event is that failed. An expression that panicked may do so again: what there is to say of it is worth more.
pub fn whose(processor: &Processor, envelope: &Envelope) -> Option<String> {
    catch_unwind(AssertUnwindSafe(|| processor.planner.whose(envelope))).ok()?
}
