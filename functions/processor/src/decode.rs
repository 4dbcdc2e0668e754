//! One SQS record as an event.

use aws_lambda_events::event::sqs::SqsMessage;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{DecodeError, Envelope};
use tidings_core::telemetry::UNKNOWN;
use tidings_core::time::Timestamp;
use tidings_core::told::ToldLink;
use tidings_core::trace::Trace;

/// A record of a batch, whether or not it could be decoded.
#[derive(Debug)]
pub struct Record {
    /// SQS's own id, by which a partial response names it. Never identity: a redrive changes it.
    pub message_id: String,
    /// This receive included. 1 where SQS doesn't say.
    pub receive_count: u32,
    pub envelope: Result<Envelope, DecodeError>,
    /// The event's, even if it couldn't be decoded.
    pub claim_key: Option<ClaimKey>,
    /// That of the request which brought it.
    pub trace: Option<Trace>,
}

/// This receive included. 1 where SQS doesn't say.
pub fn receive_count(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

impl Record {
    pub fn read(message: SqsMessage) -> Self {
        let receive_count = receive_count(&message);
        let body = message.body.unwrap_or_default();
        let sent = message.attributes.get("SentTimestamp").and_then(|ms| ms.parse().ok()).map(Timestamp::from_unix_ms);
        // What others write on our queue has no claim key, and is no envelope yet.
        let (claim_key, envelope) = match Envelope::decode(&body) {
            Ok(envelope) => (Some(envelope.claimkey.clone()), Ok(envelope)),
            Err(error) => ToldLink::read(&body, sent).unwrap_or_else(|| (Envelope::claim_key_of(&body), Err(error))),
        };
        Self {
            message_id: message.message_id.unwrap_or_default(),
            receive_count,
            envelope,
            claim_key,
            trace: message.attributes.get(Trace::ATTRIBUTE).and_then(|header| Trace::parse(header)),
        }
    }

    pub fn source(&self) -> &str {
        self.envelope.as_ref().map_or(UNKNOWN, Envelope::source_name)
    }

    pub fn event_type(&self) -> &str {
        self.envelope.as_ref().map_or(UNKNOWN, |e| e.event_type.as_str())
    }

    /// The provider's id; empty where it can't be read.
    pub fn event_id(&self) -> &str {
        self.envelope.as_ref().map_or("", |e| e.id.as_str())
    }

    pub fn trace_id(&self) -> Option<&str> {
        self.trace.as_ref().map(Trace::id)
    }
}
