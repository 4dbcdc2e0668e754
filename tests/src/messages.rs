//! Validates messages for other programs with their published schemas: docs/schemas.

use jsonschema::Validator;
use serde_json::Value;
use std::sync::OnceLock;
use tidings_core::contract::schemas;

/// Panics unless this is a valid message: an `action`, a `context` or an `event`.
pub fn check(of: &str, message: &str) {
    let value: Value = serde_json::from_str(message).expect("a message is JSON");
    let problems: Vec<String> =
        validator(of).iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{of}: {problems:?} in {message}");
}

pub fn is_valid(of: &str, value: &Value) -> bool {
    validator(of).is_valid(value)
}

fn validator(of: &str) -> &'static Validator {
    static VALIDATORS: OnceLock<Vec<(&str, Validator)>> = OnceLock::new();
    let all = VALIDATORS.get_or_init(|| {
        let of = |schema: &Value| jsonschema::draft202012::new(schema).expect("a schema");
        schemas().iter().map(|(name, schema)| (*name, of(schema))).collect()
    });
    all.iter().find(|(name, _)| *name == of).map(|(_, validator)| validator).unwrap_or_else(|| panic!("no schema {of}"))
}
