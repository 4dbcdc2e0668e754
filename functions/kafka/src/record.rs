//! A message of the queue as a record of a topic.
//!
//! CloudEvents' binding for Kafka in structured mode: the value is the whole event in JSON. The attributes are headers too,
//! `ce_id` first among them, as that binding allows, so that a consumer knows a repeat and a type without reading the value.

use aws_lambda_events::event::sqs::SqsMessage;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use tidings_outgoing::KAFKA_SINK_ATTRIBUTE;

/// `content-type` of structured mode.
pub const CONTENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";

/// One event. Its `Debug` shows its id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The same each time that the event is written.
    pub id: String,
    /// The conversation. `None`: the event has none.
    pub key: Option<String>,
    pub headers: BTreeMap<String, String>,
    pub value: String,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a message isn't an event. A retry doesn't help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRecord {
    #[error("the message names no sink")]
    NoSink,
    #[error("the message isn't a CloudEvent")]
    NoEvent,
}

/// Members of the event that aren't attributes.
const NO_ATTRIBUTE: [&str; 3] = ["data", "data_base64", "datacontenttype"];

impl Record {
    /// Of an event in JSON.
    pub fn of(event: String) -> Result<Self, NoRecord> {
        let attributes: Map<String, Value> = serde_json::from_str(&event).map_err(|_| NoRecord::NoEvent)?;
        let text = |name: &str| attributes.get(name).and_then(Value::as_str).map(str::to_owned);
        let id = text("id").ok_or(NoRecord::NoEvent)?;
        let key = text("conversation");
        let header = |(name, value): (&String, &Value)| match value {
            _ if NO_ATTRIBUTE.contains(&name.as_str()) => None,
            Value::String(value) => Some((format!("ce_{name}"), value.clone())),
            Value::Number(_) | Value::Bool(_) => Some((format!("ce_{name}"), value.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        let mut headers: BTreeMap<String, String> = attributes.iter().filter_map(header).collect();
        headers.insert("content-type".to_owned(), CONTENT_TYPE.to_owned());
        Ok(Self { id, key, headers, value: event })
    }

    /// What decides about its partition.
    pub fn partition_key(&self) -> &[u8] {
        self.key.as_ref().unwrap_or(&self.id).as_bytes()
    }
}

/// The sink's name and the record of a message.
pub fn of_message(message: &SqsMessage) -> Result<(String, Record), NoRecord> {
    let sink = message.message_attributes.get(KAFKA_SINK_ATTRIBUTE).and_then(|attribute| attribute.string_value.clone());
    let sink = sink.ok_or(NoRecord::NoSink)?;
    Ok((sink, Record::of(message.body.clone().unwrap_or_default())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"specversion":"1.0","id":"msg_1","source":"/webhooks/shop","type":"order.paid","datacontenttype":"application/json","time":"2026-11-30T10:00:00.000Z","conversation":"web:Zoë","data":{"total":1.0}}"#;

    #[test]
    fn a_record_is_the_event_in_structured_mode_with_its_attributes_as_headers() {
        let record = Record::of(EVENT.to_owned()).unwrap();
        assert_eq!((record.id.as_str(), record.key.as_deref(), record.value.as_str()), ("msg_1", Some("web:Zoë"), EVENT));
        let headers: Vec<_> = record.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            headers,
            [
                ("ce_conversation", "web:Zoë"),
                ("ce_id", "msg_1"),
                ("ce_source", "/webhooks/shop"),
                ("ce_specversion", "1.0"),
                ("ce_time", "2026-11-30T10:00:00.000Z"),
                ("ce_type", "order.paid"),
                ("content-type", CONTENT_TYPE),
            ]
        );
        assert!(!format!("{record:?}").contains("total"));
    }

    #[test]
    fn what_is_no_event_or_names_no_sink_is_no_record() {
        for body in ["", "[]", "{}", "not JSON", r#"{"id":1}"#] {
            assert_eq!(Record::of(body.to_owned()), Err(NoRecord::NoEvent), "{body}");
        }
        let mut message = SqsMessage::default();
        message.body = Some(EVENT.to_owned());
        assert_eq!(of_message(&message), Err(NoRecord::NoSink));
    }
}
