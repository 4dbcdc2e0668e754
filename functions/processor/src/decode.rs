//! One SQS record as an event. Which queue it came from says what it may be: whoever may send links may send nothing else.

use aws_lambda_events::event::sqs::SqsMessage;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{DecodeError, Envelope};
use tidings_core::telemetry::UNKNOWN;
use tidings_core::told::{Read, ToldLink};
use tidings_core::trace::Trace;

const LINK_AMONG_EVENTS: &str = "a link on the events queue: it belongs on the links queue (docs/links.md)";
const OTHER_AMONG_LINKS: &str = "not a link, on the links queue: it takes nothing else (docs/links.md)";

/// Where a record came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// The receiver and the processor send here: events, and what is due.
    Events,
    /// Programs send here: links.
    Links,
}

impl Queue {
    fn read(self, body: &str, sent: Option<Timestamp>) -> Read {
        match self {
            Self::Events => event(body),
            // Another message may name any claim, and its sender may touch none but links': none is taken from it.
            Self::Links => ToldLink::read(body, sent).unwrap_or((None, Err(DecodeError::Misplaced(OTHER_AMONG_LINKS)))),
        }
    }
}

fn event(body: &str) -> Read {
    match Envelope::decode(body) {
        Ok(link) if ToldLink::of_envelope(&link).is_some() => {
            (Some(link.claimkey), Err(DecodeError::Misplaced(LINK_AMONG_EVENTS)))
        }
        Ok(envelope) => (Some(envelope.claimkey.clone()), Ok(envelope)),
        Err(error) => match ToldLink::read(body, None) {
            Some((key, _)) => (key, Err(DecodeError::Misplaced(LINK_AMONG_EVENTS))),
            None => (Envelope::claim_key_of(body), Err(error)),
        },
    }
}

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
    pub fn read(message: SqsMessage, from: Queue) -> Self {
        let receive_count = receive_count(&message);
        let sent = message.attributes.get("SentTimestamp").and_then(|ms| ms.parse().ok()).map(Timestamp::from_unix_ms);
        let (claim_key, envelope) = from.read(&message.body.unwrap_or_default(), sent);
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
