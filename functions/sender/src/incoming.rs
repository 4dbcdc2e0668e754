//! A message of the actions queue.

use crate::{SEND_TYPE, attribute};
use aws_lambda_events::event::sqs::SqsMessage;
use serde_json::Value;
use tidings_config::time::Timestamp;
use tidings_core::action::{ActionId, NOTIFY_TYPE};
use tidings_core::claim::{ClaimKey, Sha256Hex};
use tidings_core::ports::Forwarded;
use tidings_core::send::SendState;

/// A message with what the queue says of it.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it holds what people wrote")]
pub(crate) struct Incoming {
    pub(crate) message_id: String,
    pub(crate) receipt_handle: Option<String>,
    body: String,
    pub(crate) group: String,
    deduplication: String,
    pub(crate) receive_count: u32,
    /// When it was sent to the queue.
    pub(crate) sent: Option<Timestamp>,
    /// Which refusal an operator overruled: see [`attribute::DEAD`].
    pub(crate) redrive: u32,
    pub(crate) action: Option<Sayable>,
}

/// An action that the sender may say.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it holds what people wrote")]
pub(crate) struct Sayable {
    pub(crate) id: ActionId,
    pub(crate) cause: ClaimKey,
    pub(crate) conversation: String,
    pub(crate) whole: Value,
}

impl Sayable {
    fn read(body: &str) -> Option<Self> {
        let whole: Value = serde_json::from_str(body).ok()?;
        let text = |name: &str| whole.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        if !matches!(whole.get("type")?.as_str()?, NOTIFY_TYPE | SEND_TYPE) {
            return None;
        }
        Some(Self { id: ActionId::stored(text("id")?), cause: text("cause")?.into(), conversation: text("conversation")?, whole })
    }

    fn data(&self, name: &str) -> Option<&str> {
        self.whole.get("data")?.get(name)?.as_str()
    }

    /// The channel that it names.
    pub(crate) fn channel(&self) -> Option<&str> {
        self.data("channel")
    }

    /// The name that says whom it is for: a rule's own, before the conversation's.
    pub(crate) fn recipient(&self) -> &str {
        self.data("to").unwrap_or(&self.conversation)
    }
}

impl Incoming {
    pub(crate) fn read(message: SqsMessage) -> Self {
        let attribute = |name: &str| message.attributes.get(name).cloned();
        let body = message.body.unwrap_or_default();
        let action = Sayable::read(&body);
        let of_action = |part: fn(&Sayable) -> String| action.as_ref().map(part).unwrap_or_else(|| digest(&body));
        let redrive = message.message_attributes.get(attribute::DEAD).and_then(|value| value.string_value.as_ref()?.parse().ok());
        Self {
            // An emulator may leave both out.
            group: attribute("MessageGroupId").unwrap_or_else(|| of_action(|action| digest(&action.conversation))),
            deduplication: attribute("MessageDeduplicationId").unwrap_or_else(|| of_action(|action| action.id.to_string())),
            receive_count: attribute("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1),
            sent: attribute("SentTimestamp").and_then(|sent| sent.parse().ok()).map(Timestamp::from_unix_ms),
            message_id: message.message_id.unwrap_or_default(),
            receipt_handle: message.receipt_handle,
            redrive: redrive.unwrap_or_default(),
            body,
            action,
        }
    }

    /// The same message for another queue.
    pub(crate) fn forwarded(&self) -> Forwarded {
        Forwarded {
            body: self.body.clone(),
            group: self.group.clone(),
            deduplication: self.deduplication.clone(),
            attributes: Vec::new(),
        }
    }

    /// The same message for the dead-letter queue. `dead`: how often it has been there, this time included. Its deduplication
    /// id has the number, so that a second refusal isn't taken for a copy of the first.
    pub(crate) fn dead(&self, state: SendState, channel: &str, reason: &str, dead: u32) -> Forwarded {
        let attributes = [
            (attribute::STATE, state.as_str()),
            (attribute::CHANNEL, channel),
            (attribute::REASON, reason),
            (attribute::DEAD, &dead.to_string()),
        ];
        let attributes = attributes.into_iter().filter(|(_, value)| !value.is_empty());
        Forwarded {
            deduplication: format!("{}-{dead}", self.deduplication),
            attributes: attributes.map(|(name, value)| (name, value.to_owned())).collect(),
            ..self.forwarded()
        }
    }
}

fn digest(text: &str) -> String {
    Sha256Hex::of(text.as_bytes()).digits().to_owned()
}
