//! The body of a webhook, and its id. Both follow from the published message alone, so every attempt has the same.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tidings_config::endpoint::BodyForm;
use tidings_core::envelope::Envelope;
use tidings_core::published::{Published, PublishedAction};

/// Digits of the key in an id: 128 bits.
const ID_DIGITS: usize = 32;

/// `msg_` and 32 hexadecimal digits. It names the event: each endpoint gets it under the same id, however often.
pub fn webhook_id(published: &Published) -> String {
    let key = published.key();
    format!("msg_{}", key.get(..ID_DIGITS).unwrap_or(&key))
}

/// The content type and the body.
pub fn body(published: &Published, form: BodyForm) -> (&'static str, Vec<u8>) {
    let (content_type, object) = match (published, form) {
        (Published::Event(event), BodyForm::Cloudevents) => (CLOUDEVENTS, cloud_event(event, &webhook_id(published))),
        (Published::Action(action), BodyForm::Cloudevents) => (CLOUDEVENTS, action.message.clone()),
        (Published::Event(event), BodyForm::Standard) => (JSON, standard_event(event, &webhook_id(published))),
        (Published::Action(action), BodyForm::Standard) => (JSON, standard_action(action)),
    };
    let with_data = match published {
        Published::Event(event) if event.data_base64.is_none() => with_data(&object, &event.data),
        Published::Event(_) | Published::Action(_) => object.to_string(),
    };
    (content_type, with_data.into_bytes())
}

const CLOUDEVENTS: &str = "application/cloudevents+json";
const JSON: &str = "application/json";

/// The payload is written as it was sent, byte for byte. The object has other fields.
fn with_data(object: &Value, data: &RawValue) -> String {
    let object = object.to_string();
    format!("{},\"data\":{}}}", object.strip_suffix('}').unwrap_or(&object), data.get())
}

/// The event without its payload, as conditions and bodies see it: CloudEvents 1.0.
pub fn cloud_event(event: &Envelope, id: &str) -> Value {
    let mut object = Map::new();
    object.insert("specversion".to_owned(), json!("1.0"));
    object.insert("id".to_owned(), json!(id));
    object.insert("source".to_owned(), json!(event.source));
    object.insert("type".to_owned(), json!(event.event_type));
    object.insert("datacontenttype".to_owned(), json!(event.datacontenttype));
    object.insert("receivedtime".to_owned(), json!(event.receivedtime));
    object.insert("eventid".to_owned(), json!(event.id));
    let optional = [
        ("tenant", event.tenant.as_ref().map(ToString::to_string)),
        ("subject", event.subject.clone()),
        ("time", event.time.map(|time| time.to_string())),
        ("dataschema", event.dataschema.clone()),
        ("conversation", event.conversation.clone()),
        ("sequence", event.sequence.clone()),
        ("traceparent", event.traceparent.clone()),
        ("data_base64", event.data_base64.clone()),
    ];
    object.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
    Value::Object(object)
}

fn standard_event(event: &Envelope, id: &str) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!(event.event_type));
    object.insert("timestamp".to_owned(), json!(event.time.unwrap_or(event.receivedtime)));
    object.insert("id".to_owned(), json!(id));
    object.insert("source".to_owned(), json!(event.source));
    let optional = [
        ("tenant", event.tenant.as_ref().map(ToString::to_string)),
        ("subject", event.subject.clone()),
        ("conversation", event.conversation.clone()),
        ("data_base64", event.data_base64.clone()),
    ];
    object.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
    Value::Object(object)
}

fn standard_action(action: &PublishedAction) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!(action.action_type));
    for (name, from) in [
        ("timestamp", "time"),
        ("id", "id"),
        ("source", "source"),
        ("subject", "subject"),
        ("conversation", "conversation"),
        ("data", "data"),
    ] {
        object.extend(action.message.get(from).map(|value| (name.to_owned(), value.clone())));
    }
    Value::Object(object)
}
