//! What Lambda calls the processor with: a batch of messages, or the schedule that sweeps the timers table.

use crate::Processor;
use crate::sweep::SweepError;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use serde::Deserialize;
use std::time::Duration;

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
    Timers,
}

/// Why an invocation fails as a whole. A batch never does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvocationError {
    #[error("neither a batch of messages nor a sweep")]
    Unknown,
    #[error(transparent)]
    Sweep(#[from] SweepError),
}

impl Processor {
    /// Handles an invocation. `time_left` is the time until the function is stopped.
    pub async fn invoke(&self, invocation: Invocation, time_left: Duration) -> Result<SqsBatchResponse, InvocationError> {
        match (invocation.records, invocation.sweep) {
            (Some(records), _) => {
                let mut event = SqsEvent::default();
                event.records = records;
                Ok(self.handle(event, time_left).await)
            }
            (None, Some(Sweep::Timers)) => {
                let _ = self.sweep(time_left).await?;
                Ok(SqsBatchResponse::default())
            }
            (None, None) => Err(InvocationError::Unknown),
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
        let schedule = read(r#"{"sweep": "timers"}"#);
        assert!(schedule.is_sweep());
        let other = read(r#"{"source": "aws.events", "detail-type": "Scheduled Event"}"#);
        assert_eq!((other.records.is_none(), other.sweep), (true, None));
    }
}
