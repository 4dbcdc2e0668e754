//! JSON Schemas of the formats that other programs read: the queued event, the action, the answer of the read API.
//! They are derived from the types that write these formats, so they can't drift. Draft 2020-12.
//!
//! They describe what is written. A later version may add a property, so a reader should ignore unknown properties.

use crate::action::{ActionMessage, NOTIFY_TYPE, Notification, Turn};
use crate::context::ContextAnswer;
use crate::envelope::Envelope;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// Each schema with the name of its file.
pub fn schemas() -> [(&'static str, Value); 3] {
    [("action", action()), ("context", schema::<ContextAnswer>()), ("event", schema::<Envelope>())]
}

/// The action's schema, with the forms of a notification's data and a turn's.
fn action() -> Value {
    let mut schema = schema::<ActionMessage<'_>>();
    for (name, mut form) in [("Notification", self::schema::<Notification>()), ("Turn", self::schema::<Turn>())] {
        let of_its_own = form["$defs"].take();
        if let Some(parts) = form.as_object_mut() {
            parts.retain(|name, _| !name.starts_with('$'));
        }
        if let Some(definitions) = schema["$defs"].as_object_mut() {
            definitions.extend(of_its_own.as_object().into_iter().flatten().map(|(name, part)| (name.clone(), part.clone())));
            definitions.insert(name.to_owned(), form);
        }
    }
    schema["if"] = json!({ "properties": { "type": { "const": NOTIFY_TYPE } } });
    schema["then"] = json!({ "properties": { "data": { "$ref": "#/$defs/Notification" } } });
    schema
}

fn schema<T: JsonSchema>() -> Value {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    RecursiveTransform(as_written).transform(&mut schema);
    schema.to_value()
}

/// Absent values are left out, never `null`. Number formats are Rust's.
fn as_written(schema: &mut Schema) {
    if schema.get("format").is_some_and(|format| format != "date-time") {
        schema.remove("format");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|of| of != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    let is_null = |form: &Value| form == &json!({ "type": "null" });
    let Some(Value::Array(forms)) = schema.get("anyOf") else { return };
    if let [form, null] = &forms[..]
        && is_null(null)
        && let Some(form) = form.as_object().cloned()
    {
        schema.remove("anyOf");
        for (name, value) in form {
            schema.insert(name, value);
        }
    }
}
