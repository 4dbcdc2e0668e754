//! Which schemas are allowed. A schema that could make validation unbounded, or that probably contains a typing
//! error, is refused by `tidings build`.

use super::{KEYWORD, OnMismatch, options};
use crate::limits::MAX_SCHEMA_NODES;
use crate::written_by::{MAX_MARKS, Pointer};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A problem, and its place: a JSON pointer into the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub at: String,
    pub message: String,
    /// The word in the file and the allowed words, if it is probably a typing error.
    pub seen: Option<(String, &'static [&'static str])>,
}

/// The kind of value that a keyword has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A schema, or a list of schemas.
    Schema,
    /// Schemas by name.
    Schemas,
    /// A value that isn't a schema.
    Data,
}

/// The keywords of drafts 7 and 2020-12 that describe a payload.
const KEYWORDS: &[(&str, Holds)] = &[
    ("$comment", Holds::Data),
    ("$defs", Holds::Schemas),
    ("$id", Holds::Data),
    ("$ref", Holds::Data),
    ("$schema", Holds::Data),
    ("additionalItems", Holds::Schema),
    ("additionalProperties", Holds::Schema),
    ("allOf", Holds::Schema),
    ("anyOf", Holds::Schema),
    ("const", Holds::Data),
    ("contains", Holds::Schema),
    ("contentEncoding", Holds::Data),
    ("contentMediaType", Holds::Data),
    ("default", Holds::Data),
    ("definitions", Holds::Schemas),
    ("dependentRequired", Holds::Data),
    ("dependentSchemas", Holds::Schemas),
    ("deprecated", Holds::Data),
    ("description", Holds::Data),
    ("else", Holds::Schema),
    ("enum", Holds::Data),
    ("examples", Holds::Data),
    ("exclusiveMaximum", Holds::Data),
    ("exclusiveMinimum", Holds::Data),
    ("format", Holds::Data),
    ("if", Holds::Schema),
    ("items", Holds::Schema),
    ("maxContains", Holds::Data),
    ("maxItems", Holds::Data),
    ("maxLength", Holds::Data),
    ("maxProperties", Holds::Data),
    ("maximum", Holds::Data),
    ("minContains", Holds::Data),
    ("minItems", Holds::Data),
    ("minLength", Holds::Data),
    ("minProperties", Holds::Data),
    ("minimum", Holds::Data),
    ("multipleOf", Holds::Data),
    ("not", Holds::Schema),
    ("oneOf", Holds::Schema),
    ("pattern", Holds::Data),
    ("patternProperties", Holds::Schemas),
    ("prefixItems", Holds::Schema),
    ("properties", Holds::Schemas),
    ("propertyNames", Holds::Schema),
    ("readOnly", Holds::Data),
    ("required", Holds::Data),
    ("then", Holds::Schema),
    ("title", Holds::Data),
    ("type", Holds::Data),
    ("unevaluatedItems", Holds::Schema),
    ("unevaluatedProperties", Holds::Schema),
    ("uniqueItems", Holds::Data),
    ("writeOnly", Holds::Data),
];

const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];

const DRAFTS: &[&str] = &["https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema#"];

const POLICIES: &[&str] = &["accept", "reject"];

const OWN_KEYS: &[&str] = &["policy", BY_PROVIDER];

/// In `x-tidings`: the places whose values the provider's own systems write.
const BY_PROVIDER: &str = "by_provider";

/// Checks a schema. Returns its policy, or every problem.
pub fn check(schema: &Value) -> Result<OnMismatch, Vec<Problem>> {
    let mut walk = Walk { root: schema, problems: Vec::new() };
    walk.schema(schema, "");
    let on_mismatch = walk.policy();
    walk.marks();
    if walk.problems.is_empty() {
        let mut nodes = 0;
        walk.size(schema, "", &mut Vec::new(), &mut nodes);
    }
    if walk.problems.is_empty()
        && let Err(error) = options().build(schema)
    {
        walk.says(error.instance_path().as_str(), in_words(&error));
    }
    if walk.problems.is_empty() { Ok(on_mismatch) } else { Err(walk.problems) }
}

/// The places that a checked schema marks: their values are written by the provider's own systems.
pub fn marks(schema: &Value) -> Vec<Pointer> {
    let marks = schema.get(KEYWORD).and_then(|ours| ours.get(BY_PROVIDER)).and_then(Value::as_array);
    marks.into_iter().flatten().filter_map(|mark| mark.as_str()?.parse().ok()).collect()
}

/// The field names that a schema mentions.
pub(super) fn names(schema: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect(schema, &mut names);
    names
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                names.extend(properties.keys().cloned());
            }
            if let Some(Value::Array(required)) = object.get("required") {
                names.extend(required.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            object.values().for_each(|value| collect(value, names));
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

struct Walk<'s> {
    root: &'s Value,
    problems: Vec<Problem>,
}

impl<'s> Walk<'s> {
    fn says(&mut self, at: &str, message: String) {
        self.problems.push(Problem { at: at.to_owned(), message, seen: None });
    }

    fn slip(&mut self, at: &str, message: String, seen: &str, allowed: &'static [&'static str]) {
        self.problems.push(Problem { at: at.to_owned(), message, seen: Some((seen.to_owned(), allowed)) });
    }

    /// Checks a schema and its subschemas, without following references.
    fn schema(&mut self, schema: &Value, at: &str) {
        let object = match schema {
            Value::Bool(_) => return,
            Value::Object(object) => object,
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return self.says(at, "a schema is an object, or true or false".to_owned());
            }
        };
        for (keyword, value) in object {
            let here = format!("{at}/{}", escaped(keyword));
            match KEYWORDS.iter().find(|(known, _)| known == keyword) {
                Some((_, Holds::Data)) => self.data(keyword, value, &here, at.is_empty()),
                Some((_, Holds::Schema)) => match value {
                    Value::Array(list) => {
                        list.iter().enumerate().for_each(|(n, one)| self.schema(one, &format!("{here}/{n}")));
                    }
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                        self.schema(value, &here);
                    }
                },
                Some((_, Holds::Schemas)) => match value.as_object() {
                    Some(map) => map.iter().for_each(|(name, one)| self.schema(one, &format!("{here}/{}", escaped(name)))),
                    None => self.says(&here, format!("`{keyword}` is an object of schemas by name")),
                },
                None if keyword == KEYWORD && at.is_empty() => {}
                None if keyword == KEYWORD => self.says(&here, format!("`{KEYWORD}` is for the schema as a whole")),
                None if keyword.starts_with("x-") => {}
                None => {
                    let known: &'static [&'static str] = known_keywords();
                    let message = format!("unknown keyword {keyword:?}: it would be ignored; your own keywords begin with x-");
                    self.slip(&here, message, keyword, known);
                }
            }
        }
    }

    fn data(&mut self, keyword: &str, value: &Value, here: &str, is_root: bool) {
        match keyword {
            "$ref" => {
                let local = value.as_str().filter(|reference| *reference == "#" || reference.starts_with("#/"));
                match local {
                    None => self.says(
                        here,
                        format!("$ref {value}: allowed: places in this file, such as #/$defs/order; nothing is fetched"),
                    ),
                    Some(reference) if self.find(reference).is_none() => {
                        self.says(here, format!("$ref {value} doesn't exist"));
                    }
                    Some(_) => {}
                }
            }
            "$id" if !is_root => {
                self.says(here, "`$id` is for the schema as a whole: it would change what $ref means".to_owned())
            }
            "$schema" => {
                let known = value.as_str().is_some_and(|draft| DRAFTS.contains(&draft));
                if !known || !is_root {
                    self.says(here, format!("$schema {value}, allowed at the top: {}", DRAFTS.join(", ")));
                }
            }
            "type" => {
                let words = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                for word in words {
                    match word.as_str() {
                        Some(word) if TYPES.contains(&word) => {}
                        Some(word) => {
                            self.slip(here, format!("unknown type {word:?}, allowed: {}", TYPES.join(", ")), word, TYPES);
                        }
                        None => self.says(here, format!("`type` is one of {}, or a list of them", TYPES.join(", "))),
                    }
                }
            }
            _ => {}
        }
    }

    /// The policy in `x-tidings`.
    fn policy(&mut self) -> OnMismatch {
        let at = format!("/{KEYWORD}");
        let ours: &Map<String, Value> = match self.root.get(KEYWORD) {
            None => return OnMismatch::default(),
            Some(Value::Object(ours)) => ours,
            Some(_) => {
                self.says(&at, format!("`{KEYWORD}` must be an object such as {{\"policy\": \"reject\"}}"));
                return OnMismatch::default();
            }
        };
        for key in ours.keys().filter(|key| !OWN_KEYS.contains(&key.as_str())) {
            let message = format!("unknown {key:?} in `{KEYWORD}`, allowed: {}", OWN_KEYS.join(", "));
            self.slip(&format!("{at}/{}", escaped(key)), message, key, OWN_KEYS);
        }
        match ours.get("policy").map(|policy| (policy, policy.as_str())) {
            None | Some((_, Some("accept"))) => OnMismatch::Accept,
            Some((_, Some("reject"))) => OnMismatch::Reject,
            Some((seen, word)) => {
                let message = format!("policy {seen}, allowed: {}", POLICIES.join(", "));
                self.slip(&format!("{at}/policy"), message, word.unwrap_or_default(), POLICIES);
                OnMismatch::default()
            }
        }
    }

    /// The places in `x-tidings.by_provider`.
    fn marks(&mut self) {
        let at = format!("/{KEYWORD}/{BY_PROVIDER}");
        let Some(marks) = self.root.pointer(&at) else { return };
        let Some(marks) = marks.as_array() else {
            return self.says(&at, format!("`{BY_PROVIDER}` is a list of places, such as [\"/order/id\"]"));
        };
        if marks.len() > MAX_MARKS {
            self.says(&at, format!("{} places, allowed: {MAX_MARKS}", marks.len()));
        }
        for (n, mark) in marks.iter().enumerate() {
            match mark.as_str().map(str::parse::<Pointer>) {
                Some(Ok(_)) => {}
                Some(Err(problem)) => self.says(&format!("{at}/{n}"), problem),
                None => self.says(&format!("{at}/{n}"), "a place is a text, such as \"/order/id\"".to_owned()),
            }
        }
    }

    fn find(&self, reference: &str) -> Option<&'s Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }

    /// The number of subschemas with references followed: the cost of validating one value of a payload. A circle
    /// would have no end, so it is refused.
    fn size(&mut self, schema: &'s Value, at: &str, followed: &mut Vec<&'s str>, nodes: &mut usize) {
        *nodes += 1;
        if *nodes > MAX_SCHEMA_NODES {
            if *nodes == MAX_SCHEMA_NODES + 1 {
                self.says(at, format!("more than {MAX_SCHEMA_NODES} schemas in one, with $ref followed"));
            }
            return;
        }
        let Value::Object(object) = schema else { return };
        for (keyword, value) in object {
            let here = format!("{at}/{}", escaped(keyword));
            // Definitions cost nothing until they are referred to.
            if keyword == "$defs" || keyword == "definitions" {
                continue;
            }
            if let ("$ref", Some(reference)) = (keyword.as_str(), value.as_str()) {
                if followed.contains(&reference) || reference == "#" {
                    self.says(&here, format!("$ref {value} leads back to itself: validation would have no bound"));
                } else if let Some(target) = self.find(reference) {
                    followed.push(reference);
                    self.size(target, &here, followed, nodes);
                    followed.pop();
                }
                continue;
            }
            match (KEYWORDS.iter().find(|(known, _)| known == keyword), value) {
                (Some((_, Holds::Schema)), Value::Array(list)) => {
                    list.iter().enumerate().for_each(|(n, one)| self.size(one, &format!("{here}/{n}"), followed, nodes));
                }
                (Some((_, Holds::Schema)), _) => self.size(value, &here, followed, nodes),
                (Some((_, Holds::Schemas)), Value::Object(map)) => {
                    map.iter().for_each(|(name, one)| self.size(one, &format!("{here}/{}", escaped(name)), followed, nodes));
                }
                (Some((_, Holds::Schemas | Holds::Data)) | None, _) => {}
            }
        }
    }
}

/// Replaces the library's message about a pattern, which doesn't give the reason.
fn in_words(error: &jsonschema::ValidationError<'_>) -> String {
    let message = error.to_string();
    if message.ends_with("is not a \"regex\"") {
        format!("{message}; allowed: patterns that take linear time, without look-around and back-references")
    } else {
        message
    }
}

fn known_keywords() -> &'static [&'static str] {
    static KNOWN: std::sync::LazyLock<Vec<&'static str>> =
        std::sync::LazyLock::new(|| KEYWORDS.iter().map(|(k, _)| *k).collect());
    &KNOWN
}

/// Escapes a name as a part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(schema: &Value) -> String {
        check(schema)
            .err()
            .map_or(String::new(), |problems| problems.into_iter().map(|p| p.message).collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn the_size_of_a_schema_includes_its_references() {
        // The root, and `n` more.
        let wide = |n: usize| json!({"anyOf": vec![json!({"type": "string"}); n]});
        assert_eq!(said(&wide(MAX_SCHEMA_NODES - 1)), "");
        assert!(said(&wide(MAX_SCHEMA_NODES)).contains("4096"));
        // Two to the power of the levels, in a few lines.
        let doubled = |levels: usize| {
            let level = |n: usize| json!({"allOf": [{"$ref": format!("#/$defs/{n}")}, {"$ref": format!("#/$defs/{n}")}]});
            let mut defs: serde_json::Map<String, Value> = (1..levels).map(|n| (n.to_string(), level(n - 1))).collect();
            defs.insert("0".to_owned(), json!({"type": "string"}));
            json!({"$defs": defs, "$ref": format!("#/$defs/{}", levels - 1)})
        };
        assert_eq!(said(&doubled(5)), "");
        assert!(said(&doubled(60)).contains("4096"));
    }

    #[test]
    fn a_circle_is_refused_and_a_diamond_is_not() {
        let diamond = json!({"properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"$ref": "#/$defs/y"}, "y": {}}});
        assert_eq!(said(&diamond), "");
        for circle in [
            json!({"items": {"$ref": "#"}}),
            json!({"items": {"$ref": "#/items"}}),
            json!({"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"not": {"$ref": "#/$defs/y"}}, "y": {"$ref": "#/$defs/x"}}}),
        ] {
            assert!(said(&circle).contains("no bound"), "{circle}");
        }
    }

    #[test]
    fn marks_are_places_within_bounds() {
        let with = |marks: Value| json!({"x-tidings": {"policy": "reject", "by_provider": marks}});
        assert_eq!(check(&with(json!(["/id", "", "/lines/*/sku"]))), Ok(OnMismatch::Reject));
        assert_eq!(marks(&with(json!(["/id"]))), ["/id".parse().unwrap()]);
        assert!(said(&with(json!("/id"))).contains("is a list of places"));
        assert!(said(&with(json!(["id"]))).contains("write it as a JSON pointer"));
        assert!(said(&with(json!([7]))).contains("a place is a text"));
        assert_eq!(said(&with(json!(vec!["/id"; MAX_MARKS]))), "");
        assert!(said(&with(json!(vec!["/id"; MAX_MARKS + 1]))).contains("257 places, allowed: 256"));
        assert!(said(&json!({"x-tidings": {"by_provder": []}})).contains("allowed: policy, by_provider"));
    }

    /// Keywords are data where no schema is expected.
    #[test]
    fn data_that_looks_like_a_keyword_is_ignored() {
        let schema = json!({
            "const": {"$ref": "https://example.com", "type": "strng"},
            "properties": {"$ref": {"type": "string"}, "requird": true},
            "examples": [{"$id": "x"}],
        });
        assert_eq!(check(&schema), Ok(OnMismatch::Accept));
    }
}
