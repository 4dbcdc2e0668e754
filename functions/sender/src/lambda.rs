//! What Lambda calls the sender with.

use crate::Sender;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use std::time::Duration;
use tidings_core::telemetry;

impl Sender {
    /// Says a batch of the actions queue. The response lists what SQS must keep. `time_left` is the time until the
    /// function is stopped.
    pub async fn handle(&self, event: SqsEvent, time_left: Duration) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        let kept = self.batch(event.records, time_left).await;
        response.set_failures(kept);
        telemetry::flush(self.ports.clock.now());
        response
    }
}
