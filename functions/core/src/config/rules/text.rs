//! A text with places in it: `Your order {data.order.id} is with {facts.carrier|our carrier}.`
//!
//! A place is a CEL expression over `event` and `data`, or a fact of the rule's entity. A fact may not have come yet, so it
//! needs something to say instead. `{{` and `}}` are braces.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A text and its parts, which were cut but not checked: that an expression is one is the checker's to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("pattern" = crate::config::schema::TEXT)))]
#[serde(try_from = "String", into = "String")]
pub struct Text {
    written: String,
    parts: Vec<TextPart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// What the author wrote.
    Words(String),
    /// A CEL expression.
    Value(String),
    /// A fact of the rule's entity.
    Fact { name: String, fallback: String },
}

impl Text {
    pub fn parts(&self) -> &[TextPart] {
        &self.parts
    }

    /// The facts that it tells of.
    pub fn facts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            TextPart::Fact { name, .. } => Some(name.as_str()),
            TextPart::Words(_) | TextPart::Value(_) => None,
        })
    }
}

impl FromStr for Text {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut words = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            words.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                words.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err("a } without its {; }} is a brace".to_owned());
            }
            let Some((place, after)) = after.split_once('}') else {
                return Err("a { without its }; {{ is a brace".to_owned());
            };
            if !words.is_empty() {
                parts.push(TextPart::Words(std::mem::take(&mut words)));
            }
            parts.push(self::place(place)?);
            rest = after;
        }
        words.push_str(rest);
        if !words.is_empty() {
            parts.push(TextPart::Words(words));
        }
        if parts.is_empty() {
            return Err("an empty text".to_owned());
        }
        Ok(Self { written: text.to_owned(), parts })
    }
}

fn place(inside: &str) -> Result<TextPart, String> {
    let inside = inside.trim();
    let Some(fact) = inside.strip_prefix("facts.") else {
        return if inside.is_empty() { Err("an empty {}".to_owned()) } else { Ok(TextPart::Value(inside.to_owned())) };
    };
    match fact.split_once('|') {
        Some((name, fallback)) => Ok(TextPart::Fact { name: name.trim().to_owned(), fallback: fallback.trim().to_owned() }),
        None => Err(format!("{{{inside}}}: a fact may not have come yet; say what stands for it, as in {{{inside}|soon}}")),
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl TryFrom<String> for Text {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_words_values_and_facts() {
        let text: Text = "Order {data.order.id} is with {facts.carrier|our carrier} {{for now}}.".parse().unwrap();
        let words = |w: &str| TextPart::Words(w.to_owned());
        assert_eq!(
            text.parts(),
            [
                words("Order "),
                TextPart::Value("data.order.id".to_owned()),
                words(" is with "),
                TextPart::Fact { name: "carrier".to_owned(), fallback: "our carrier".to_owned() },
                words(" {for now}."),
            ]
        );
        assert_eq!(text.facts().collect::<Vec<_>>(), ["carrier"]);
        assert_eq!(text.to_string().parse(), Ok(text));
    }

    #[test]
    fn what_is_no_text_is_told() {
        for (bad, said) in [
            ("", "an empty text"),
            ("a {b", "a { without its }"),
            ("a } b", "a } without its {"),
            ("{}", "an empty {}"),
            ("{facts.carrier}", "as in {facts.carrier|soon}"),
        ] {
            assert!(bad.parse::<Text>().unwrap_err().contains(said), "{bad}");
        }
    }
}
