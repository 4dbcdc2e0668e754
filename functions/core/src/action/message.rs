//! An action as it is sent: CloudEvents 1.0 JSON, structured mode. Its JSON Schema is docs/schemas/action.schema.json.

use super::{Action, ActionId};
use crate::claim::ClaimKey;
use serde::Serialize;
use serde_json::Value;
use tidings_config::rules::{Channel, Priority};
use tidings_config::text::Format;
use tidings_config::time::Timestamp;

/// What the bot should do: one message of the actions queue.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Action")]
pub struct ActionMessage<'a> {
    /// CloudEvents' version: `1.0`.
    specversion: &'static str,
    /// The same however often the event is processed: do an action once by this id.
    id: &'a ActionId,
    /// `/tidings/rules/{rule or join}`
    source: String,
    /// `tidings.notify`: say `data.text`. Any other: what a rule emits, with its data.
    #[serde(rename = "type")]
    action_type: &'a str,
    /// Of `data`: `application/json`.
    datacontenttype: &'static str,
    /// Whom it is for, as `whatsapp:491713920012`. Also the message group of the queue.
    conversation: &'a str,
    /// Its place among the conversation's: 20 digits, with gaps. Texts in this form sort as the numbers do.
    sequence: String,
    priority: Priority,
    /// The claim key of the event: `tidings events show` takes it.
    cause: &'a ClaimKey,
    /// A `Notification`, if the type is `tidings.notify`.
    data: &'a Value,
    /// The entity, as `order/1042`. Absent: the event has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    /// When the event happened. Absent: a join, or a digest of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    /// W3C Trace Context of the webhook, if it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
}

/// The data of an action of the type `tidings.notify`.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Notification {
    /// By which channel it is said. Absent: by the conversation's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Ready to send: escaped for its channel, what was put into it included.
    pub text: String,
    /// The markup of the text, which the channel's API has to be told.
    pub format: Format,
    /// Of SMS: the messages that it is sent as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<u32>,
    /// `true`: the text was longer than the channel takes, and ends with a mark. Absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// The language of the text, a BCP 47 tag, where the rule or the policy says which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Of a message that stands for several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestCount>,
}

/// How many notifications a message stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct DigestCount {
    pub count: u64,
    /// Those that have a line in the text.
    pub shown: u64,
}

impl Notification {
    pub(super) fn into_data(self) -> Value {
        serde_json::to_value(self).expect("a notification has string keys and holds only JSON")
    }
}

impl Action {
    /// `sequence` is its place among the conversation's.
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
        }
    }

    /// The body of the message.
    pub fn encode(&self, conversation: &str, sequence: u64) -> String {
        let json = serde_json::to_string(&self.message(conversation, sequence));
        crate::envelope::sqs_text(json.expect("an action has string keys and holds only JSON"))
    }
}
