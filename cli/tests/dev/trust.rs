//! Who wrote a value, as a bot and a model see it: `GET /context`, `context show --json` and `--for-llm` of a running
//! `dev`, with texts that try to give instructions.

use crate::support::{Dev, json, out};
use serde_json::{Value, json as object};
use std::path::{Path, PathBuf};
use tidings_core::telemetry::is_displayable;

const RULES: &str = r#"
version: 1
conversations:
  - { on: "*", conversation: "'web:ann'" }
rules:
  - name: noted
    on: note.added
    entity: "'note/' + string(data.number)"
    set: { text: data.text, number: data.number }
"#;

const SOURCES: &str = r#"
version: 1
sources:
  orders:
    scheme:
      algorithm: hmac-sha256
      signature: { from: "header:X-Orders-Signature", encoding: hex, written: { prefix: "v1=" } }
      message: "{header:X-Orders-Timestamp}.{body}"
      timestamp: { from: "header:X-Orders-Timestamp", unit: s, tolerance_seconds: 300 }
    event:
      - { id: "{json:id}", type: "{json:type}", time: { from: ["json:occurred_at"], unit: rfc3339 } }
"#;

const SCHEMA: &str = r#"{"x-tidings": {"policy": "accept", "by_provider": ["/number"]}}"#;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder")
}

/// The lines in a fence, and the text around it.
pub(crate) fn inside(fenced: &str) -> (Vec<String>, String) {
    let mark = fenced.lines().find_map(|line| line.strip_prefix("BEGIN DATA ")).expect("a mark");
    let (before, rest) = fenced.split_once(&format!("BEGIN DATA {mark}\n")).expect("a beginning");
    let (data, after) = rest.split_once(&format!("END DATA {mark}\n")).expect("an end");
    assert!(!data.contains(mark), "only the fence has the mark");
    (data.lines().map(str::to_owned).collect(), format!("{before}{after}"))
}

/// The texts of tests/injections.
fn texts() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("tests/injections/texts.json")).expect("the texts");
    serde_json::from_str(&text).expect("a list of texts")
}

fn project() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trust-{}", std::process::id()));
    let schemas = folder.join("schemas/orders/note.added");
    std::fs::create_dir_all(&schemas).expect("a folder");
    for (path, text) in
        [(folder.join("sources.yaml"), SOURCES), (folder.join("rules.yaml"), RULES), (schemas.join("1.json"), SCHEMA)]
    {
        std::fs::write(path, text).expect("a file");
    }
    folder
}

#[test]
fn thirty_injections_are_fenced_and_labelled_for_a_model_and_equal_for_a_bot() {
    let folder = project();
    let at = folder.to_str().expect("UTF-8").to_owned();
    let dev = Dev::start_with(&[], |command| {
        command.env("TIDINGS_PROJECT", &at);
    });
    let texts = texts();
    assert_eq!(texts.len(), 30);
    for (n, text) in texts.iter().enumerate() {
        let file = folder.join(format!("{n}.json"));
        let body = object!({"id": format!("e{n}"), "type": "note.added", "occurred_at": "2026-11-21T09:30:00Z", "number": n, "text": text});
        std::fs::write(&file, body.to_string()).expect("a file");
        let sent = dev.send(&["orders", "--file", file.to_str().expect("UTF-8"), "--project", &at]);
        assert!(sent.status.success(), "{n}: {}", out(&sent));
    }
    dev.claim("orders#e29", "processed");
    let shown = (0..30).map(|n| dev.claim(&format!("orders#e{n}"), "processed")).count();
    assert_eq!(shown, 30);

    let mut answer = ureq::get(format!("{}/context/web%3Aann", dev.webhooks))
        .header("Authorization", format!("Bearer {}", dev.token))
        .call()
        .expect("an answer");
    let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string().expect("text")).expect("JSON");
    let printed = json(&dev.ask(&["context", "show", "web:ann", "--json"]));
    for (n, text) in texts.iter().enumerate() {
        let entity = format!("note/{n}");
        assert_eq!(answer["entities"][&entity]["text"].as_str(), Some(text.as_str()), "{n}");
        assert_eq!(answer["by_provider"][&entity], object!(["number"]), "{n}");
        let facts = &printed["context"]["entities"][&entity];
        assert_eq!((facts["number"].get("by"), facts["text"].get("by")), (Some(&object!("provider")), None), "{n}");
    }

    let for_llm = dev.ask(&["context", "show", "web:ann", "--for-llm"]);
    let said = out(&for_llm);
    assert!(for_llm.status.success() && said.chars().all(|c| c == '\n' || is_displayable(c)), "{said:?}");
    let (lines, around) = inside(&said);
    let values: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("a value a line")).collect();
    for (n, text) in texts.iter().enumerate() {
        let line =
            values.iter().find(|value| value["entity"] == format!("note/{n}") && value["fact"] == "text").expect("its line");
        assert_eq!((&line["by"], &line["source"]), (&object!("stranger"), &object!("orders")), "{n}");
        let value = line["value"].as_str().expect("a text");
        match line["cut_from_bytes"].as_u64() {
            None => assert_eq!(value, text, "{n}: equal, byte for byte"),
            Some(bytes) => assert!(text.starts_with(value.trim_end_matches('…')) && bytes == text.len() as u64, "{n}"),
        }
        let start: String = text.trim().chars().take(12).collect();
        assert!(!around.contains(&start), "{n} stands outside: {around}");
    }
    let labels: Vec<&str> = values.iter().filter_map(|value| value["by"].as_str()).collect();
    assert_eq!(labels.iter().position(|by| *by == "stranger"), Some(30), "the provider's come first");
    let again = out(&dev.ask(&["context", "show", "web:ann", "--for-llm"]));
    assert_eq!((inside(&again).0, again == said), (lines, false), "another mark each time");
    std::fs::remove_dir_all(folder).expect("its end");
}
