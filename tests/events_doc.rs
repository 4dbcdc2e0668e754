//! Generates `docs/events.md`: every type of event in the corpus or a schema, from both and from the rules.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use tidings_config::rules::{Rules, is_about};
use tidings_config::schemas::OnMismatch;
use tidings_core::envelope::Envelope;
use tidings_tests::golden::{check_between, root};

const BEGIN: &str = "<!-- made by tests/events_doc.rs -->";
const END: &str = "<!-- end -->";

/// Levels of objects in a sample.
const DEPTH: usize = 4;

/// Fields of an object in a sample.
const FIELDS: usize = 12;

/// Characters of a text in a sample.
const LENGTH: usize = 60;

/// The first event of each type in the committed batch, by source and type.
fn samples() -> BTreeMap<(String, String), Envelope> {
    let text = std::fs::read_to_string(root().join("events/sqs/batch.json")).expect("the batch");
    let batch: Value = serde_json::from_str(&text).expect("JSON");
    let mut samples = BTreeMap::new();
    for record in batch["Records"].as_array().expect("records") {
        let envelope = Envelope::decode(record["body"].as_str().expect("a body")).expect("an envelope");
        samples.entry((envelope.source_name().to_owned(), envelope.event_type.clone())).or_insert(envelope);
    }
    samples
}

/// The names of the rules and joins for this type.
fn about(rules: &Rules, source: &str, event_type: &str) -> Vec<String> {
    let mut names = Vec::new();
    for rule in rules.rules.iter().filter(|rule| is_about(&rule.on, &rule.source, source, event_type)) {
        names.push(if rule.when.is_some() { format!("`{}`, on a condition", rule.name) } else { format!("`{}`", rule.name) });
    }
    let joins = rules.joins.iter().filter(|join| join.all.iter().any(|leg| is_about(&leg.on, &leg.source, source, event_type)));
    names.extend(joins.map(|join| format!("join `{}`", join.name)));
    names
}

/// A payload cut to show its structure.
fn pruned(value: &Value, depth: usize) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) if depth == 0 => json!("…"),
        Value::Object(object) => {
            let more = (object.len() > FIELDS).then(|| ("…".to_owned(), json!(format!("{} more", object.len() - FIELDS))));
            object.iter().take(FIELDS).map(|(name, value)| (name.clone(), pruned(value, depth - 1))).chain(more).collect()
        }
        Value::Array(list) => {
            let more = (list.len() > 1).then(|| json!("…"));
            list.first().map(|first| pruned(first, depth - 1)).into_iter().chain(more).collect()
        }
        Value::String(text) if text.chars().count() > LENGTH => {
            json!(format!("{}…", text.chars().take(LENGTH).collect::<String>()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn anchor(source: &str, event_type: &str) -> String {
    format!("{source}-{}", event_type.replace('.', "-"))
}

#[test]
fn the_catalogue_agrees_with_corpus_schemas_and_rules() {
    let (rules, samples) = (tidings_events::project::rules(), samples());
    let schemas = tidings_events::project::schemas();
    let mut types: BTreeSet<(String, String)> = samples.keys().cloned().collect();
    types.extend(schemas.types().map(|(source, event_type)| (source.to_owned(), event_type.to_owned())));

    let mut page = String::from("| source | type | versions | rules |\n|---|---|---|---|\n");
    let mut sections = String::new();
    for (source, event_type) in &types {
        let versions: Vec<String> = schemas
            .versions(source, event_type)
            .map(|(version, on_mismatch)| {
                let policy = match on_mismatch {
                    OnMismatch::Accept => "accept",
                    OnMismatch::Reject => "reject",
                };
                format!("[{version}](../events/project/schemas/{source}/{event_type}/{version}.json) ({policy})")
            })
            .collect();
        let about = about(&rules, source, event_type);
        let (listed, anchor) = (versions.join(", "), anchor(source, event_type));
        writeln!(page, "| {source} | [`{event_type}`](#{anchor}) | {listed} | {} |", about.len()).expect("a string");

        write!(sections, "\n<a id=\"{anchor}\"></a>\n\n### {source}: `{event_type}`\n\n").expect("a string");
        let told = |list: Vec<String>, none: &str| if list.is_empty() { none.to_owned() } else { list.join(", ") };
        writeln!(sections, "Versions: {}. Rules: {}.", told(versions, "no schema"), told(about, "none, the timeline has it"))
            .expect("a string");
        if let Some(newest) = schemas.newest(source, event_type) {
            let schema: Value = serde_json::from_str(newest.get()).expect("JSON");
            if let Some(title) = schema["title"].as_str() {
                writeln!(sections, "\n{title}.").expect("a string");
            }
        }
        if let Some(sample) = samples.get(&(source.clone(), event_type.clone())) {
            let data: Value = serde_json::from_str(sample.data.get()).expect("JSON");
            writeln!(sections, "\n```json\n{:#}\n```", pruned(&data, DEPTH)).expect("a string");
        }
    }
    check_between("docs/events.md", BEGIN, END, &format!("{page}{sections}"));
}
