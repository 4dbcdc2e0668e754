//! An action as it is sent: CloudEvents 1.0 JSON, structured mode. Its JSON Schema is docs/schemas/action.schema.json.

use super::{Action, ActionId};
use crate::claim::ClaimKey;
use serde::Serialize;
use serde_json::Value;
use tidings_config::rules::{Channel, Priority};
use tidings_config::text::Format;
use tidings_config::time::Timestamp;

/// An action for the bot: one message of the actions queue.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Action")]
pub struct ActionMessage<'a> {
    /// CloudEvents' version: `1.0`.
    specversion: &'static str,
    /// The action's id. It stays the same if the event is processed again, so perform each id once.
    id: &'a ActionId,
    /// `/tidings/rules/{rule or join}`
    source: String,
    /// `tidings.notify`: send `data.text` to the person. Any other type: an action that a rule emits, with its data.
    #[serde(rename = "type")]
    action_type: &'a str,
    /// Media type of `data`: `application/json`.
    datacontenttype: &'static str,
    /// The recipient, such as `whatsapp:491713920012`. Also the message group of the queue.
    conversation: &'a str,
    /// The action's position in its conversation: 20 digits, with gaps. Sorting the texts sorts the numbers.
    sequence: String,
    priority: Priority,
    /// The claim key of the event: `tidings events show` takes it.
    cause: &'a ClaimKey,
    /// A `Notification` if the type is `tidings.notify`.
    data: &'a Value,
    /// The entity, such as `order/1042`. Absent: the event has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    /// When the event happened. Absent: a join, or a digest of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    /// W3C Trace Context of the webhook, if it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    /// The names in `data` whose values the provider's own systems or your rules wrote, separated by spaces. Every other
    /// value is a stranger's. Absent: all of them are, as the text of a notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    byprovider: Option<String>,
}

/// The data of an action of the type `tidings.notify`.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Notification {
    /// The channel to use. Absent: the conversation's own channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Ready to send: the text and its values are escaped for the channel.
    pub text: String,
    /// The markup of the text, to be stated in the call of the channel's API.
    pub format: Format,
    /// SMS only: the number of messages that the text is sent as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<u32>,
    /// `true`: the text exceeded the channel's limit and was cut, with a mark at its end. Absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// The language of the text, a BCP 47 tag, if the rule or the policy states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The counts of a digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestCount>,
}

/// The number of notifications that a message stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct DigestCount {
    pub count: u64,
    /// Notifications with a line in the text.
    pub shown: u64,
}

impl Notification {
    pub(super) fn into_data(self) -> Value {
        serde_json::to_value(self).expect("a notification has string keys and holds only JSON")
    }
}

impl Action {
    /// `sequence` is the action's position in its conversation.
    pub fn message<'a>(&'a self, conversation: &'a str, sequence: u64) -> ActionMessage<'a> {
        ActionMessage {
            specversion: "1.0",
            id: &self.id,
            source: format!("/tidings/rules/{}", self.rule),
            action_type: &self.action_type,
            datacontenttype: "application/json",
            conversation,
            sequence: format!("{sequence:020}"),
            priority: self.priority,
            cause: &self.cause,
            data: &self.data,
            subject: self.subject.as_deref(),
            time: self.time,
            traceparent: self.traceparent.as_deref(),
            byprovider: (!self.by_provider.is_empty()).then(|| self.by_provider.join(" ")),
        }
    }

    /// The body of the message.
    pub fn encode(&self, conversation: &str, sequence: u64) -> String {
        let json = serde_json::to_string(&self.message(conversation, sequence));
        crate::envelope::sqs_text(json.expect("an action has string keys and holds only JSON"))
    }
}
