//! What Lambda calls the sender with.

use crate::Sender;
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use std::time::Duration;
use tidings_core::telemetry;

impl Sender {
    /// Says a batch of the actions queue. The response lists what SQS must keep. `time_left` is the time until the
    /// function is stopped.
    pub async fn handle(&self, event: SqsEvent, time_left: Duration) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        let kept = self.batch(event.records, time_left).await;
        response.batch_item_failures = kept
            .into_iter()
            .map(|message_id| {
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message_id;
                failure
            })
            .collect();
        telemetry::flush(self.ports.clock.now());
        response
    }
}
