//! How a payload violates its schema: the place and the expectation, without any value of the payload.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

/// The longest part of a schema that a message quotes: an `enum` may be long.
const MAX_EXPECTED_BYTES: usize = 120;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The envelope names a version without a schema.
    Version { known: String },
    /// A required field is missing. `at` is a JSON pointer as below.
    Missing { at: String, field: String },
    /// A value doesn't match. In the JSON pointer, `*` replaces names that the schema doesn't contain, since the
    /// sender chose them.
    Payload { at: String, expected: String },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { known } => write!(f, "the event's version has no schema, known: {known}"),
            Self::Missing { at, field } if at.is_empty() => write!(f, "the payload lacks the required field {field}"),
            Self::Missing { at, field } => write!(f, "{at} lacks the required field {field}"),
            Self::Payload { at, expected } if at.is_empty() => {
                write!(f, "the payload doesn't match the schema; expected: {expected}")
            }
            Self::Payload { at, expected } => write!(f, "{at} doesn't match the schema; expected: {expected}"),
        }
    }
}

impl Mismatch {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the library's enum grows; only missing fields have a message of their own"
    )]
    pub(super) fn of(error: &ValidationError<'_>, schema: &Value, names: &BTreeSet<String>) -> Self {
        let mut at = String::new();
        for segment in error.instance_path() {
            match segment {
                LocationSegment::Index(index) => at.push_str(&format!("/{index}")),
                LocationSegment::Property(name) if names.contains(name.as_ref()) => {
                    at.push_str(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
                }
                LocationSegment::Property(_) => at.push_str("/*"),
            }
        }
        match error.kind() {
            ValidationErrorKind::Required { property } => Self::Missing { at, field: property.to_string() },
            _ => Self::Payload { at, expected: expected(error, schema) },
        }
    }
}

/// The expectation, in the schema's own terms.
#[allow(clippy::wildcard_enum_match_arm, reason = "the library's enum grows; other kinds are named by their keyword")]
fn expected(error: &ValidationError<'_>, schema: &Value) -> String {
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { .. } | ValidationErrorKind::UnevaluatedProperties { .. } => {
            "no field but those of `properties`".to_owned()
        }
        ValidationErrorKind::AdditionalItems { .. } | ValidationErrorKind::UnevaluatedItems { .. } => {
            "no further items".to_owned()
        }
        ValidationErrorKind::AnyOf { .. } => "one of `anyOf`".to_owned(),
        ValidationErrorKind::OneOfNotValid { .. } | ValidationErrorKind::OneOfMultipleValid { .. } => {
            "exactly one of `oneOf`".to_owned()
        }
        ValidationErrorKind::FalseSchema => "no value".to_owned(),
        ValidationErrorKind::Not { .. } => "no match of `not`".to_owned(),
        ValidationErrorKind::PropertyNames { .. } => "names that match `propertyNames`".to_owned(),
        ValidationErrorKind::Contains => "an item that matches `contains`".to_owned(),
        kind => match schema.pointer(error.schema_path().as_str()) {
            Some(wanted) => short(format!("{} {wanted}", kind.keyword())),
            None => kind.keyword().to_owned(),
        },
    }
}

fn short(mut text: String) -> String {
    if text.len() > MAX_EXPECTED_BYTES {
        text.truncate(text.floor_char_boundary(MAX_EXPECTED_BYTES));
        text.push('…');
    }
    text
}
