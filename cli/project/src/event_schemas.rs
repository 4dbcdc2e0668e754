//! `schemas/{source}/{type}/{version}.json`.

use super::{Diagnostic, Report, did_you_mean, json_message};
use crate::limits::{MAX_SCHEMA_BYTES, MAX_SCHEMAS};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use tidings_config::limits::MAX_EVENT_TYPE_BYTES;
use tidings_config::rules::TypePattern;
use tidings_config::schemas::check::{Problem, check};
use tidings_config::schemas::{EventSchema, is_version};

/// Reads all schemas, given as path and text. `sources` are the names in `sources.yaml`.
pub fn read_event_schemas(files: &[(String, String)], sources: &[String]) -> Result<Vec<EventSchema>, Report> {
    let mut report = Report::default();
    let mut schemas = Vec::new();
    for (file, text) in files {
        match read_event_schema(file, text, sources) {
            Ok(schema) => schemas.push(schema),
            Err(Report(problems)) => report.0.extend(problems),
        }
    }
    if let Some((file, _)) = files.get(MAX_SCHEMAS) {
        report.0.push(Diagnostic::at(file, "", 0, format!("{} schemas, allowed: {MAX_SCHEMAS}", files.len())));
    }
    if report.0.is_empty() { Ok(schemas) } else { Err(report) }
}

/// Reads one schema. Its path determines its source, type and version.
pub fn read_event_schema(file: &str, text: &str, sources: &[String]) -> Result<EventSchema, Report> {
    // Some editors begin a file with a byte order mark, which JSON doesn't have.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let problem = |offset: usize, message: String| Report(vec![Diagnostic::at(file, text, offset, message)]);
    let parts: Vec<&str> = file.rsplit(['/', '\\']).collect();
    let [name, event_type, source, ..] = parts[..] else {
        return Err(problem(0, "a schema's path is {source}/{type}/{version}.json".to_owned()));
    };
    let Some(version) = name.strip_suffix(".json").filter(|version| is_version(version)) else {
        return Err(problem(
            0,
            format!("{name:?} isn't a version; write it as 1.json, 2026-10.json: letters, digits, ., _ and -"),
        ));
    };
    if !sources.iter().any(|known| known == source) {
        let hint = did_you_mean(source, sources.iter().map(String::as_str));
        return Err(problem(0, format!("unknown source {source:?}, configured: {}{hint}", sources.join(", "))));
    }
    let is_type = !event_type.contains('*') && event_type.parse::<TypePattern>().is_ok();
    if !is_type || event_type.len() > MAX_EVENT_TYPE_BYTES {
        return Err(problem(0, format!("{event_type:?} isn't an event type; write it as order.shipped")));
    }
    if text.len() > MAX_SCHEMA_BYTES {
        return Err(problem(0, format!("the schema has {} bytes, allowed: {MAX_SCHEMA_BYTES}", text.len())));
    }
    let schema: Value = serde_json::from_str(text).map_err(|error| {
        let message = json_message(&error);
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        let (line, column) = (error.line() as u64, error.column() as u64);
        Report(vec![Diagnostic { file: file.to_owned(), line, column, message }])
    })?;
    let on_mismatch = check(&schema).map_err(|problems| {
        let report = Report(problems.into_iter().map(|problem| told(file, text, problem)).collect());
        report.into_result(()).err().unwrap_or_default()
    })?;
    let schema = RawValue::from_string(schema.to_string()).expect("a value is JSON");
    let (source, event_type, version) = (source.to_owned(), event_type.to_owned(), version.to_owned());
    Ok(EventSchema { source, event_type, version, on_mismatch, schema })
}

fn told(file: &str, text: &str, Problem { at: pointer, message, seen }: Problem) -> Diagnostic {
    let hint = seen.map(|(seen, allowed)| did_you_mean(&seen, allowed.iter().copied())).unwrap_or_default();
    Diagnostic::at(file, text, offset(text, &pointer), format!("{message}{hint}"))
}

/// The offset of the value at a JSON pointer. If it doesn't exist: the offset of the deepest existing part.
fn offset(text: &str, pointer: &str) -> usize {
    let mut value = text.trim();
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        let member = serde_json::from_str::<BTreeMap<String, &RawValue>>(value).ok().and_then(|mut object| object.remove(&name));
        let element = || {
            let list = serde_json::from_str::<Vec<&RawValue>>(value).ok()?;
            list.get(name.parse::<usize>().ok()?).copied()
        };
        match member.or_else(element) {
            Some(raw) => value = raw.get(),
            None => break,
        }
    }
    // It is a part of the text, so the distance of both beginnings is its offset.
    (value.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_its_place() {
        let text = "{\n  \"a/b\": [1, {\"c\": true}]\n}";
        for (pointer, rest) in [("", "{\n  \"a"), ("/a~1b/1/c", "true}"), ("/a~1b/0", "1, {"), ("/a~1b/7", "[1, {")] {
            assert!(text[offset(text, pointer)..].starts_with(rest), "{pointer}");
        }
    }

    #[test]
    fn files_are_bounded_in_size_and_number() {
        let sources = ["orders".to_owned()];
        let path = |n: usize| format!("schemas/orders/order.shipped/{n}.json");
        let padded = |bytes: usize| format!("{{}}{}", " ".repeat(bytes - 2));
        assert!(read_event_schema(&path(1), &padded(MAX_SCHEMA_BYTES), &sources).is_ok());
        let error = read_event_schema(&path(1), &padded(MAX_SCHEMA_BYTES + 1), &sources).unwrap_err();
        assert!(error.to_string().contains("the schema has 65537 bytes, allowed: 65536"), "{error}");
        let many = |n: usize| (0..n).map(|n| (path(n), "{}".to_owned())).collect::<Vec<_>>();
        assert_eq!(read_event_schemas(&many(MAX_SCHEMAS), &sources).unwrap().len(), MAX_SCHEMAS);
        let error = read_event_schemas(&many(MAX_SCHEMAS + 1), &sources).unwrap_err();
        assert!(error.to_string().contains("513 schemas, allowed: 512"), "{error}");
    }
}
