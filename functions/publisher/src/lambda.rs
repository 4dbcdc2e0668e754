//! What Lambda calls the publisher with: messages of the published queue and of the deliveries queue, and the schedule's
//! sweep. Each record of a batch has exactly one end: deleted, or returned to the queue.

use crate::attempt::{AttemptError, Attempted, attempt};
use crate::delivery::DeliveryMessage;
use crate::fan_out::fan_out;
use crate::limits::BATCH_RESERVE;
use crate::publisher::Publisher;
use crate::schedule::Verdict;
use crate::sweep::SweepError;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsMessage};
use futures::FutureExt;
use futures::future::join_all;
use serde::Deserialize;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tidings_core::telemetry;
use tokio::time::{Instant, timeout_at};

/// The payload of an invocation. A field that is missing is `None`; other fields are ignored.
#[derive(Debug, Deserialize)]
pub struct Invocation {
    /// A batch of SQS's event source mapping.
    #[serde(rename = "Records")]
    records: Option<Vec<SqsMessage>>,
    /// The constant input of the schedule in the template.
    sweep: Option<Sweep>,
}

impl Invocation {
    /// Whether it is the schedule's.
    pub fn is_sweep(&self) -> bool {
        self.records.is_none() && self.sweep.is_some()
    }
}

/// What to sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    Deliveries,
}

/// Why an invocation fails as a whole. A batch never does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvocationError {
    #[error("neither a batch of messages nor a sweep")]
    Unknown,
    #[error(transparent)]
    Sweep(#[from] SweepError),
}

impl Publisher {
    /// Handles an invocation. `time_left` is the time until the function is stopped.
    pub async fn invoke(&self, invocation: Invocation, time_left: Duration) -> Result<SqsBatchResponse, InvocationError> {
        match (invocation.records, invocation.sweep) {
            (Some(records), _) => Ok(self.handle(records, time_left).await),
            (None, Some(Sweep::Deliveries)) => {
                let _ = self.sweep(time_left).await?;
                Ok(SqsBatchResponse::default())
            }
            (None, None) => Err(InvocationError::Unknown),
        }
    }

    /// Handles the messages of a batch side by side. SQS deletes those that the response doesn't list.
    pub async fn handle(&self, messages: Vec<SqsMessage>, time_left: Duration) -> SqsBatchResponse {
        let until = Instant::now() + time_left.saturating_sub(BATCH_RESERVE);
        let handled = join_all(messages.into_iter().map(|message| one(self, message, until))).await;
        let mut response = SqsBatchResponse::default();
        response.set_failures(handled.into_iter().flatten());
        telemetry::flush(self.clock.now());
        response
    }
}

/// The id of a message that is returned to the queue. `None`: it is done. A panic is its own message's alone.
async fn one(publisher: &Publisher, message: SqsMessage, until: Instant) -> Option<String> {
    let id = message.message_id.unwrap_or_default();
    let body = message.body.unwrap_or_default();
    let work = async {
        match DeliveryMessage::decode(&body) {
            Some(message) => of_delivery(publisher, &message).await,
            None => of_event(publisher, &body).await,
        }
    };
    match timeout_at(until, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(true)) => None,
        Ok(Ok(false)) => Some(id),
        Ok(Err(_)) => {
            tracing::error!(message_id = id, "failed: a panic");
            Some(id)
        }
        Err(_) => {
            tracing::warn!(message_id = id, "no time left: the message is received again");
            Some(id)
        }
    }
}

/// Whether it is done.
async fn of_event(publisher: &Publisher, body: &str) -> bool {
    match fan_out(publisher, body).await {
        Ok(0) => true,
        Ok(endpoints) => {
            tracing::info!(endpoints, "fanned out");
            true
        }
        Err(error) => {
            tracing::error!(cause = %error, "a published message could not be fanned out");
            false
        }
    }
}

/// Whether it is done.
async fn of_delivery(publisher: &Publisher, message: &DeliveryMessage) -> bool {
    let key = message.key();
    let (endpoint, delivery, number) = (key.endpoint.as_str(), key.delivery.as_str(), message.attempt);
    match attempt(publisher, message).await {
        Ok(Attempted::Made { verdict, status }) => {
            let outcome = match verdict {
                Verdict::Delivered => "delivered",
                Verdict::Retry { .. } => "retry",
                Verdict::GiveUp => "failed",
                Verdict::Gone => "gone",
            };
            tracing::info!(endpoint, delivery, attempt = number, outcome, status, "attempted");
            true
        }
        Ok(Attempted::Held) => {
            tracing::info!(endpoint, delivery, "held: the endpoint is disabled or doesn't exist");
            true
        }
        Ok(Attempted::Waits | Attempted::Nothing) => true,
        Err(AttemptError::Busy) => false,
        Err(error) => {
            tracing::error!(endpoint, delivery, cause = %error, "the attempt could not be made or recorded");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_and_the_schedule_are_told_apart() {
        let read = |json: &str| serde_json::from_str::<Invocation>(json).unwrap();
        let batch = read(r#"{"Records": [{"messageId": "m", "body": "b", "attributes": {}, "messageAttributes": {}}]}"#);
        assert_eq!((batch.records.map(|records| records.len()), batch.sweep), (Some(1), None));
        assert_eq!(read(r#"{"sweep": "deliveries"}"#).sweep, Some(Sweep::Deliveries));
    }
}
