//! What a schema says about a place, and payloads that it may allow. The schema itself then validates each payload, so
//! a keyword that this code doesn't know never leads to an invalid one.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use tidings_expressions::Step;

/// Maximum depth of a payload that is generated from a schema.
const MAX_LEVELS: usize = 12;

/// Maximum number of `enum` values that are tried.
const MAX_CHOICES: usize = 16;

/// The schemas of a place, with the schemas that they contain. Empty if the schema says nothing about the place.
pub(super) fn at<'s>(root: &'s Value, steps: &[Step]) -> Vec<&'s Value> {
    let mut here = parts(root, root, MAX_LEVELS);
    for step in steps {
        let below = here.iter().flat_map(|schema| match step {
            Step::Field(name) => schema.pointer("/properties").and_then(|properties| properties.get(name)).into_iter().collect(),
            Step::Each | Step::Index(_) => items(schema),
        });
        here = below.flat_map(|schema| parts(root, schema, MAX_LEVELS)).collect();
    }
    here
}

fn items(schema: &Value) -> Vec<&Value> {
    match schema.get("items") {
        Some(Value::Array(several)) => several.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

/// A schema, and all schemas that apply, or may apply, to the same value.
fn parts<'s>(root: &'s Value, schema: &'s Value, levels: usize) -> Vec<&'s Value> {
    let mut found = vec![schema];
    if levels == 0 {
        return found;
    }
    found.extend(referred(root, schema).into_iter().flat_map(|schema| parts(root, schema, levels - 1)));
    for keyword in ["allOf", "anyOf", "oneOf", "then", "else"] {
        let several = match schema.get(keyword) {
            Some(Value::Array(several)) => several.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        found.extend(several.iter().flat_map(|schema| parts(root, schema, levels - 1)));
    }
    found
}

fn referred<'s>(root: &'s Value, schema: &Value) -> Option<&'s Value> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

/// The type names in `type`.
fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(word)) => vec![word.as_str()],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Values for a place, of each type that these schemas name, except the type of the present value.
pub(super) fn others(schemas: &[&Value], there: &Value) -> Vec<Value> {
    let words: BTreeSet<&str> = schemas.iter().flat_map(|schema| types(schema)).collect();
    let mut values: Vec<Value> = Vec::new();
    for word in words {
        values.extend(match word {
            "null" => vec![Value::Null],
            "boolean" => vec![json!(true)],
            "integer" => vec![json!(1)],
            "number" => vec![json!(1), json!(1.5)],
            "string" => vec![json!("1")],
            "array" => vec![json!([])],
            "object" => vec![json!({})],
            _ => Vec::new(),
        });
    }
    for schema in schemas {
        values.extend(schema.get("const").cloned());
        values.extend(schema.get("enum").and_then(Value::as_array).into_iter().flatten().take(MAX_CHOICES).cloned());
    }
    values.retain(|value| kind(value) != kind(there));
    values.dedup();
    values
}

/// The type of a value, as expressions distinguish types.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "whole",
        Value::Number(_) => "fraction",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

/// A payload with all fields that the schema names. The caller validates it.
pub(super) fn instance(root: &Value) -> Value {
    made(root, root, MAX_LEVELS)
}

fn made(root: &Value, schema: &Value, levels: usize) -> Value {
    let named = ["const", "default"].iter().find_map(|word| schema.get(*word));
    let listed = ["examples", "enum"].iter().find_map(|word| schema.get(*word)?.get(0));
    if levels == 0 {
        return Value::Null;
    }
    if let Some(value) = named.or(listed) {
        return value.clone();
    }
    let mut object = Map::new();
    let mut value = Value::Null;
    let mut take = |made: Value| match made {
        Value::Object(fields) => object.extend(fields),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => value = plain,
    };
    referred(root, schema).into_iter().for_each(|schema| take(made(root, schema, levels - 1)));
    for schema in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        take(made(root, schema, levels - 1));
    }
    for keyword in ["anyOf", "oneOf"] {
        let choices = schema.get(keyword).and_then(Value::as_array).into_iter().flatten();
        let choice = choices.map(|schema| made(root, schema, levels - 1)).find(|made| !made.is_null());
        choice.into_iter().for_each(&mut take);
    }
    let words = types(schema);
    let word = words.iter().copied().find(|word| *word != "null").or(words.first().copied());
    let fields = schema.get("properties").and_then(Value::as_object);
    match word {
        Some("string") => take(Value::String(text(schema))),
        Some("integer" | "number") => take(schema.get("minimum").cloned().unwrap_or(json!(1))),
        Some("boolean") => take(json!(true)),
        Some("array") => take(Value::Array(items(schema).into_iter().map(|items| made(root, items, levels - 1)).collect())),
        Some("object") => take(json!({})),
        Some(_) | None => {}
    }
    for (name, schema) in fields.into_iter().flatten() {
        object.insert(name.clone(), made(root, schema, levels - 1));
    }
    if object.is_empty() && word != Some("object") { value } else { Value::Object(object) }
}

/// Texts that match common patterns.
const EXAMPLES: &[&str] =
    &["1", "a", "EUR", "+491713920012", "2026-11-22T12:00:00Z", "2026-11-22", "a@example.com", "https://example.com/1"];

fn text(schema: &Value) -> String {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let text = match format {
        "date-time" => "2026-11-22T12:00:00Z",
        "date" => "2026-11-22",
        "time" => "12:00:00Z",
        "email" => "a@example.com",
        "uri" => "https://example.com/1",
        "uuid" => "01234567-89ab-4def-8123-456789abcdef",
        _ => "1",
    };
    let least = schema.get("minLength").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0).min(1_024);
    let text = format!("{text:1<least$}");
    let pattern = schema.get("pattern").and_then(Value::as_str).and_then(|pattern| regex::Regex::new(pattern).ok());
    let Some(pattern) = pattern else { return text };
    // The literal prefix of the pattern, as in `^evt_`, and some characters after it.
    let written = pattern.as_str().trim_start_matches('^');
    let prefix: String = written.chars().take_while(|c| c.is_ascii_alphanumeric() || "_-:/ ".contains(*c)).collect();
    let begun = ["", "1", "a", "12345678", "abcdefgh"].map(|rest| format!("{prefix}{rest}"));
    let examples = EXAMPLES.iter().map(|example| (*example).to_owned());
    let mut candidates = std::iter::once(text.clone()).chain(examples).chain(begun);
    candidates.find(|candidate| candidate.len() >= least && pattern.is_match(candidate)).unwrap_or(text)
}

/// Adds the fields that only the other value has.
pub(super) fn fill(value: &mut Value, other: &Value) {
    if let (Value::Object(fields), Value::Object(others)) = (value, other) {
        for (name, other) in others {
            match fields.get_mut(name) {
                Some(field) => fill(field, other),
                None => drop(fields.insert(name.clone(), other.clone())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> Step {
        Step::Field(name.to_owned())
    }

    #[test]
    fn a_place_is_found_through_references_and_choices() {
        let schema = json!({
            "properties": {"order": {"$ref": "#/$defs/order"}, "lines": {"items": {"properties": {"sku": {"type": "string"}}}}},
            "$defs": {"order": {"anyOf": [{"properties": {"carrier": {"type": ["string", "null"]}}}, {"type": "null"}]}}
        });
        let carrier = at(&schema, &[field("order"), field("carrier")]);
        assert_eq!(others(&carrier, &json!("DHL")), [Value::Null]);
        assert_eq!(others(&at(&schema, &[field("order")]), &json!({})), [Value::Null]);
        assert_eq!(at(&schema, &[field("lines"), Step::Each, field("sku")]).len(), 1);
        assert!(at(&schema, &[field("order"), field("carier")]).is_empty(), "the schema doesn't describe it");
    }

    #[test]
    fn a_number_may_be_an_integer_or_a_fraction() {
        let number = json!({"type": "number"});
        assert_eq!(others(&[&number], &json!(2)), [json!(1.5)]);
        assert_eq!(others(&[&number], &json!(2.5)), [json!(1)]);
        assert!(others(&[&json!({"type": "integer"})], &json!(2)).is_empty());
    }

    #[test]
    fn a_payload_is_made_of_all_that_a_schema_knows() {
        let schema = json!({
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": {"type": "string", "minLength": 3},
                "at": {"type": "string", "format": "date"},
                "kind": {"enum": ["a", "b"]},
                "lines": {"type": "array", "items": {"type": ["null", "integer"]}},
                "phone": {"type": "string", "pattern": "^[+][1-9][0-9]{6,14}$"},
                "event": {"type": "string", "pattern": "^evt_[0-9]+$"},
                "order": {"allOf": [{"$ref": "#/$defs/order"}]}
            },
            "$defs": {"order": {"type": "object", "properties": {"n": {"type": "number"}}}}
        });
        let expected = json!({"id": "111", "at": "2026-11-22", "kind": "a", "lines": [1], "phone": "+491713920012", "event": "evt_1", "order": {"n": 1}});
        assert_eq!(instance(&schema), expected);
        let mut known = json!({"id": "e1", "order": {"m": 2}});
        fill(&mut known, &json!({"id": "1", "kind": "a", "order": {"n": 1.5}}));
        assert_eq!(known, json!({"id": "e1", "kind": "a", "order": {"m": 2, "n": 1.5}}));
    }
}
