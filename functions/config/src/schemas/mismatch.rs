//! How a payload differs from its schema, told without what is in it: where, and what was expected there.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::LocationSegment;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

/// What of a schema is told at most: an `enum` may be long.
const MAX_EXPECTED_BYTES: usize = 120;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The envelope names a version that isn't there.
    Version { known: String },
    /// A field that must be there isn't; `at` is a JSON pointer as below.
    Missing { at: String, field: String },
    /// At a JSON pointer, with `*` for names that the schema doesn't know: these are the sender's.
    Payload { at: String, expected: String },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { known } => write!(f, "the event is of a version that has no schema, known: {known}"),
            Self::Missing { at, field } if at.is_empty() => write!(f, "the payload lacks the required field {field}"),
            Self::Missing { at, field } => write!(f, "{at} lacks the required field {field}"),
            Self::Payload { at, expected } if at.is_empty() => write!(f, "the payload isn't as expected: {expected}"),
            Self::Payload { at, expected } => write!(f, "{at} isn't as expected: {expected}"),
        }
    }
}

impl Mismatch {
    #[allow(clippy::wildcard_enum_match_arm, reason = "the library's enum grows; only what is missing has words of its own here")]
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

/// In the schema's own words.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enum grows; what has no words of its own is told by its keyword"
)]
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
        ValidationErrorKind::FalseSchema => "nothing here".to_owned(),
        ValidationErrorKind::Not { .. } => "not what `not` says".to_owned(),
        ValidationErrorKind::PropertyNames { .. } => "names as `propertyNames` says".to_owned(),
        ValidationErrorKind::Contains => "an item as `contains` says".to_owned(),
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
