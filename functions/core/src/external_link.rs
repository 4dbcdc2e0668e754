//! An external link: the only message that other programs send to us, on a queue of its own. It is short, and its
//! errors are explained. Contract: `events/contract/link-v1.json`, docs/links.md. It is read as
//! [`InternalEvent::Link`] and processed as one.
//!
//! Its `id` is its identity: a second message with the same id is a duplicate, whatever its content.

use crate::claim::ClaimKey;
use crate::envelope::{CONTRACT_VERSION, DecodeError, Envelope, OLDEST_CONTRACT_VERSION, sqs_text};
use crate::internal_event::{InternalEvent, SOURCE, Scheduled};
use serde_json::{Value, json};
use tidings_config::limits::MAX_CONVERSATION_BYTES;
use tidings_config::time::Timestamp;

/// The prefix of the claim keys of links.
const KEY: &str = "@link";

/// CloudEvents `type`, the same as that of [`InternalEvent::Link`].
const TYPE: &str = "tidings.link";

/// A statement that an identity belongs to a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalLink {
    pub id: String,
    /// When the statement was made.
    pub time: Timestamp,
    pub identity: String,
    pub conversation: String,
    /// Move the identity even if it is linked to another conversation.
    pub moves: bool,
}

/// The claim key and the result of a message that is meant to be a link.
pub type Read = (Option<ClaimKey>, Result<Envelope, DecodeError>);

impl ExternalLink {
    /// Validates the names. Errors: the problem. A retry doesn't help.
    pub fn check(&self) -> Result<(), String> {
        for (what, name) in [("identity", &self.identity), ("conversation", &self.conversation)] {
            if name.is_empty() || name.len() > MAX_CONVERSATION_BYTES {
                return Err(format!("{what} has {} bytes, allowed: 1 to {MAX_CONVERSATION_BYTES}", name.len()));
            }
        }
        if self.identity == self.conversation {
            return Err("an identity can't be linked to itself".to_owned());
        }
        Ok(())
    }

    pub fn claim_key(&self) -> ClaimKey {
        claim_key(&self.id)
    }

    /// Whether a claim belongs to a link.
    pub fn is_key(key: &ClaimKey) -> bool {
        key.as_str().strip_prefix(KEY).is_some_and(|rest| rest.starts_with('#'))
    }

    /// The message body.
    pub fn encode(&self) -> String {
        let message = json!({
            "specversion": "1.0",
            "tidingsversion": OLDEST_CONTRACT_VERSION,
            "id": self.id,
            "source": SOURCE,
            "type": TYPE,
            "time": self.time,
            "data": {"identity": self.identity, "conversation": self.conversation},
        });
        let mut message = message;
        if self.moves {
            message["data"]["move"] = Value::from(true);
        }
        sqs_text(message.to_string())
    }

    /// The message that an event was read from. `None`: the event isn't a link.
    pub fn of_envelope(envelope: &Envelope) -> Option<Self> {
        let Ok(Scheduled { what: InternalEvent::Link { identity, conversation, moves }, .. }) = InternalEvent::read(envelope)?
        else {
            return None;
        };
        let time = envelope.time.unwrap_or(envelope.receivedtime);
        Some(Self { id: envelope.id.clone(), time, identity, conversation, moves })
    }

    /// Reads a message. `None`: it isn't meant to be a link. `sent`: when SQS received it; without it the message's
    /// own time is used.
    pub fn read(message: &str, sent: Option<Timestamp>) -> Option<Read> {
        let message: Value = serde_json::from_str(message).ok()?;
        if message["source"] != SOURCE || message["type"] != TYPE || message.get("claimkey").is_some() {
            return None;
        }
        let key = message["id"].as_str().filter(|id| !id.is_empty()).map(claim_key);
        Some((key, Self::of(&message).map(|link| link.envelope(sent))))
    }

    fn of(message: &Value) -> Result<Self, DecodeError> {
        let version = message["tidingsversion"].as_u64().and_then(|version| u16::try_from(version).ok());
        let seen =
            version.ok_or_else(|| DecodeError::Link("tidingsversion isn't a number; this processor reads 1".to_owned()))?;
        if !(OLDEST_CONTRACT_VERSION..=CONTRACT_VERSION).contains(&seen) {
            return Err(DecodeError::Version { seen });
        }
        let text = |value: &Value, name: &str| {
            let text = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            text.ok_or_else(|| DecodeError::Link(format!("{name} is missing, or isn't a text")))
        };
        let time = Timestamp::parse_rfc3339(&text(&message["time"], "time")?);
        let link = Self {
            id: text(&message["id"], "id")?,
            time: time.ok_or_else(|| DecodeError::Link("time isn't RFC 3339, such as 2026-11-24T15:00:00Z".to_owned()))?,
            identity: text(&message["data"]["identity"], "data.identity")?,
            conversation: text(&message["data"]["conversation"], "data.conversation")?,
            moves: match &message["data"]["move"] {
                Value::Null => false,
                Value::Bool(moves) => *moves,
                Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    return Err(DecodeError::Link("data.move must be true or false".to_owned()));
                }
            },
        };
        link.check().map_err(DecodeError::Link)?;
        Ok(link)
    }

    fn envelope(self, sent: Option<Timestamp>) -> Envelope {
        let key = self.claim_key();
        // It applies immediately, whatever its time: clocks differ.
        let due = Timestamp::from_unix_ms(0);
        let link = InternalEvent::Link { identity: self.identity, conversation: self.conversation, moves: self.moves };
        let mut envelope = link.envelope(due, sent.unwrap_or(self.time));
        envelope.id = self.id;
        envelope.time = Some(self.time);
        envelope.claimkey = key;
        envelope
    }
}

/// A source's name can't begin with `@`, so no provider's event has such a key.
fn claim_key(id: &str) -> ClaimKey {
    ClaimKey::from_signed_id(KEY, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> ExternalLink {
        ExternalLink {
            id: "crm-77".into(),
            time: Timestamp::from_unix_ms(1_795_168_800_000),
            identity: "customer:cus_123".into(),
            conversation: "whatsapp:491713920012".into(),
            moves: false,
        }
    }

    #[test]
    fn the_contract_is_the_golden_file() {
        let golden = include_str!("../../../events/contract/link-v1.json");
        let ours: Value = serde_json::from_str(&told().encode()).unwrap();
        assert_eq!(ours, serde_json::from_str::<Value>(golden).unwrap());
        let (key, envelope) = ExternalLink::read(golden, None).expect("it is a link");
        let envelope = envelope.expect("a valid one");
        assert_eq!((key.as_ref(), envelope.claimkey.as_str()), (Some(&envelope.claimkey), "@link#crm-77"));
        assert_eq!((envelope.receivedtime, envelope.order().time), (told().time, told().time));
        let link = InternalEvent::Link { identity: told().identity, conversation: told().conversation, moves: false };
        assert_eq!(InternalEvent::read(&envelope).unwrap().unwrap().what, link);
        assert_eq!(
            InternalEvent::read(&Envelope::decode(&envelope.encode()).unwrap()),
            InternalEvent::read(&envelope),
            "it can be sent on"
        );
        assert_eq!(ExternalLink::of_envelope(&envelope), Some(told()), "and be sent again");
    }

    #[test]
    fn other_messages_are_not_links() {
        let due = InternalEvent::Link { identity: "a".into(), conversation: "b".into(), moves: false };
        let ours = due.envelope(told().time, told().time).encode();
        let provider = told().encode().replace("\"/tidings\"", "\"/webhooks/tidings\"");
        for other in ["", "{}", "[]", &ours, &provider, &told().encode().replace("tidings.link", "tidings.linked")] {
            assert!(ExternalLink::read(other, None).is_none(), "{other}");
        }
    }

    #[test]
    fn an_error_names_the_problem_and_quotes_no_value() {
        let mut wrong: Vec<(&str, Value, &str)> = vec![
            ("/tidingsversion", json!("hunter2"), "not a link: tidingsversion isn't a number; this processor reads 1"),
            ("/tidingsversion", json!(5), "envelope version 5, this processor reads 1 to 4"),
            ("/id", json!(""), "not a link: id is missing, or isn't a text"),
            ("/time", json!("hunter2"), "not a link: time isn't RFC 3339, such as 2026-11-24T15:00:00Z"),
            ("/time", json!(1_795_168_800), "not a link: time is missing, or isn't a text"),
            ("/data", json!("hunter2"), "not a link: data.identity is missing, or isn't a text"),
            ("/data/move", json!("hunter2"), "not a link: data.move must be true or false"),
            ("/data/conversation", json!(["hunter2"]), "not a link: data.conversation is missing, or isn't a text"),
            ("/data/conversation", json!("customer:cus_123"), "not a link: an identity can't be linked to itself"),
        ];
        let long = "x".repeat(MAX_CONVERSATION_BYTES + 1);
        wrong.push(("/data/identity", json!(long), "not a link: identity has 513 bytes, allowed: 1 to 512"));
        for (field, value, expected) in wrong {
            let mut message: Value = serde_json::from_str(&told().encode()).unwrap();
            let (at, name) = field.rsplit_once('/').unwrap();
            message.pointer_mut(at).unwrap()[name] = value;
            let (key, read) = ExternalLink::read(&message.to_string(), None).expect("it is meant to be a link");
            assert_eq!(read.unwrap_err().to_string(), expected, "{field}");
            assert_eq!(key.is_some(), field != "/id", "the id is known except if it is the problem");
        }
        let longest = ExternalLink { identity: "x".repeat(MAX_CONVERSATION_BYTES), ..told() };
        assert!(ExternalLink::read(&longest.encode(), None).unwrap().1.is_ok());
    }

    #[test]
    fn a_time_ahead_of_the_receipt_does_not_win_against_later_links() {
        let sent = told().time;
        let ahead = ExternalLink { time: sent.plus(std::time::Duration::from_secs(86_400)), moves: true, ..told() };
        let envelope = ExternalLink::read(&ahead.encode(), Some(sent)).unwrap().1.unwrap();
        assert_eq!((envelope.receivedtime, envelope.order().time), (sent, sent));
        let link = InternalEvent::Link { identity: told().identity, conversation: told().conversation, moves: true };
        assert_eq!(InternalEvent::read(&envelope).unwrap().unwrap().what, link);
    }
}
