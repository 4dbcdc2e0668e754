//! One SQS record as an event. Which queue it came from says what it may be: whoever may send links may send nothing else.

use crate::failure::{Failure, FailureKind};
use aws_lambda_events::event::sqs::SqsMessage;
use serde_json::Value;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{DecodeError, Envelope};
use tidings_core::external_link::ExternalLink;
use tidings_core::internal_event::{InternalEvent, Scheduled};
use tidings_core::telemetry::UNKNOWN;
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
            Self::Links => match ExternalLink::read(body, sent) {
                Some((key, link)) => (key, link.map(Message::new)),
                // Another message may name any claim, and its sender may touch none but links': none is taken from it.
                None => (None, Err(DecodeError::Misplaced(OTHER_AMONG_LINKS))),
            },
        }
    }
}

/// The claim key, even if the rest can't be decoded, and the message.
type Read = (Option<ClaimKey>, Result<Message, DecodeError>);

/// A message, read once: its envelope, and what it is about.
#[derive(Debug)]
pub struct Message {
    pub envelope: Envelope,
    /// Errors are final: the same message fails again.
    pub kind: Result<Kind, FailureKind>,
}

/// The kinds of message.
#[derive(Debug)]
pub enum Kind {
    /// A provider's event, with its payload.
    Event(Payload),
    /// A timer, a link or a correction.
    Own(Scheduled),
}

/// A provider's payload. Its Debug leaves out what is in it.
pub struct Payload(Value);

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Payload")
    }
}

impl Payload {
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl Message {
    pub fn new(envelope: Envelope) -> Self {
        let kind = match (envelope.unreadable(), InternalEvent::read(&envelope)) {
            (Some(unreadable), _) => Err(FailureKind::Unreadable(unreadable)),
            (None, Some(own)) => own.map(Kind::Own).map_err(FailureKind::Decode),
            (None, None) => {
                serde_json::from_str(envelope.data.get()).map(|data| Kind::Event(Payload(data))).map_err(|_| FailureKind::Payload)
            }
        };
        Self { envelope, kind }
    }

    /// A provider's payload. `None` for any other kind, and for one that can't be read.
    pub fn payload(&self) -> Option<&Value> {
        match &self.kind {
            Ok(Kind::Event(payload)) => Some(payload.value()),
            Ok(Kind::Own(_)) | Err(_) => None,
        }
    }

    /// An error for bytes that the receiver couldn't read as an event.
    pub fn readable(&self) -> Result<(), Failure> {
        match &self.kind {
            Err(unreadable @ FailureKind::Unreadable(_)) => Err(unreadable.clone().into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    pub fn is_link(&self) -> bool {
        matches!(&self.kind, Ok(Kind::Own(Scheduled { what: InternalEvent::Link { .. }, .. })))
    }

    /// Frees the payload's tree once the plan is made: it takes many times the memory of its text, which stays.
    pub(crate) fn free_payload(&mut self) {
        if let Ok(Kind::Event(payload)) = &mut self.kind {
            payload.0 = Value::Null;
        }
    }
}

fn event(body: &str) -> Read {
    match Envelope::decode(body).map(Message::new) {
        Ok(link) if link.is_link() => (Some(link.envelope.claimkey), Err(DecodeError::Misplaced(LINK_AMONG_EVENTS))),
        Ok(message) => (Some(message.envelope.claimkey.clone()), Ok(message)),
        Err(error) => match ExternalLink::read(body, None) {
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
    pub message: Result<Message, DecodeError>,
    /// The event's, even if it couldn't be decoded.
    pub claim_key: Option<ClaimKey>,
    /// Whose it is, as far as that is known once it is planned.
    pub conversation: Option<String>,
    /// That of the request which brought it.
    pub trace: Option<Trace>,
}

/// This receive included. 1 where SQS doesn't say.
pub fn receive_count(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

impl Record {
    pub fn read(sqs: SqsMessage, from: Queue) -> Self {
        let receive_count = receive_count(&sqs);
        let sent = sqs.attributes.get("SentTimestamp").and_then(|ms| ms.parse().ok()).map(Timestamp::from_unix_ms);
        let (claim_key, message) = from.read(&sqs.body.unwrap_or_default(), sent);
        Self {
            message_id: sqs.message_id.unwrap_or_default(),
            receive_count,
            message,
            claim_key,
            conversation: None,
            trace: sqs.attributes.get(Trace::ATTRIBUTE).and_then(|header| Trace::parse(header)),
        }
    }

    /// `None` where it couldn't be decoded.
    pub fn envelope(&self) -> Option<&Envelope> {
        self.message.as_ref().ok().map(|message| &message.envelope)
    }

    pub fn source(&self) -> &str {
        self.envelope().map_or(UNKNOWN, Envelope::source_name)
    }

    pub fn event_type(&self) -> &str {
        self.envelope().map_or(UNKNOWN, |e| e.event_type.as_str())
    }

    /// The provider's id; empty where it can't be read.
    pub fn event_id(&self) -> &str {
        self.envelope().map_or("", |e| e.id.as_str())
    }

    pub fn trace_id(&self) -> Option<&str> {
        self.trace.as_ref().map(Trace::id)
    }
}
