//! Rules: event → condition → actions. The format is final; what comes later only adds to it.

use super::OneOrMany;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// `rules.yaml` as the processor runs it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Whose conversation an event belongs to: the first that is about the event and has a value.
    pub conversations: Vec<ConversationRule>,
    /// All that are about the event, in this order.
    pub rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversationRule {
    pub on: OneOrMany<TypePattern>,
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub source: OneOrMany<String>,
    /// A CEL expression that gives a text; `null` or an empty text lets the next one try.
    pub conversation: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub name: String,
    pub on: OneOrMany<TypePattern>,
    /// Only events of these sources; all if it is left out.
    #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
    pub source: OneOrMany<String>,
    /// A CEL expression that gives the entity of the facts; the event's subject if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// Facts by name, as CEL expressions. `null` leaves a fact as it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// The dialogue node to go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goto: Option<String>,
}

/// An event type, where `*` at the end or between dots stands for one or more segments or exactly one: `order.*`,
/// `*.created`, `*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TypePattern(String);

impl TypePattern {
    /// A `*` at the end stands for one segment or more, any other for exactly one.
    pub fn matches(&self, event_type: &str) -> bool {
        let mut segments = event_type.split('.');
        let mut pattern = self.0.split('.').peekable();
        while let Some(wanted) = pattern.next() {
            match segments.next() {
                None => return false,
                Some(_) if wanted == "*" && pattern.peek().is_none() => return true,
                Some(segment) if wanted != "*" && wanted != segment => return false,
                Some(_) => {}
            }
        }
        segments.next().is_none()
    }
}

impl FromStr for TypePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let segment = |s: &str| s == "*" || (!s.is_empty() && !s.contains(['*', ' ', '{', '}']));
        if text.split('.').all(segment) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("{text:?} is no event type; as in order.shipped, order.*, *.created, *"))
        }
    }
}

impl TryFrom<String> for TypePattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TypePattern> for String {
    fn from(pattern: TypePattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for TypePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a list of patterns and sources is about an event.
pub fn is_about(on: &OneOrMany<TypePattern>, sources: &OneOrMany<String>, source: &str, event_type: &str) -> bool {
    (sources.is_empty() || sources.0.iter().any(|s| s == source)) && on.0.iter().any(|p| p.matches(event_type))
}

/// Whether a fact, a node or a rule may have this name.
pub fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 64
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_at_the_end_is_many_segments_and_elsewhere_one() {
        for (pattern, event_type, expected) in [
            ("order.shipped", "order.shipped", true),
            ("order.shipped", "order.shipped.late", false),
            ("order.*", "order.shipped", true),
            ("order.*", "order.item.added", true),
            ("order.*", "order", false),
            ("order.*", "orders.shipped", false),
            ("*.created", "order.created", true),
            ("*.created", "order.item.created", false),
            ("*", "anything.at.all", true),
        ] {
            let pattern: TypePattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(event_type), expected, "{pattern} on {event_type}");
        }
    }

    #[test]
    fn other_stars_are_refused() {
        for bad in ["", "order.", "order.ship*", ".a", "a b"] {
            assert!(bad.parse::<TypePattern>().unwrap_err().contains("as in order.shipped"), "{bad}");
        }
    }
}
