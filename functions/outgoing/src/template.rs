//! Texts with places: `https://api.example/{to}/messages`, and JSON whose texts have places.

use crate::limits::{MAX_TEMPLATE_BYTES, MAX_TEMPLATE_DEPTH};
use crate::place::{Place, PlaceError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// A text with places. `{{` and `}}` are braces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(pub(crate) Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Words(String),
    /// `{data.text}`, and `{data.text?}`, whose field is left out if it has no value.
    Value {
        place: Place,
        optional: bool,
    },
}

/// Why a text isn't a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("{0:?} has a brace without its other one; a brace itself is written {{{{ or }}}}")]
    Brace(String),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("a template has {0} bytes, allowed: {MAX_TEMPLATE_BYTES}")]
    TooLong(usize),
    #[error("a template is nested more than {MAX_TEMPLATE_DEPTH} levels deep")]
    TooDeep,
}

impl Template {
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > MAX_TEMPLATE_BYTES {
            return Err(TemplateError::TooLong(text.len()));
        }
        let brace = || TemplateError::Brace(text.to_owned());
        let (mut parts, mut words, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            words.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{") {
                words.push('{');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("}}") {
                words.push('}');
                rest = after;
            } else {
                let (inside, after) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).ok_or_else(brace)?;
                if !words.is_empty() {
                    parts.push(Part::Words(std::mem::take(&mut words)));
                }
                let (place, optional) = inside.strip_suffix('?').map_or((inside, false), |place| (place, true));
                parts.push(Part::Value { place: Place::parse(place)?, optional });
                rest = after;
            }
        }
        words.push_str(rest);
        if !words.is_empty() {
            parts.push(Part::Words(words));
        }
        Ok(Self(parts))
    }

    /// Its places, and whether each may have no value.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter_map(|part| match part {
            Part::Words(_) => None,
            Part::Value { place, .. } => Some(place),
        })
    }

    /// The text, if it has no place.
    pub fn words(&self) -> Option<String> {
        match self.0.as_slice() {
            [] => Some(String::new()),
            [Part::Words(words)] => Some(words.clone()),
            _ => None,
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Words(words) => f.write_str(&words.replace('{', "{{").replace('}', "}}")),
            Part::Value { place, optional } => write!(f, "{{{place}{}}}", if *optional { "?" } else { "" }),
        })
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        Self::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

/// JSON whose texts are templates. A template that is a whole text keeps the value's JSON type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Shape {
    Text(Template),
    List(Vec<Shape>),
    Object(Vec<(String, Shape)>),
    /// A number, a boolean or null.
    Constant(Value),
}

impl Shape {
    fn of(value: Value, depth: usize) -> Result<Self, TemplateError> {
        let inner = |value| Self::of(value, depth + 1);
        if depth > MAX_TEMPLATE_DEPTH {
            return Err(TemplateError::TooDeep);
        }
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(&text)?),
            Value::Array(list) => Self::List(list.into_iter().map(inner).collect::<Result<_, _>>()?),
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| Ok((name, inner(value)?)));
                Self::Object(fields.collect::<Result<_, TemplateError>>()?)
            }
            constant @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Self::Constant(constant),
        })
    }

    /// Every place in it.
    pub fn places(&self) -> Vec<&Place> {
        match self {
            Self::Text(template) => template.places().collect(),
            Self::List(list) => list.iter().flat_map(Self::places).collect(),
            Self::Object(fields) => fields.iter().flat_map(|(_, shape)| shape.places()).collect(),
            Self::Constant(_) => Vec::new(),
        }
    }
}

impl TryFrom<Value> for Shape {
    type Error = TemplateError;

    fn try_from(value: Value) -> Result<Self, TemplateError> {
        Self::of(value, 0)
    }
}

impl From<Shape> for Value {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::Text(template) => Self::String(template.to_string()),
            Shape::List(list) => Self::Array(list.into_iter().map(Self::from).collect()),
            Shape::Object(fields) => {
                Self::Object(fields.into_iter().map(|(name, shape)| (name, Self::from(shape))).collect::<Map<_, _>>())
            }
            Shape::Constant(value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_written_as_it_was_read() {
        for text in ["", "plain", "{to}", "a{to.x}b{data.a[0]?}", "{{not a place}}", "{{{to}}}"] {
            assert_eq!(Template::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_broken_template_is_refused_with_what_is_allowed() {
        for bad in ["{", "}", "a{b", "{}", "{a b}", "{a.}", "{?}", "{a}}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
        assert!(Template::parse(&"x".repeat(MAX_TEMPLATE_BYTES)).is_ok());
        assert_eq!(Template::parse(&"x".repeat(MAX_TEMPLATE_BYTES + 1)), Err(TemplateError::TooLong(MAX_TEMPLATE_BYTES + 1)));
        let nested = |depth: usize| (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
        assert!(Shape::try_from(nested(MAX_TEMPLATE_DEPTH)).is_ok());
        assert_eq!(Shape::try_from(nested(MAX_TEMPLATE_DEPTH + 1)), Err(TemplateError::TooDeep));
    }
}
