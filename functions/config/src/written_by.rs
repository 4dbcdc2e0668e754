//! Who wrote a value. A signature says that a request comes from the provider. It doesn't say who wrote the values in
//! it: a customer's name is signed as well.
//!
//! Promises: a value is a stranger's unless everything that it was made of is marked, or stands in the rules. The
//! marks are in a preset (`[[by_provider]]`) and in a schema (`x-tidings.by_provider`), and are read when a project is
//! built. Never: a decision at run time from the value itself.

use crate::OneOrMany;
use crate::rules::TypePattern;
use crate::words;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

words! {
    /// Who wrote a value.
    #[derive(Default)]
    WrittenBy {
        /// The provider's own systems, or the author of the rules.
        Provider = "provider",
        /// Anybody else. Also whenever nobody knows.
        #[default]
        Stranger = "stranger",
    }
}

impl WrittenBy {
    /// Who wrote a value that was made of two.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Provider, Self::Provider) => Self::Provider,
            (Self::Provider | Self::Stranger, _) => Self::Stranger,
        }
    }

    /// For `skip_serializing_if`: a stranger's value is stored without a label.
    pub const fn is_stranger(&self) -> bool {
        matches!(self, Self::Stranger)
    }
}

/// The most places that one preset or one schema marks.
pub const MAX_MARKS: usize = 256;

/// The longest path of a place, in bytes.
pub const MAX_POINTER_BYTES: usize = 512;

/// Places in the payloads of some event types whose values the provider's own systems write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// The event types. `*` where the signature doesn't cover the type: anybody who has a request could change it.
    pub on: OneOrMany<TypePattern>,
    /// JSON pointers into `data`. What lies below a place is marked as well.
    pub at: Vec<Pointer>,
    /// The provider's page that describes these fields.
    pub evidence: String,
}

/// A JSON pointer (RFC 6901) into a payload: `/data/object/amount`. A step `*` stands for each element of a list. The
/// empty text is the whole payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(with = "String")]
#[serde(try_from = "String", into = "String")]
pub struct Pointer(Vec<PointerStep>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointerStep {
    Field(String),
    /// `*`
    Each,
}

impl Pointer {
    pub fn steps(&self) -> &[PointerStep] {
        &self.0
    }
}

impl FromStr for Pointer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > MAX_POINTER_BYTES {
            return Err(format!("the place has {} bytes, allowed: {MAX_POINTER_BYTES}", text.len()));
        }
        let Some(steps) = text.strip_prefix('/') else {
            return if text.is_empty() {
                Ok(Self(Vec::new()))
            } else {
                Err(format!("{text:?} isn't a place; write it as a JSON pointer: /order/id, /lines/*/sku"))
            };
        };
        let step = |step: &str| match step {
            "*" => PointerStep::Each,
            name => PointerStep::Field(name.replace("~1", "/").replace("~0", "~")),
        };
        Ok(Self(steps.split('/').map(step).collect()))
    }
}

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.to_string()
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| match step {
            PointerStep::Each => f.write_str("/*"),
            PointerStep::Field(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")),
        })
    }
}

impl Marks {
    /// Problems of a preset's marks, one sentence each. `signs_types`: whether the signature covers the event's type.
    pub fn problems(marks: &[Self], signs_types: bool) -> Vec<String> {
        let mut problems = Vec::new();
        for Self { on, at, evidence } in marks {
            if on.is_empty() || at.is_empty() {
                problems.push("`by_provider` marks nothing: name event types in `on` and places in `at`".to_owned());
            }
            if evidence.trim().is_empty() {
                problems.push("`by_provider` has no `evidence`: name the page that describes these fields".to_owned());
            }
            if !signs_types && !on.0.iter().all(TypePattern::is_any) {
                problems.push(
                    "`by_provider` is for some types, but the signature doesn't cover the type: use on = \"*\" and mark places that \
                     no event fills with a stranger's text"
                        .to_owned(),
                );
            }
        }
        match marks.iter().map(|marks| marks.at.len()).sum::<usize>() {
            seen if seen > MAX_MARKS => problems.push(format!("`by_provider` marks {seen} places, allowed: {MAX_MARKS}")),
            _ => {}
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_made_of_two_is_the_providers_only_if_both_are() {
        use WrittenBy::{Provider, Stranger};
        for (one, other, both) in [
            (Provider, Provider, Provider),
            (Provider, Stranger, Stranger),
            (Stranger, Provider, Stranger),
            (Stranger, Stranger, Stranger),
        ] {
            assert_eq!(one.and(other), both);
        }
        assert_eq!(WrittenBy::default(), Stranger);
    }

    #[test]
    fn a_place_is_read_as_it_is_written_and_is_bounded() {
        for text in ["", "/id", "/lines/*/sku", "/a~1b/c~0d", "/", "/0"] {
            assert_eq!(text.parse::<Pointer>().unwrap().to_string(), text);
        }
        assert!("id".parse::<Pointer>().unwrap_err().contains("/order/id"));
        let long = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
        assert!(long(MAX_POINTER_BYTES).parse::<Pointer>().is_ok());
        assert!(long(MAX_POINTER_BYTES + 1).parse::<Pointer>().unwrap_err().contains("allowed: 512"));
    }

    #[test]
    fn marks_name_types_places_and_evidence_within_bounds() {
        let marks = |on: &str, at: usize| Marks {
            on: OneOrMany(vec![on.parse().unwrap()]),
            at: vec!["/id".parse().unwrap(); at],
            evidence: "https://docs.example/fields".to_owned(),
        };
        assert_eq!(Marks::problems(&[marks("order.*", MAX_MARKS)], true), Vec::<String>::new());
        assert!(Marks::problems(&[marks("*", MAX_MARKS), marks("*", 1)], true)[0].contains("257 places, allowed: 256"));
        assert!(Marks::problems(&[marks("*", 0)], true)[0].contains("marks nothing"));
        assert!(Marks::problems(&[marks("order.*", 1)], false)[0].contains("doesn't cover the type"));
        assert_eq!(Marks::problems(&[marks("*", 1)], false), Vec::<String>::new());
        assert!(Marks::problems(&[Marks { evidence: " ".to_owned(), ..marks("*", 1) }], true)[0].contains("no `evidence`"));
    }
}
