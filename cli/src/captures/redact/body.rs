//! A body in a form that can be redacted: JSON, or form fields that may contain JSON.

use super::RedactError;
use serde_json::{Map, Value};
use tidings_config::source::{BodyFormat, Source};

pub(super) enum Body {
    Json(Value),
    Form {
        pairs: Vec<(String, String)>,
        /// The field that contains the event.
        event: Option<usize>,
        /// The document that the paths of events refer to: that field's JSON, or all fields.
        document: Value,
    },
}

impl Body {
    pub(super) fn read(body: &[u8], source: &Source, content_type: &str) -> Result<Self, RedactError> {
        if source.scheme.jwt.as_ref().is_some_and(|jwt| jwt.is_event) {
            return Err(RedactError::Token);
        }
        match source.format_of(content_type) {
            BodyFormat::Json => serde_json::from_slice(body).map(Self::Json).map_err(|_| RedactError::Unreadable),
            BodyFormat::Form if source.form_xml.is_some() => Err(RedactError::Xml),
            BodyFormat::Form => {
                let pairs = form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned()));
                let pairs: Vec<(String, String)> = pairs.collect();
                let event = source.form_json.as_ref().and_then(|field| pairs.iter().position(|(name, _)| name == field));
                let document = match event {
                    Some(n) => serde_json::from_str(&pairs[n].1).map_err(|_| RedactError::Unreadable)?,
                    None => Value::Object(
                        pairs.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect::<Map<_, _>>(),
                    ),
                };
                Ok(Self::Form { pairs, event, document })
            }
            BodyFormat::Xml => Err(RedactError::Xml),
            BodyFormat::Binary => Err(RedactError::Binary),
        }
    }

    /// The document that the paths of events refer to.
    pub(super) fn document(&self) -> &Value {
        match self {
            Self::Json(value) | Self::Form { document: value, .. } => value,
        }
    }

    pub(super) fn write(self) -> Vec<u8> {
        match self {
            Self::Json(value) => value.to_string().into_bytes(),
            Self::Form { mut pairs, event, document } => {
                if let Some(n) = event {
                    pairs[n].1 = document.to_string();
                }
                form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes()
            }
        }
    }
}
