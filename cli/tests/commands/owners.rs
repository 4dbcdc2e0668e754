//! `send` and `verify` show whose conversation an event belongs to by the project's `conversations`.

use crate::support::{Folder, KITCHEN, json, said};
use serde_json::json;

fn rules(entry: &str) -> String {
    format!("version: 1\nconversations:\n  - {{ on: \"pizza.*\", source: kitchen, {entry} }}\n")
}

#[test]
fn the_conversation_of_the_projects_rules_is_shown() {
    let folder = Folder::new("owners");
    folder.write("sources.yaml", KITCHEN);
    folder.write("secrets.json", r#"{ "kitchen": "a-secret-of-the-kitchen-that-is-long" }"#);
    folder.write("pizza.json", r#"{ "id": "1", "kind": "pizza.baked", "phone": "49171" }"#);
    let dry = ["send", "kitchen", "--file", "pizza.json", "--secrets", "secrets.json", "--dry-run", "--json"];
    for (entry, owner, shown) in [
        ("conversation: \"'phone:' + data.phone\"", json!({ "conversation": "phone:49171" }), "conversation  phone:49171"),
        ("identity: \"'order:' + data.phone\"", json!({ "identity": "order:49171" }), "identity      order:49171"),
        (
            "conversation: data.?chat.orValue(null)",
            json!({ "entity": "entity:kitchen/pizza.baked" }),
            "no entry of `conversations`",
        ),
        ("conversation: data.chat", json!(null), "no field"),
    ] {
        folder.write("rules.yaml", rules(entry));
        let sent = folder.run(&dry);
        let event = &json(&sent)["answer"]["events"][0];
        if owner.is_null() {
            assert!(event["owner"]["problem"].as_str().is_some_and(|problem| problem.contains(shown)), "{entry}: {event}");
        } else {
            assert_eq!(event["owner"], owner, "{entry}");
        }
        folder.write("request.json", &sent.stdout);
        let verified = folder.run(&["verify", "kitchen", "request.json", "--secrets", "secrets.json"]);
        assert_eq!(verified.status.code(), Some(0), "{entry}: {}", said(&verified));
        assert!(said(&verified).contains(shown), "{entry}: {}", said(&verified));
        let is_denied = said(&verified).contains("`conversations`");
        assert_eq!(is_denied, shown.contains("`conversations`"), "{entry}: {}", said(&verified));
    }
}
