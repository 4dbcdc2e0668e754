//! A message of the published queue: a committed event, as the envelope that the processor read, or a sent action, as the
//! bot gets it. Either is CloudEvents JSON. A message may come more than once, always with the same key.
//!
//! An event names the conversation whose context it is in, which its rules may have decided.

use crate::action::ActionId;
use crate::claim::Sha256Hex;
use crate::envelope::{DecodeError, Envelope};
use serde::Deserialize;
use serde_json::Value;
use tidings_config::limits::MAX_MESSAGE_BYTES;
use tidings_config::time::Timestamp;

/// The message for a committed event.
pub fn event(envelope: &Envelope, conversation: &str) -> String {
    if envelope.conversation.as_deref() == Some(conversation) {
        return envelope.encode();
    }
    let mut named = envelope.clone();
    named.conversation = Some(conversation.to_owned());
    let named = named.encode();
    // The name may be longer than the room that the largest messages leave.
    if named.len() <= MAX_MESSAGE_BYTES { named } else { envelope.encode() }
}

/// What was published.
#[derive(Clone, Debug)]
pub enum Published {
    /// A committed event of a provider, or a notice of our own.
    Event(Box<Envelope>),
    Action(PublishedAction),
}

// Its Debug leaves out the content.
/// A sent action.
#[derive(Clone)]
pub struct PublishedAction {
    pub id: ActionId,
    pub action_type: String,
    pub conversation: String,
    /// When its event happened. `None`: a join, or a digest.
    pub time: Option<Timestamp>,
    /// The whole message, an object.
    pub message: Value,
}

impl std::fmt::Debug for PublishedAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublishedAction").field("id", &self.id).field("type", &self.action_type).finish_non_exhaustive()
    }
}

impl Published {
    /// Reads a message. An error is no envelope and no action: a retry doesn't help.
    pub fn decode(message: &str) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Kind {
            tidingsversion: Option<Value>,
        }
        #[derive(Deserialize)]
        struct Fields {
            id: ActionId,
            #[serde(rename = "type")]
            action_type: String,
            conversation: String,
            time: Option<Timestamp>,
        }
        let malformed = |_| DecodeError::Malformed("neither an envelope nor an action".to_owned());
        let kind: Kind = serde_json::from_str(message).map_err(malformed)?;
        if kind.tidingsversion.is_some() {
            return Envelope::decode(message).map(Box::new).map(Self::Event);
        }
        let Fields { id, action_type, conversation, time } = serde_json::from_str(message).map_err(malformed)?;
        let message = serde_json::from_str(message).map_err(malformed)?;
        Ok(Self::Action(PublishedAction { id, action_type, conversation, time, message }))
    }

    /// What identifies it: 64 hexadecimal digits. The same each time that it is published.
    pub fn key(&self) -> String {
        let key = match self {
            Self::Event(envelope) => format!("event\n{}", envelope.claimkey),
            Self::Action(action) => format!("action\n{}", action.id),
        };
        Sha256Hex::of(key.as_bytes()).digits().to_owned()
    }

    /// Its CloudEvents type.
    pub fn event_type(&self) -> &str {
        match self {
            Self::Event(envelope) => &envelope.event_type,
            Self::Action(action) => &action.action_type,
        }
    }

    /// A time that is the same each time that it is published. `None`: an action of no time.
    pub fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Event(envelope) => Some(envelope.receivedtime),
            Self::Action(action) => action.time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::claim::ClaimKey;
    use crate::envelope::{NewEnvelope, Payload};
    use serde_json::json;
    use serde_json::value::RawValue;

    fn envelope(conversation: Option<&str>, data: &str) -> Envelope {
        Envelope::new(NewEnvelope {
            id: "e1".to_owned(),
            source: "shop".to_owned(),
            event_type: "order.paid".to_owned(),
            subject: None,
            time: None,
            conversation: conversation.map(str::to_owned),
            sequence: None,
            received: Timestamp::from_unix_ms(7),
            claim_key: ClaimKey::new("shop", "e1"),
            traceparent: None,
            payload: Payload::Json(RawValue::from_string(data.to_owned()).unwrap()),
        })
    }

    #[test]
    fn an_event_is_read_as_it_was_published_with_its_conversation() {
        for before in [None, Some("web:ann"), Some("web:other")] {
            let message = event(&envelope(before, "{\"n\":1}"), "web:ann");
            let read = Published::decode(&message).unwrap();
            let Published::Event(read_envelope) = &read else { panic!("{read:?}") };
            assert_eq!(read_envelope.conversation.as_deref(), Some("web:ann"));
            assert_eq!(read_envelope.data.get(), "{\"n\":1}");
            assert_eq!((read.event_type(), read.time()), ("order.paid", Some(Timestamp::from_unix_ms(7))));
            assert_eq!(read.key().len(), 64);
        }
    }

    #[test]
    fn the_largest_event_is_published_without_a_name_that_has_no_room() {
        let room = MAX_MESSAGE_BYTES - envelope(None, "\"\"").encode().len();
        let largest = envelope(None, &format!("\"{}\"", "x".repeat(room)));
        assert_eq!(largest.encode().len(), MAX_MESSAGE_BYTES);
        assert_eq!(event(&largest, "web:ann").len(), MAX_MESSAGE_BYTES);
    }

    #[test]
    fn an_action_is_read_as_it_was_sent() {
        let action = Action {
            id: ActionId::new(&ClaimKey::new("shop", "e1"), "paid", "notify"),
            action_type: "tidings.notify".to_owned(),
            rule: "paid".to_owned(),
            subject: None,
            time: None,
            cause: ClaimKey::new("shop", "e1"),
            priority: tidings_config::rules::Priority::Normal,
            traceparent: None,
            by_provider: Vec::new(),
            data: json!({"text": "Paid."}),
        };
        let read = Published::decode(&action.encode("web:ann", 3)).unwrap();
        let Published::Action(published) = &read else { panic!("{read:?}") };
        assert_eq!((&published.id, published.conversation.as_str()), (&action.id, "web:ann"));
        assert_eq!((read.event_type(), read.time()), ("tidings.notify", None));
        assert_eq!(published.message["data"], action.data);
        assert_ne!(read.key(), Published::decode(&event(&envelope(None, "1"), "web:ann")).unwrap().key());
    }

    #[test]
    fn another_message_is_refused_without_its_content() {
        for other in ["", "{", "[]", "{}", r#"{"id":"hunter2"}"#, r#"{"tidingsversion":99,"id":"hunter2"}"#] {
            let said = Published::decode(other).unwrap_err().to_string();
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
