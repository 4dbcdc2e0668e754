//! claim → enqueue, for each event of a delivery. [`tidings_core::claim::decide`] decides the steps; this module
//! carries them out.
//!
//! First the events are claimed. Then those that must be queued are sent in as few batches as possible. An event that
//! SQS hasn't acknowledged keeps its claim unchanged and doesn't affect the others. A delivery with very many events is
//! handled in steps of [`EVENTS_AT_ONCE`] while time is left. The remaining events aren't claimed; the provider sends
//! the delivery again.
//!
//! With `durability: outbox` the claim keeps the event, so an event that SQS hasn't acknowledged is durable as well, and a
//! sweep queues it (decision 81). An event that is too large to be kept needs SQS, as without it.
//!
//! If a delivery may have to be sent again, the claims of the events that SQS has acknowledged are marked `enqueued`:
//! the next try then goes on where this one ended. Other events aren't marked (decision 63).

mod batches;

use self::batches::batches;
use crate::delivery::Delivery;
use crate::extract::VerifiedEvent;
use crate::reply::Reply;
use futures::future::ready;
use futures::stream::{self, StreamExt};
use std::sync::Arc;
use tidings_config::limits::{EVENTS_AT_ONCE, FIRST_PLAUSIBLE_TIME_UNIX_MS, MAX_OUTBOX_EVENT_BYTES, MAX_TRACED_EVENTS};
use tidings_config::source::{DurableBy, Source};
use tidings_config::time::{Clock, Timestamp, millis};
use tidings_core::claim::decide::{AfterRecord, Body, Durability, Recorded, after_record, is_kept};
use tidings_core::claim::{ClaimKey, NewClaim, OutboxMessage, Sha256Hex};
use tidings_core::ports::{ClaimStore, EventQueue, Unavailable};
use tidings_core::telemetry::{Metric, STEP, Segment, Shown, is_sampled};
use tidings_core::trace::Trace;

/// Concurrent calls for one delivery.
const CONCURRENT_CALLS: usize = 10;

/// Makes events durable.
#[derive(Debug)]
pub struct Acceptor {
    claims: Arc<dyn ClaimStore>,
    queue: Arc<dyn EventQueue>,
    clock: Arc<dyn Clock>,
}

/// Data that the events of one delivery share.
#[derive(Clone, Copy, Debug)]
struct Arrival<'a> {
    source: &'a Source,
    /// The size of the whole body.
    bytes: usize,
    received: Timestamp,
    trace: Option<&'a Trace>,
}

/// An event with a recorded claim that must be queued.
#[derive(Debug)]
struct Waiting {
    event: Named,
    message: String,
    /// Whether its claim may be marked `enqueued` afterwards.
    mark: bool,
    /// Whether its claim keeps it.
    is_kept: bool,
}

/// The fields of an event in the log.
#[derive(Debug)]
struct Named {
    key: ClaimKey,
    id: String,
    event_type: String,
    conversation: Option<String>,
    /// Whether it is among the first [`MAX_TRACED_EVENTS`] of its delivery.
    traced: bool,
}

/// The result for one event. Every event has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acceptance {
    /// SQS has acknowledged it.
    Queued,
    /// SQS had acknowledged it before.
    Duplicate,
    /// SQS didn't acknowledge it, and its claim keeps it: a sweep queues it.
    Kept,
    /// SQS didn't acknowledge it: the claim is unchanged, and the next delivery tries again.
    NotDurable,
}

impl Acceptor {
    pub fn new(claims: Arc<dyn ClaimStore>, queue: Arc<dyn EventQueue>, clock: Arc<dyn Clock>) -> Self {
        Self { claims, queue, clock }
    }

    /// Makes the events of a delivery durable. If one isn't durable, the whole delivery gets 503; the others are
    /// duplicates next time.
    pub async fn accept(
        &self,
        source: &Source,
        events: Vec<VerifiedEvent>,
        delivery: &Delivery,
        received: Timestamp,
        trace: Option<&Trace>,
        until: Option<Timestamp>,
    ) -> Result<Reply, Reply> {
        if events.is_empty() {
            return Ok(Reply::NoEvents);
        }
        let arrival = Arrival { source, bytes: delivery.body.len(), received, trace };
        let count = events.len();
        let (mut durability, mut places) = (Durability::Duplicate, events.into_iter().enumerate());
        while places.len() > 0 {
            let (all, left) = (places.len() == count, places.len());
            if !all && until.is_some_and(|until| self.clock.now() >= until) {
                Metric::OutOfTime.record(&source.name, left as u64);
                tracing::error!(source = source.name, left, "the time ran out before these events were claimed");
                return Err(Reply::NotDurable);
            }
            let some: Vec<_> = places.by_ref().take(EVENTS_AT_ONCE).collect();
            // An event that isn't durable doesn't stop the events after it.
            durability = durability.max(self.accept_some(arrival, some, count > EVENTS_AT_ONCE).await);
        }
        match durability {
            Durability::Duplicate => Ok(Reply::Duplicate),
            Durability::Queued => Ok(Reply::Accepted),
            Durability::NotDurable => Err(Reply::NotDurable),
        }
    }

    async fn accept_some(&self, arrival: Arrival<'_>, events: Vec<(usize, VerifiedEvent)>, in_steps: bool) -> Durability {
        let claimed = stream::iter(events).map(|(place, event)| self.claim(arrival, place, event)).buffered(CONCURRENT_CALLS);
        let waiting: Vec<Waiting> = claimed.filter_map(ready).collect().await;
        let answers = if waiting.is_empty() { Vec::new() } else { self.enqueue(&waiting, arrival.trace).await };
        let durability = Durability::of(answers.iter().zip(&waiting).map(|(answer, event)| answer.is_ok() || event.is_kept));
        let marks = durability.marks(in_steps);
        let settled =
            stream::iter(waiting.into_iter().zip(answers)).map(|(event, answer)| self.settle(arrival, event, answer, marks));
        settled.buffered(CONCURRENT_CALLS).collect::<()>().await;
        durability
    }

    /// Claims one event. `None`: SQS had acknowledged it before. `place` is its index in the delivery, from 0.
    async fn claim(&self, arrival: Arrival<'_>, place: usize, event: VerifiedEvent) -> Option<Waiting> {
        let envelope = event.envelope();
        let claim = NewClaim {
            key: envelope.claimkey.clone(),
            source: arrival.source.name.clone(),
            event_id: envelope.id.clone(),
            event_type: envelope.event_type.clone(),
            subject: envelope.subject.clone(),
            body_sha256: event.body_sha256().clone(),
            received: arrival.received,
            trace_id: arrival.trace.map(|trace| trace.id().to_owned()),
            unread: event.unread().to_vec(),
            outbox: kept(arrival.source, &event),
        };
        let (conversation, time) = (envelope.conversation.clone(), envelope.time);
        let asked = self.clock.now();
        let recorded = self.claims.record(&claim).await;
        Metric::ClaimLatency.measure(millis(self.clock.now().since(asked)));
        if let (Recorded::New, Some(time)) = (&recorded, time) {
            Metric::ArrivalLag.record(&claim.source, millis(arrival.received.since(time)));
        }
        let event = self.note(arrival, &claim, &recorded, event).await;
        let traced = place < MAX_TRACED_EVENTS;
        let named =
            |claim: NewClaim| Named { key: claim.key, id: claim.event_id, event_type: claim.event_type, conversation, traced };
        match after_record(&recorded) {
            AfterRecord::Duplicate => {
                tracing::debug!(target: STEP, step = "duplicate", source = arrival.source.name, claim_key = %claim.key);
                if let Recorded::Existing { state, .. } = recorded {
                    Metric::Duplicate.count_as(&arrival.source.name, state.as_str());
                }
                self.log(arrival, &named(claim), Acceptance::Duplicate);
                None
            }
            AfterRecord::Enqueue { mark } => {
                let message = event.into_message();
                let is_kept = is_kept(&recorded, claim.outbox.is_some());
                Some(Waiting { event: named(claim), message, mark, is_kept })
            }
        }
    }

    /// Handles what the claims table returned beside the next step.
    async fn note(&self, arrival: Arrival<'_>, claim: &NewClaim, recorded: &Recorded, event: VerifiedEvent) -> VerifiedEvent {
        let state = match recorded {
            Recorded::New => "received",
            Recorded::Existing { state, .. } => state.as_str(),
            Recorded::Contended => "contended",
            Recorded::Unknown => {
                Metric::ClaimUnknown.count(&arrival.source.name);
                "unknown"
            }
        };
        self.log_unreadable_fields(arrival, claim, &event);
        tracing::debug!(target: STEP, step = "claimed", source = arrival.source.name, claim_key = %claim.key, event_type = claim.event_type, state);
        if let Recorded::Existing { received, body, .. } = recorded {
            if let Body::Other { first, is_news } = body {
                self.report_other_body(arrival, claim, first, *is_news).await;
            }
            // Events without a time of their own are ordered by their first receipt.
            if let Some(first) = received {
                return event.first_received(*first);
            }
        }
        event
    }

    /// Either the provider reuses an id for another event, or our key merges two events. This code can't decide
    /// which: the event counts as known, and an operator is informed. If the claim lists this body already, no call
    /// is made.
    async fn report_other_body(&self, arrival: Arrival<'_>, claim: &NewClaim, first: &Sha256Hex, is_news: bool) {
        let (source, claim_key) = (&arrival.source.name, &claim.key);
        let (first, other) = (first.short(), claim.body_sha256.short());
        Metric::BodyMismatch.count(source);
        tracing::warn!(source, %claim_key, first, other, "a known event came with another body");
        tracing::debug!(target: STEP, step = "other_body", source, %claim_key, first, other);
        if is_news && let Err(unavailable) = self.claims.note_body(claim_key, &claim.body_sha256).await {
            tracing::warn!(%claim_key, cause = %unavailable, "the other body could not be recorded in the claim");
        }
    }

    /// Logs what couldn't be read of the event.
    fn log_unreadable_fields(&self, arrival: Arrival<'_>, claim: &NewClaim, event: &VerifiedEvent) {
        let (source, claim_key) = (&arrival.source.name, &claim.key);
        if let Some(unreadable) = event.envelope().unreadable() {
            Metric::Unreadable.count_as(source, unreadable.why.as_str());
            let (reason, code) = (unreadable.to_string(), unreadable.why.as_str());
            tracing::warn!(source, %claim_key, code, reason, "authentic, but not readable as an event: it goes to the dead-letter queue");
            tracing::debug!(target: STEP, step = "unreadable", source, %claim_key, reason);
        }
        if let Some(time) = event.envelope().time.filter(|time| time.unix_ms() < FIRST_PLAUSIBLE_TIME_UNIX_MS) {
            tracing::debug!(target: STEP, step = "early_time", source, %claim_key, %time);
        }
        if !event.unread().is_empty() {
            event.unread().iter().for_each(|field| Metric::FieldUnread.count_as(source, field.as_str()));
            let fields = event.unread().iter().map(|field| field.as_str()).collect::<Vec<_>>().join(", ");
            tracing::warn!(source, %claim_key, fields, "unreadable fields: the event is processed without them");
            tracing::debug!(target: STEP, step = "unread", source, %claim_key, fields);
        }
    }

    /// One result for each event, in their order.
    async fn enqueue(&self, waiting: &[Waiting], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        let messages: Vec<&str> = waiting.iter().map(|event| event.message.as_str()).collect();
        let calls: Vec<_> = batches(&messages).map(|batch| self.send(batch, trace)).collect();
        let answers: Vec<Vec<_>> = stream::iter(calls).buffered(CONCURRENT_CALLS).collect().await;
        answers.into_iter().flatten().collect()
    }

    async fn send(&self, batch: &[&str], trace: Option<&Trace>) -> Vec<Result<(), Unavailable>> {
        let asked = self.clock.now();
        let answers = self.queue.send(batch, trace).await;
        Metric::EnqueueLatency.measure(millis(self.clock.now().since(asked)));
        one_each(answers, batch.len())
    }

    /// Counts and logs the event. `marks`: its claim is marked if SQS has acknowledged it.
    async fn settle(&self, arrival: Arrival<'_>, waiting: Waiting, answer: Result<(), Unavailable>, marks: bool) {
        let Waiting { event, mark, is_kept, .. } = waiting;
        let source = &arrival.source.name;
        let acceptance = match answer {
            Err(unavailable) => {
                Metric::EnqueueFailed.count(source);
                tracing::error!(claim_key = %event.key, cause = %unavailable, "not queued");
                tracing::debug!(target: STEP, step = "not_queued", source, claim_key = %event.key);
                if is_kept {
                    Metric::Accepted.count(source);
                    Acceptance::Kept
                } else {
                    Acceptance::NotDurable
                }
            }
            Ok(()) => {
                Metric::Accepted.count(source);
                tracing::debug!(target: STEP, step = "enqueued", source, claim_key = %event.key);
                if marks
                    && mark
                    && let Err(unavailable) = self.claims.mark_enqueued(&event.key, self.clock.now()).await
                {
                    // Without its mark, the event's next delivery queues it again, which is harmless.
                    tracing::warn!(claim_key = %event.key, cause = %unavailable, "queued, but not marked");
                }
                Acceptance::Queued
            }
        };
        self.log(arrival, &event, acceptance);
    }

    /// Logs the one line that every event has.
    fn log(&self, arrival: Arrival<'_>, event: &Named, acceptance: Acceptance) {
        let Arrival { source, bytes, received, trace } = arrival;
        let outcome = match acceptance {
            Acceptance::Queued => "accepted",
            Acceptance::Duplicate => "duplicate",
            Acceptance::Kept => "kept",
            Acceptance::NotDurable => "not_durable",
        };
        let now = self.clock.now();
        let duration_ms = millis(now.since(received));
        if let Some(trace) = trace.filter(|_| event.traced) {
            let segment = Segment {
                name: "receive",
                claim_key: &event.key,
                event_id: &event.id,
                source: &source.name,
                conversation: event.conversation.as_deref(),
                outcome,
                fault: acceptance == Acceptance::NotDurable,
                started: received,
                ended: now,
            };
            segment.add_to(trace);
        }
        let is_plain = match acceptance {
            Acceptance::Queued | Acceptance::Duplicate => true,
            Acceptance::Kept | Acceptance::NotDurable => false,
        };
        if is_plain && !is_sampled(event.key.as_str()) {
            return;
        }
        tracing::info!(
            source = source.name, tenant = event.key.tenant(), claim_key = %event.key, event_id = %Shown(&event.id), event_type = %Shown(&event.event_type),
            conversation = %Shown(event.conversation.as_deref().unwrap_or_default()), outcome, bytes, duration_ms,
            trace_id = trace.map(Trace::id), "received"
        );
    }
}

/// The message that the claim keeps. `None`: the source doesn't ask for it, or the event is too large, which is logged.
fn kept(source: &Source, event: &VerifiedEvent) -> Option<OutboxMessage> {
    if source.durability == DurableBy::Queue {
        return None;
    }
    let (message, claim_key) = (OutboxMessage::of(event.message()), &event.envelope().claimkey);
    if message.is_none() {
        let (bytes, most) = (event.message().len(), MAX_OUTBOX_EVENT_BYTES);
        tracing::warn!(source = source.name, %claim_key, bytes, most, reason = "too_large", "the claim can't keep the event");
    }
    message
}

/// Returns exactly one result for each message. With any other number the results can't be assigned, so no message
/// counts as acknowledged.
fn one_each(answers: Vec<Result<(), Unavailable>>, messages: usize) -> Vec<Result<(), Unavailable>> {
    if answers.len() == messages {
        return answers;
    }
    let cause = format!("{} answers to {messages} messages", answers.len());
    (0..messages).map(|_| Err(Unavailable { call: "sqs:SendMessage", cause: cause.clone() })).collect()
}
