//! A payload is validated against its schema before any rule sees it.

use crate::support::{Harness, MAX_RECEIVES, Sent, corpus_events, message, moved};
use processor::decode::Message;
use processor::schema::validate;
use serde_json::{Value, json};
use tidings_config::schemas::{EventSchema, EventSchemas, OnMismatch};
use tidings_core::claim::ClaimState;
use tidings_core::envelope::Envelope;
use tidings_events::project;
use tidings_project::read_event_schema;

fn schema(event_type: &str, version: &str, policy: &str, mut schema: Value) -> EventSchema {
    schema["x-tidings"] = json!({"policy": policy});
    let path = format!("events/project/schemas/orders/{event_type}/{version}.json");
    read_event_schema(&path, &schema.to_string(), &["orders".to_owned()]).expect("a schema that is right")
}

/// Version 1 knows a status; 2 knows which.
fn moved_schemas(policy: &str) -> EventSchemas {
    let status = |status: Value| json!({"type": "object", "required": ["who", "status"], "properties": {"status": status}});
    EventSchemas::new(vec![
        schema("order.moved", "2", policy, status(json!({"enum": ["packed", "shipped"]}))),
        schema("order.moved", "1", policy, status(json!({"type": "string"}))),
    ])
}

fn of_version(sent: &Sent, dataschema: &str) -> Envelope {
    let mut envelope = sent.envelope();
    envelope.dataschema = Some(dataschema.to_owned());
    envelope
}

#[tokio::test]
async fn a_rejected_payload_is_dead_with_the_path_and_no_value() {
    let harness = Harness::holding(moved_schemas("reject"));
    let event = moved("e1", "ann", "hunter2", 0);
    for receive in 1..MAX_RECEIVES {
        assert_eq!(harness.handle(vec![event.message(receive)]).await, ["m-e1"], "receive {receive}");
        assert_eq!(harness.claim("orders#e1"), None, "receive {receive}");
    }
    harness.handle(vec![event.message(MAX_RECEIVES)]).await;
    let dead = harness.claim("orders#e1").unwrap();
    let reason = "schema 2: /status doesn't match the schema; expected: enum [\"packed\",\"shipped\"]";
    assert_eq!((dead.state, dead.reason.as_deref()), (ClaimState::Dead, Some(reason)));
    assert_eq!(harness.fact("ann", "order/1", "status"), Value::Null, "no rule has seen it");
}

#[tokio::test]
async fn an_accepted_violation_has_its_effect() {
    let harness = Harness::holding(moved_schemas("accept"));
    let event = moved("e1", "ann", "lost", 0);
    assert_eq!(harness.handle(vec![event.message(1)]).await, [""; 0]);
    let claim = harness.claim("orders#e1").unwrap();
    let off = "schema 2: /status doesn't match the schema; expected: enum [\"packed\",\"shipped\"]";
    assert_eq!((claim.state, claim.off_schema.as_deref()), (ClaimState::Processed, Some(off)));
    assert_eq!(harness.fact("ann", "order/1", "status"), "lost");
    let finding = validate(&moved_schemas("accept"), &Message::new(event.envelope())).unwrap().unwrap();
    assert_eq!((finding.on_mismatch, finding.version.as_str()), (OnMismatch::Accept, "2"));
}

#[tokio::test]
async fn the_event_names_the_version_and_the_newest_is_the_default() {
    let harness = Harness::holding(moved_schemas("reject"));
    let event = moved("e1", "ann", "lost", 0);
    let encoded = |dataschema: &str| of_version(&event, dataschema).encode();
    assert_eq!(harness.handle(vec![message("m", &encoded("2"), 1)]).await, ["m"]);
    assert_eq!(harness.handle(vec![event.message(1)]).await, ["m-e1"], "without a version: the newest");
    for first in ["1", "https://orders.example/schemas/order.moved/1.json"] {
        assert_eq!(harness.handle(vec![message("m", &encoded(first), 1)]).await, [""; 0], "{first}");
    }
}

#[tokio::test]
async fn an_unknown_version_is_reported() {
    let harness = Harness::holding(moved_schemas("reject"));
    let event = of_version(&moved("e1", "ann", "packed", 0), "3");
    assert_eq!(harness.handle(vec![message("m", &event.encode(), MAX_RECEIVES)]).await, ["m"]);
    let reason = harness.claim("orders#e1").unwrap().reason.unwrap();
    assert_eq!(reason, "schema 2: the event's version has no schema, known: 1, 2");
}

#[tokio::test]
async fn a_type_or_source_without_a_schema_is_not_validated() {
    let others = EventSchemas::new(vec![schema("order.lost", "1", "reject", json!({"not": {}}))]);
    let harness = Harness::holding(others);
    assert_eq!(harness.handle(vec![moved("e1", "ann", "anything", 0).message(1)]).await, [""; 0]);
    let schemas = moved_schemas("reject");
    let elsewhere = moved("e1", "ann", "anything", 0).envelope().encode().replace("/webhooks/orders", "/webhooks/shop");
    assert_eq!(Envelope::decode(&elsewhere).unwrap().validate(&schemas), None);
}

/// Names that the sender chose are part of the payload as well.
#[test]
fn every_violation_is_reported_in_the_schemas_terms() {
    let data = json!({
        "who": "ann", "items": [{"n": 1}, {"n": "hunter2"}], "hunter2": {"deep": "hunter2"}, "text": "hunter2 hunter2", "list": [1, 1],
    });
    for (schema_of, said) in [
        (json!({"type": "array"}), "the payload doesn't match the schema; expected: type \"array\""),
        (json!({"required": ["id"]}), "the payload lacks the required field \"id\""),
        (
            json!({"properties": {"items": {"items": {"properties": {"n": {"type": "integer"}}}}}}),
            "/items/1/n doesn't match the schema; expected: type \"integer\"",
        ),
        (json!({"properties": {"text": {"maxLength": 3}}}), "/text doesn't match the schema; expected: maxLength 3"),
        (
            json!({"properties": {"text": {"pattern": "^[a-z]+$"}}}),
            "/text doesn't match the schema; expected: pattern \"^[a-z]+$\"",
        ),
        (
            json!({"properties": {"text": {"format": "date-time"}}}),
            "/text doesn't match the schema; expected: format \"date-time\"",
        ),
        (json!({"properties": {"text": {"const": "x"}}}), "/text doesn't match the schema; expected: const \"x\""),
        (
            json!({"properties": {"who": {}}, "additionalProperties": false}),
            "the payload doesn't match the schema; expected: no field but those of `properties`",
        ),
        (
            json!({"additionalProperties": {"type": ["string", "array"]}}),
            "/* doesn't match the schema; expected: type [\"string\",\"array\"]",
        ),
        (
            json!({"patternProperties": {"^h": {"properties": {"deep": {"type": "number"}}}}}),
            "/*/deep doesn't match the schema; expected: type \"number\"",
        ),
        (
            json!({"propertyNames": {"maxLength": 5}}),
            "the payload doesn't match the schema; expected: names that match `propertyNames`",
        ),
        (json!({"properties": {"list": {"uniqueItems": true}}}), "/list doesn't match the schema; expected: uniqueItems true"),
        (
            json!({"properties": {"text": {"anyOf": [{"type": "number"}, {"maxLength": 1}]}}}),
            "/text doesn't match the schema; expected: one of `anyOf`",
        ),
        (
            json!({"properties": {"text": {"oneOf": [{}, {}]}}}),
            "/text doesn't match the schema; expected: exactly one of `oneOf`",
        ),
        (
            json!({"properties": {"text": {"not": {"type": "string"}}}}),
            "/text doesn't match the schema; expected: no match of `not`",
        ),
        (json!({"properties": {"text": false}}), "/text doesn't match the schema; expected: no value"),
        (
            json!({"properties": {"text": {"$ref": "#/$defs/t"}}, "$defs": {"t": {"minLength": 99}}}),
            "/text doesn't match the schema; expected: minLength 99",
        ),
    ] {
        let schemas = EventSchemas::new(vec![schema("order.moved", "1", "reject", schema_of.clone())]);
        let event = Sent { data: data.clone(), ..moved("e1", "ann", "x", 0) };
        let finding = event.envelope().validate(&schemas).unwrap_or_else(|| panic!("{schema_of} holds")).to_string();
        assert_eq!(finding, format!("schema 1: {said}"));
        assert!(!finding.contains("hunter2"), "{finding}");
    }
}

/// With an engine that backtracks this would take longer than the universe has.
#[test]
fn a_pattern_takes_linear_time() {
    let schemas =
        EventSchemas::new(vec![schema("order.moved", "1", "reject", json!({"properties": {"status": {"pattern": "^(a+)+$"}}}))]);
    let long = format!("{}!", "a".repeat(100_000));
    assert!(moved("e1", "ann", &long, 0).envelope().validate(&schemas).is_some());
    assert_eq!(moved("e1", "ann", &long[..100_000], 0).envelope().validate(&schemas), None);
}

#[test]
fn the_corpus_matches_the_shipped_schemas() {
    let schemas = project::schemas();
    let events = corpus_events();
    let off: Vec<String> = events
        .iter()
        .filter_map(|event| event.validate(&schemas).map(|finding| format!("{}: {finding}", event.claimkey)))
        .collect();
    assert_eq!(
        off,
        ["orders#ord-evt-3666: schema 1: /order/total_cents doesn't match the schema; expected: type \"integer\""],
        "the poison event"
    );
    let held = |source: &str| {
        events.iter().filter(|e| e.source_name() == source).all(|e| schemas.versions(source, &e.event_type).next().is_some())
    };
    assert!(held("orders") && held("stripe"), "all their types have a schema");
}
