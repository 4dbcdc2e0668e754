//! TypeScript types of a JSON Schema, for the features that our schemas use: objects, references, enums, lists,
//! strings, numbers. Others are an error.

use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The declarations of these schemas and of the schemas that they refer to, each name once.
pub fn declarations<'s>(schemas: impl IntoIterator<Item = &'s Value>) -> String {
    let mut named: Vec<(&str, &Value)> = Vec::new();
    for schema in schemas {
        named.push((schema["title"].as_str().expect("a schema has a title"), schema));
        let parts = schema["$defs"].as_object().into_iter().flatten();
        named.extend(parts.map(|(name, part)| (name.as_str(), part)));
    }
    let mut text = String::new();
    for (n, (name, schema)) in named.iter().enumerate() {
        if named[..n].iter().all(|(before, _)| before != name) {
            let _ = write!(text, "\n{}", declaration(name, schema));
        }
    }
    text
}

fn declaration(name: &str, schema: &Value) -> String {
    let comment = comment(schema, "");
    match schema["properties"].as_object() {
        Some(properties) => {
            let mut form = object(properties, &schema["required"], "");
            if schema["additionalProperties"] == true {
                form.insert_str(form.len() - 1, "  [name: string]: unknown;\n");
            }
            format!("{comment}export interface {name} {form}\n")
        }
        None => format!("{comment}export type {name} = {};\n", type_of(schema, "")),
    }
}

fn object(properties: &Map<String, Value>, required: &Value, indent: &str) -> String {
    let inner = format!("{indent}  ");
    let mut text = "{\n".to_owned();
    for (name, schema) in properties {
        let is_required = required.as_array().is_some_and(|required| required.iter().any(|one| one == name));
        let mark = if is_required { "" } else { "?" };
        let _ = writeln!(text, "{}{inner}{name}{mark}: {};", comment(schema, &inner), type_of(schema, &inner));
    }
    text + indent + "}"
}

fn type_of(schema: &Value, indent: &str) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or(reference).to_owned();
    }
    if let Some(word) = schema.get("const") {
        return word.to_string();
    }
    let either = ["enum", "oneOf", "anyOf"].iter().find_map(|of| Some((*of, schema[*of].as_array()?)));
    if let Some((of, forms)) = either {
        let forms: Vec<String> =
            forms.iter().map(|form| if of == "enum" { form.to_string() } else { type_of(form, indent) }).collect();
        return forms.join(" | ");
    }
    match schema["type"].as_str() {
        None => "unknown".to_owned(),
        Some("string") => "string".to_owned(),
        Some("integer" | "number") => "number".to_owned(),
        Some("boolean") => "boolean".to_owned(),
        Some("array") => format!("{}[]", type_of(&schema["items"], indent)),
        Some("object") => match (schema["properties"].as_object(), schema.get("additionalProperties")) {
            (Some(properties), _) => object(properties, &schema["required"], indent),
            (None, Some(values)) => format!("{{ [name: string]: {} }}", type_of(values, indent)),
            (None, None) => "{ [name: string]: unknown }".to_owned(),
        },
        Some(other) => panic!("no TypeScript type of {other}: {schema}"),
    }
}

fn comment(schema: &Value, indent: &str) -> String {
    let Some(text) = schema["description"].as_str() else { return String::new() };
    let text = text.replace("*/", "* /");
    let lines: Vec<&str> = text.lines().collect();
    match lines[..] {
        [line] => format!("{indent}/** {line} */\n"),
        _ => {
            let inner: String = lines.iter().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n").collect();
            format!("{indent}/**\n{inner}{indent} */\n")
        }
    }
}
