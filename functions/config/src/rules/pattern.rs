//! Patterns of the event types that a rule matches.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A pattern of event types. `*` at the end stands for one or more segments, elsewhere for exactly one: `order.*`,
/// `*.created`, `*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("pattern" = crate::schema::TYPE_PATTERN))]
#[serde(try_from = "String", into = "String")]
pub struct TypePattern(String);

impl TypePattern {
    /// Whether it is `*`: any type.
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    /// A type that a pattern can name: `/` becomes `.`, and `_` replaces characters that a pattern can't contain.
    pub fn nameable(text: &str) -> String {
        let foreign = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '{' | '}');
        let fit = text.trim().replace('/', ".").replace(foreign, "_");
        fit.split('.').map(|segment| if segment.is_empty() { "_" } else { segment }).collect::<Vec<_>>().join(".")
    }

    /// Whether every type that the other pattern matches is matched by this one.
    pub fn covers(&self, other: &Self) -> bool {
        let (ours, theirs): (Vec<&str>, Vec<&str>) = (self.0.split('.').collect(), other.0.split('.').collect());
        let Some((last, before)) = ours.split_last() else { return false };
        let is_within = |(wanted, seen): (&&str, &&str)| *wanted == "*" || wanted == seen;
        if theirs.len() < ours.len() || !before.iter().zip(&theirs).all(is_within) {
            return false;
        }
        // A star at the end stands for many segments, which only another star at the end covers.
        match *last {
            "*" => true,
            last => theirs.len() == ours.len() && theirs.last() == Some(&last),
        }
    }

    /// Whether an event type matches.
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
            Err(format!("{text:?} isn't an event type; write it as order.shipped, order.*, *.created, *"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_many_segments_at_the_end_and_one_elsewhere() {
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
    fn a_pattern_covers_another_if_it_matches_all_of_its_types() {
        for (wide, narrow, expected) in [
            ("*", "order.shipped", true),
            ("*", "*", true),
            ("order.*", "order.shipped", true),
            ("order.*", "order.*", true),
            ("order.*", "order.item.*", true),
            ("order.*", "*.shipped", false),
            ("order.*", "*", false),
            ("order.*", "order", false),
            ("order.shipped", "order.shipped", true),
            ("order.shipped", "order.*", false),
            ("*.created", "order.created", true),
            ("*.created", "*.created", true),
            ("*.created", "order.*", false),
            ("*.created", "order.item.created", false),
            ("*.*", "order.*", true),
            ("*.*", "*", false),
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a.*.*", false),
        ] {
            let (wide, narrow): (TypePattern, TypePattern) = (wide.parse().unwrap(), narrow.parse().unwrap());
            assert_eq!(wide.covers(&narrow), expected, "{wide} over {narrow}");
        }
    }

    #[test]
    fn other_stars_are_refused() {
        for bad in ["", "order.", "order.ship*", ".a", "a b"] {
            assert!(bad.parse::<TypePattern>().unwrap_err().contains("as order.shipped"), "{bad}");
        }
    }
}
