//! The schemas and types for bots are those of the code, and as strict as possible.

use serde_json::{Value, json};
use tidings_core::contract::schemas;
use tidings_tests::golden::{check, root};
use tidings_tests::messages::{self, is_valid};
use tidings_tests::typescript::declarations;

#[test]
fn the_committed_schemas_and_types_are_those_of_the_code() {
    let schemas = schemas();
    for (name, schema) in &schemas {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
        check(&format!("docs/schemas/{name}.schema.json"), &format!("{schema:#}\n"));
    }
    let head = "// What Tidings sends and answers. Made of docs/schemas/*.schema.json by tests/message_schemas.rs.\n";
    let types = format!("{head}{}", declarations(schemas.iter().map(|(_, schema)| schema)));
    for path in ["docs/schemas/tidings.d.ts", "examples/bots/node/tidings.d.ts"] {
        check(path, &types);
    }
}

fn golden(name: &str) -> Value {
    let text = std::fs::read_to_string(root().join("events/contract").join(name)).expect("the file");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_golden_messages_are_valid() {
    messages::check("action", &golden("action-v1.json").to_string());
    for version in 1..=3 {
        messages::check("event", &golden(&format!("envelope-v{version}.json")).to_string());
    }
}

/// The examples of the pages for authors of bots.
#[test]
fn the_messages_that_the_docs_show_are_valid() {
    for (page, of) in [("docs/actions.md", "action"), ("docs/reading.md", "context")] {
        let text = std::fs::read_to_string(root().join(page)).expect("the page");
        let blocks: Vec<&str> = text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(!blocks.is_empty(), "{page} shows none");
        for block in blocks {
            messages::check(of, block);
        }
    }
}

#[test]
fn a_message_without_a_property_or_with_another_type_is_invalid() {
    let change = |message: &Value, name: &str, value: Value| {
        let mut message = message.clone();
        message[name] = value;
        message
    };
    let action = golden("action-v1.json");
    for property in ["id", "type", "conversation", "sequence", "data", "cause"] {
        let mut without = action.clone();
        without.as_object_mut().expect("an object").remove(property);
        assert!(!is_valid("action", &without), "{property}");
    }
    for (name, value) in [
        ("sequence", json!(7)),
        ("subject", Value::Null),
        ("priority", json!("high")),
        ("data", json!({"channel": "slack"})),
        ("data", json!({"text": "a", "format": "rtf"})),
    ] {
        assert!(!is_valid("action", &change(&action, name, value.clone())), "{name}: {value}");
    }
    let emitted = change(&change(&action, "type", json!("answer.wanted")), "data", json!({"text": 1}));
    assert!(is_valid("action", &emitted), "what a rule emits has data of any form");
    assert!(!is_valid("context", &json!({"conversation": "ann"})));
    assert!(!is_valid("event", &change(&golden("envelope-v1.json"), "receivedtime", json!(1))));
}
