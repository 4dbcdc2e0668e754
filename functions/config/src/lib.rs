//! Configuration as types: who may send ([`source`], [`scheme`]), what an event does ([`rules`], [`text`]), how its
//! payload must look ([`schemas`]); and their base: limits, words, time.
//!
//! Promises: a value of these types was checked when it was read (`tidings-project`); every limit has a name
//! ([`limits`]). Never: YAML or TOML, I/O, a wall clock in logic. A deployed binary can't read files that people
//! write: it doesn't depend on the crate that does.

pub mod address;
pub mod answers;
pub mod artefact;
mod coverage;
pub mod edge;
pub mod endpoint;
pub mod event;
mod excerpt;
mod field;
pub mod handshake;
pub mod http_message;
pub mod kafka;
pub mod limits;
mod oracle;
pub mod provider;
pub mod rate;
pub mod reach;
pub mod reconcile;
pub mod rules;
pub mod schema;
pub mod schemas;
pub mod scheme;
pub mod source;
pub mod status;
pub mod tenant;
pub mod text;
pub mod time;
mod words;
pub mod written_by;

pub use coverage::{AWS_SNS_FIELDS, CONTENTFUL_TIMESTAMP};
pub use excerpt::excerpt;
pub use field::{Canonical, JsonPath, Part, Reference, Step, Template, WordError};
pub use http_message::{CONTENT_DIGEST, Component, HttpMessage};

use serde::{Deserialize, Serialize};

/// One value or a list of them: `a` or `[a, b]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(with = "schema::Either<T, Vec<T>>", inline, bound = "T: schemars::JsonSchema")]
#[serde(transparent, bound(deserialize = "T: Deserialize<'de>"))]
pub struct OneOrMany<T>(#[serde(deserialize_with = "one_or_many")] pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> OneOrMany<T> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl OneOrMany<String> {
    /// Whether the list contains the value. `*` matches any value.
    pub fn takes(&self, seen: &str) -> bool {
        self.0.iter().any(|wanted| wanted == "*" || wanted == seen)
    }
}

/// Instead of `#[serde(untagged)]`, whose errors don't contain the line and the cause.
fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Visitor<T>(std::marker::PhantomData<T>);

    impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a value or a list of values")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            T::deserialize(serde::de::value::StrDeserializer::new(text)).map(|one| vec![one])
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(|one| vec![one])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut many = Vec::new();
            while let Some(one) = seq.next_element()? {
                many.push(one);
            }
            Ok(many)
        }
    }

    deserializer.deserialize_any(Visitor(std::marker::PhantomData))
}
