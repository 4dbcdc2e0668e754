//! Who wrote a value: the label of facts and of emitted data, and texts that try to give instructions. They arrive as
//! they were sent, byte for byte, and are labelled as a stranger's.

use crate::support::{Harness, message};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidings_config::rules::Rules;
use tidings_config::written_by::WrittenBy;
use tidings_core::claim::ClaimKey;
use tidings_core::context::{ContextAnswer, Fact};
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_project::{ProjectFile, ProjectFiles};

const SOURCES: &str = "version: 1\nsources:\n  shop: { provider: standard-webhooks }\n  other: { provider: standard-webhooks }\n";

const SCHEMA: &str = r#"{"x-tidings": {"by_provider": ["/number", "/lines/*/sku"]}}"#;

const RULES: &str = r#"
version: 1
conversations:
  - { on: "*", conversation: data.who }
rules:
  - name: noted
    on: note.added
    entity: "'note/' + string(data.number)"
    set:
      text: data.text
      number: data.number
      both: "string(data.number) + data.text"
      word: "'noted'"
      level: { value: "'seen'", ladder: [sent, seen] }
      chosen: "data.text == 'x' ? 'a' : 'b'"
    count: { notes: "1", sum: data.number, weighed: size(data.text) }
    add: { numbers: data.number, texts: "data.text.substring(0, 1)" }
    emit: { type: noted, data: { text: data.text, number: data.number, word: "'noted'" } }
  - { name: went, on: note.added, goto: noted }
  - name: collected
    on: note.said
    emit:
      type: said
      data: { text: data.text, number: data.number, word: "'said'" }
      debounce: { quiet: 2s, at_most: 10s }
joins:
  - name: twice
    all: [note.added, note.read]
    by: string(data.number)
    within: 1h
    then: { entity: "'join/' + join.key", set: { key: join.key, word: "'done'" } }
"#;

fn file(path: &str, text: &str) -> ProjectFile {
    ProjectFile { path: path.to_owned(), shown: path.to_owned(), text: text.to_owned() }
}

fn rules() -> Rules {
    let (sources, rules) = (file("sources.yaml", SOURCES), file("rules.yaml", RULES));
    let schemas = ["added", "said"].map(|what| file(&format!("schemas/shop/note.{what}/1.json"), SCHEMA)).to_vec();
    ProjectFiles { sources, rules, schemas, endpoints: None, sinks: None, channels: None }
        .read()
        .unwrap_or_else(|report| panic!("{report}"))
        .rules
}

/// The texts of tests/injections.
fn texts() -> Vec<String> {
    let texts: Vec<String> =
        serde_json::from_str(include_str!("../../../../tests/injections/texts.json")).expect("a list of texts");
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), 30);
    texts
}

fn event(source: &str, event_type: &str, id: &str, data: &Value, harness: &Harness) -> String {
    Envelope::new(NewEnvelope {
        id: id.to_owned(),
        source: source.to_owned(),
        event_type: event_type.to_owned(),
        subject: None,
        time: None,
        conversation: None,
        sequence: None,
        claim_key: ClaimKey::new(source, id),
        received: tidings_config::time::Clock::now(&*harness.clock),
        traceparent: None,
        payload: Payload::Json(RawValue::from_string(data.to_string()).expect("JSON")),
    })
    .encode()
}

async fn process(harness: &Harness, source: &str, event_type: &str, id: &str, data: &Value) {
    let body = event(source, event_type, id, data, harness);
    assert!(harness.handle(vec![message(id, &body, 1)]).await.is_empty(), "{id}");
}

#[tokio::test]
async fn thirty_injections_arrive_byte_for_byte_and_labelled_in_the_context_and_in_actions() {
    let harness = Harness::with(rules(), |store| store);
    for (n, text) in texts().iter().enumerate() {
        process(&harness, "shop", "note.added", &format!("e{n}"), &json!({"who": "ann", "number": n, "text": text})).await;
    }
    let context = harness.store.context_at("ann", tidings_config::time::Clock::now(&*harness.clock));
    let answer = ContextAnswer::of(&context, tidings_config::time::Clock::now(&*harness.clock), true);
    let sent = harness.outside.actions.sent();
    assert_eq!(sent.len(), 30);
    for (n, text) in texts().iter().enumerate() {
        let entity = format!("note/{n}");
        // Through the JSON that a bot reads.
        let read: Value = serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap();
        assert_eq!(read["entities"][&entity]["text"].as_str().map(str::as_bytes), Some(text.as_bytes()), "{n}");
        assert_eq!(read["details"]["entities"][&entity]["text"]["by"], "stranger", "{n}");
        let provided = &read["by_provider"][&entity];
        assert_eq!(*provided, json!(["level", "notes", "number", "numbers", "sum", "word"]), "{n}");
        let (conversation, _, action) = &sent[n];
        let said: Value = serde_json::from_str(&action.encode(conversation, 1)).unwrap();
        assert_eq!(said["data"]["text"].as_str().map(str::as_bytes), Some(text.as_bytes()), "{n}");
        assert_eq!(said["byprovider"], "number word", "{n}");
    }
}

#[tokio::test]
async fn a_mark_holds_for_its_own_source_alone() {
    let harness = Harness::with(rules(), |store| store);
    process(&harness, "other", "note.added", "e1", &json!({"who": "ann", "number": 7, "text": "x"})).await;
    let context = harness.store.context_at("ann", tidings_config::time::Clock::now(&*harness.clock));
    let by = |name: &str| context.entities["note/7"][name].by;
    assert_eq!((by("number"), by("sum"), by("numbers")), (WrittenBy::Stranger, WrittenBy::Stranger, WrittenBy::Stranger));
    assert_eq!((by("word"), by("level"), by("notes")), (WrittenBy::Provider, WrittenBy::Provider, WrittenBy::Provider));
    let (_, _, action) = &harness.outside.actions.sent()[0];
    assert_eq!(action.by_provider, ["word"]);
}

#[tokio::test]
async fn a_strangers_part_stays_in_a_counter_and_leaves_a_register_with_its_value() {
    let harness = Harness::with(rules(), |store| store);
    process(&harness, "other", "note.added", "e1", &json!({"who": "ann", "number": 7, "text": "x"})).await;
    process(&harness, "shop", "note.added", "e2", &json!({"who": "ann", "number": 7, "text": "y"})).await;
    let context = harness.store.context_at("ann", tidings_config::time::Clock::now(&*harness.clock));
    let by = |name: &str| context.entities["note/7"][name].by;
    assert_eq!(by("number"), WrittenBy::Provider, "the newest event wrote it");
    assert_eq!(by("sum"), WrittenBy::Stranger, "a part of the sum is a stranger's");
    assert_eq!(by("numbers"), WrittenBy::Provider, "of the element the newest event decides");
    assert_eq!((by("both"), by("chosen"), by("texts")), (WrittenBy::Stranger, WrittenBy::Stranger, WrittenBy::Stranger));
}

#[tokio::test]
async fn a_joins_key_is_a_strangers_if_one_of_its_events_does_not_mark_it() {
    let harness = Harness::with(rules(), |store| store);
    process(&harness, "shop", "note.added", "e1", &json!({"who": "ann", "number": 7, "text": "x"})).await;
    process(&harness, "shop", "note.read", "e2", &json!({"who": "ann", "number": 7})).await;
    harness.settle().await;
    let context = harness.store.context_at("ann", tidings_config::time::Clock::now(&*harness.clock));
    let fact = |name: &str| -> &Fact { &context.entities["join/7"][name] };
    assert_eq!((fact("key").by, fact("word").by), (WrittenBy::Stranger, WrittenBy::Provider));
}

#[tokio::test]
async fn a_value_of_a_turn_is_the_providers_if_it_is_in_each_event() {
    for (sources, expected) in [
        (["shop", "shop"], "closed_by opened messages.number messages.word"),
        (["shop", "other"], "closed_by opened messages.word"),
        (["other", "shop"], "closed_by opened messages.word"),
    ] {
        let harness = Harness::with(rules(), |store| store);
        for (n, source) in sources.iter().enumerate() {
            process(&harness, source, "note.said", &format!("e{n}"), &json!({"who": "ann", "number": n, "text": "x"})).await;
        }
        harness.pass(std::time::Duration::from_secs(2)).await;
        let (conversation, sequence, action) = harness.outside.actions.sent().remove(0);
        let said: Value = serde_json::from_str(&action.encode(&conversation, sequence)).unwrap();
        assert_eq!(said["byprovider"], expected, "{sources:?}");
        assert_eq!(said["data"]["messages"].as_array().map(Vec::len), Some(2));
    }
}
