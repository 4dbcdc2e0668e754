//! claim → enqueue → mark, for each event of a delivery. What to do is decided in [`tidings_core::claim::decide`]; here it
//! is done.

use crate::delivery::Delivery;
use crate::extract::VerifiedEvent;
use crate::reply::Reply;
use futures::stream::{self, StreamExt};
use std::sync::Arc;
use tidings_core::claim::NewClaim;
use tidings_core::claim::decide::{AfterRecord, Recorded, after_record};
use tidings_core::config::source::Source;
use tidings_core::ports::{ClaimStore, EventQueue};
use tidings_core::telemetry::{Metric, STEP};
use tidings_core::time::{Clock, Timestamp};

/// Events of one delivery that are claimed and queued at once.
const CONCURRENT_EVENTS: usize = 10;

/// Makes events durable.
#[derive(Debug)]
pub struct Acceptor {
    claims: Arc<dyn ClaimStore>,
    queue: Arc<dyn EventQueue>,
    clock: Arc<dyn Clock>,
}

/// What became of one event. Every event has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acceptance {
    /// SQS has acknowledged it.
    Queued,
    /// SQS had it before.
    Duplicate,
    /// SQS didn't acknowledge it: the claim stays as it is, and the next delivery tries again.
    NotDurable,
}

impl Acceptor {
    pub fn new(claims: Arc<dyn ClaimStore>, queue: Arc<dyn EventQueue>, clock: Arc<dyn Clock>) -> Self {
        Self { claims, queue, clock }
    }

    /// One event that isn't durable makes the whole delivery 503: what did get through is a duplicate next time.
    pub async fn accept(
        &self,
        source: &Source,
        events: Vec<VerifiedEvent>,
        delivery: &Delivery,
        received: Timestamp,
    ) -> Result<Reply, Reply> {
        if events.is_empty() {
            return Ok(Reply::NoEvents);
        }
        let bytes = delivery.body.len();
        let accepted: Vec<Acceptance> = stream::iter(events)
            .map(|event| self.accept_one(source, event, bytes, received))
            .buffered(CONCURRENT_EVENTS)
            .collect()
            .await;
        if accepted.contains(&Acceptance::NotDurable) {
            Err(Reply::NotDurable)
        } else if accepted.contains(&Acceptance::Queued) {
            Ok(Reply::Accepted)
        } else {
            Ok(Reply::Duplicate)
        }
    }

    async fn accept_one(&self, source: &Source, event: VerifiedEvent, bytes: usize, received: Timestamp) -> Acceptance {
        let key = event.envelope().claimkey.clone();
        let event_type = event.envelope().event_type.clone();
        let acceptance = self.claim_and_queue(source, event, received).await;
        let outcome = match acceptance {
            Acceptance::Queued => "accepted",
            Acceptance::Duplicate => "duplicate",
            Acceptance::NotDurable => "not_durable",
        };
        let duration_ms = self.clock.now().since(received).as_millis() as u64;
        tracing::info!(source = source.name, claim_key = %key, event_type, outcome, bytes, duration_ms, "received");
        acceptance
    }

    async fn claim_and_queue(&self, source: &Source, event: VerifiedEvent, received: Timestamp) -> Acceptance {
        let envelope = event.envelope();
        let claim = NewClaim {
            key: envelope.claimkey.clone(),
            source: source.name.clone(),
            event_id: envelope.id.clone(),
            event_type: envelope.event_type.clone(),
            subject: envelope.subject.clone(),
            body_sha256: event.body_sha256().clone(),
            received,
        };
        let recorded = self.claims.record(&claim).await;
        let event = self.note(source, &claim, recorded, event);
        match after_record(recorded) {
            AfterRecord::Duplicate => {
                tracing::debug!(target: STEP, step = "duplicate", source = source.name, claim_key = %claim.key);
                Acceptance::Duplicate
            }
            AfterRecord::Enqueue { mark } => self.enqueue(source, &claim, &event, mark).await,
        }
    }

    /// What the claims table's answer tells us beside what to do next.
    fn note(&self, source: &Source, claim: &NewClaim, recorded: Recorded, event: VerifiedEvent) -> VerifiedEvent {
        let state = match recorded {
            Recorded::New => "received",
            Recorded::Existing { state, .. } => state.as_str(),
            Recorded::Contended => "contended",
            Recorded::Unknown => {
                Metric::ClaimUnknown.count(&source.name, self.clock.now());
                "unknown"
            }
        };
        tracing::debug!(target: STEP, step = "claimed", source = source.name, claim_key = %claim.key, event_type = claim.event_type, state);
        if let Recorded::Existing { received, same_body, .. } = recorded {
            if !same_body {
                Metric::BodyMismatch.count(&source.name, self.clock.now());
                tracing::warn!(claim_key = %claim.key, "a known event came with another body");
            }
            // Events without a time of their own are ordered by when they were received: the first time counts.
            if let Some(first) = received {
                return event.first_received(first);
            }
        }
        event
    }

    async fn enqueue(&self, source: &Source, claim: &NewClaim, event: &VerifiedEvent, mark: bool) -> Acceptance {
        if let Err(unavailable) = self.queue.send(&event.envelope().encode()).await {
            Metric::EnqueueFailed.count(&source.name, self.clock.now());
            tracing::error!(claim_key = %claim.key, cause = %unavailable, "not queued");
            tracing::debug!(target: STEP, step = "not_queued", source = source.name, claim_key = %claim.key);
            return Acceptance::NotDurable;
        }
        tracing::debug!(target: STEP, step = "enqueued", source = source.name, claim_key = %claim.key);
        if mark && let Err(unavailable) = self.claims.mark_enqueued(&claim.key, self.clock.now()).await {
            // Without its mark the event is queued once more by its next delivery, which is harmless.
            tracing::warn!(claim_key = %claim.key, cause = %unavailable, "queued, but not marked");
        }
        Acceptance::Queued
    }
}
