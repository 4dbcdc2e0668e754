//! Decodes an SQS record. Its queue limits what it may be: a sender to the links queue may send nothing but links.

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

const LINK_AMONG_EVENTS: &str = "a link on the events queue: send links to the links queue (docs/links.md)";
const OTHER_AMONG_LINKS: &str = "not a link: the links queue accepts only links (docs/links.md)";

/// The queue of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// The queue for events and timers, from the receiver and the processor.
    Events,
    /// The queue for links, from other programs.
    Links,
}

impl Queue {
    fn read(self, body: &str, sent: Option<Timestamp>) -> Read {
        match self {
            Self::Events => event(body),
            Self::Links => match ExternalLink::read(body, sent) {
                Some((key, link)) => (key, link.map(Message::new)),
                // Another message could name any claim, but its sender may only affect claims of links. So its claim
                // key is ignored.
                None => (None, Err(DecodeError::Misplaced(OTHER_AMONG_LINKS))),
            },
        }
    }
}

/// The claim key, known even if decoding fails, and the message.
type Read = (Option<ClaimKey>, Result<Message, DecodeError>);

/// A decoded message: its envelope and its kind.
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
    /// An internal event: a timer, a link or a correction.
    Own(Scheduled),
}

/// A provider's payload. Its Debug leaves out the content.
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

    /// A provider's payload. `None`: the message is of another kind, or its payload can't be read.
    pub fn payload(&self) -> Option<&Value> {
        match &self.kind {
            Ok(Kind::Event(payload)) => Some(payload.value()),
            Ok(Kind::Own(_)) | Err(_) => None,
        }
    }

    /// Errors: the receiver couldn't read the bytes as an event.
    pub fn readable(&self) -> Result<(), Failure> {
        match &self.kind {
            Err(unreadable @ FailureKind::Unreadable(_)) => Err(unreadable.clone().into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    pub fn is_link(&self) -> bool {
        matches!(&self.kind, Ok(Kind::Own(Scheduled { what: InternalEvent::Link { .. }, .. })))
    }

    /// Frees the payload's tree after planning: it takes many times the memory of its text, which stays.
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

/// A record of a batch, decoded or not.
#[derive(Debug)]
pub struct Record {
    /// SQS's own id, which a partial response uses. Don't use it as identity: a redrive changes it.
    pub message_id: String,
    /// Includes this receive. 1 if SQS doesn't report it.
    pub receive_count: u32,
    pub message: Result<Message, DecodeError>,
    /// The event's claim key, known even if decoding fails.
    pub claim_key: Option<ClaimKey>,
    /// The conversation that it belongs to, if known after planning.
    pub conversation: Option<String>,
    /// The trace of the original request.
    pub trace: Option<Trace>,
}

/// Includes this receive. 1 if SQS doesn't report it.
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

    /// `None`: it couldn't be decoded.
    pub fn envelope(&self) -> Option<&Envelope> {
        self.message.as_ref().ok().map(|message| &message.envelope)
    }

    pub fn source(&self) -> &str {
        self.envelope().map_or(UNKNOWN, Envelope::source_name)
    }

    pub fn event_type(&self) -> &str {
        self.envelope().map_or(UNKNOWN, |e| e.event_type.as_str())
    }

    /// The provider's id. Empty: it can't be read.
    pub fn event_id(&self) -> &str {
        self.envelope().map_or("", |e| e.id.as_str())
    }

    pub fn trace_id(&self) -> Option<&str> {
        self.trace.as_ref().map(Trace::id)
    }
}
