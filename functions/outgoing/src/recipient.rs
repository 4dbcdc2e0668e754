//! Whom a conversation's name stands for.

use regex::Regex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A form of conversations' names: `telegram:{chat}`, or one with conditions on its parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Name {
    name: String,
    pieces: Vec<Piece>,
    wanted: BTreeMap<String, Pattern>,
    sets: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Part(String),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Short(String),
    Long(Long),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    name: String,
    #[serde(default, rename = "where")]
    wanted: BTreeMap<String, Pattern>,
    #[serde(default)]
    sets: BTreeMap<String, String>,
}

/// A regular expression for a whole part.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Pattern {
    text: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let regex =
            Regex::new(&format!("^(?:{text})$")).map_err(|error| format!("{text:?} isn't a regular expression: {error}"))?;
        Ok(Self { text, regex })
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

/// The parts of a conversation's name. Its `Debug` shows none: they are personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The first part.
    pub first: String,
    /// Every part, and the constants of the form.
    pub parts: BTreeMap<String, String>,
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient").finish_non_exhaustive()
    }
}

impl Name {
    /// Each part takes what is before the next words, or the rest, and isn't empty.
    pub(crate) fn recipient(&self, conversation: &str) -> Option<Recipient> {
        let (mut parts, mut first, mut rest) = (BTreeMap::new(), None, conversation);
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Words(words) => rest = rest.strip_prefix(words.as_str())?,
                Piece::Part(name) => {
                    let end = match pieces.peek() {
                        Some(Piece::Words(words)) => rest.find(words.as_str())?,
                        Some(Piece::Part(_)) | None => rest.len(),
                    };
                    let (part, after) = rest.split_at(end);
                    if part.is_empty() || self.wanted.get(name).is_some_and(|wanted| !wanted.regex.is_match(part)) {
                        return None;
                    }
                    first.get_or_insert_with(|| part.to_owned());
                    parts.insert(name.clone(), part.to_owned());
                    rest = after;
                }
            }
        }
        if !rest.is_empty() {
            return None;
        }
        parts.extend(self.sets.clone());
        Some(Recipient { first: first?, parts })
    }

    /// Whether it takes any name. Such a channel is only taken by actions that name it.
    pub(crate) fn takes_any(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Part(part)] if !self.wanted.contains_key(part))
    }

    /// Whether it has a part or a constant of this name.
    pub(crate) fn has(&self, part: &str) -> bool {
        self.sets.contains_key(part) || self.pieces.iter().any(|piece| matches!(piece, Piece::Part(name) if name == part))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl TryFrom<Written> for Name {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Long { name, wanted, sets } = match written {
            Written::Short(name) => Long { name, wanted: BTreeMap::new(), sets: BTreeMap::new() },
            Written::Long(long) => long,
        };
        let pieces = pieces(&name).ok_or_else(|| format!("{name:?}, allowed: words and {{parts}}, as in telegram:{{chat}}"))?;
        let is_part = |part: &String| pieces.iter().any(|piece| matches!(piece, Piece::Part(name) if name == part));
        if let Some(part) = wanted.keys().find(|part| !is_part(part)) {
            return Err(format!("`where` names {part:?}, which isn't a part of {name:?}"));
        }
        Ok(Self { name, pieces, wanted, sets })
    }
}

impl From<Name> for Written {
    fn from(Name { name, wanted, sets, .. }: Name) -> Self {
        if wanted.is_empty() && sets.is_empty() { Self::Short(name) } else { Self::Long(Long { name, wanted, sets }) }
    }
}

/// `None`: the braces don't fit, a part has no name, there is no part, or nothing separates two.
fn pieces(text: &str) -> Option<Vec<Piece>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('{') {
            let (name, after) = after.split_once('}')?;
            let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !is_name || matches!(pieces.last(), Some(Piece::Part(_))) {
                return None;
            }
            pieces.push(Piece::Part(name.to_owned()));
            rest = after;
        } else {
            let (words, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
            if words.contains('}') {
                return None;
            }
            pieces.push(Piece::Words(words.to_owned()));
            rest = after;
        }
    }
    pieces.iter().any(|piece| matches!(piece, Piece::Part(_))).then_some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, from_value, json};

    fn name(written: Value) -> Name {
        from_value(written).unwrap()
    }

    #[test]
    fn a_name_gives_its_parts() {
        let thread = name(json!("slack:{channel}:{thread}"));
        let recipient = thread.recipient("slack:C0:17.5:x").unwrap();
        assert_eq!((recipient.first.as_str(), recipient.parts["thread"].as_str()), ("C0", "17.5:x"));
        for other in ["slack:C0", "slack::1", "slack:C0:", "telegram:1:2", "", "slack"] {
            assert!(thread.recipient(other).is_none(), "{other}");
        }
        let number = name(json!({ "name": "{number}", "where": { "number": "\\+[0-9]+" }, "sets": { "kind": "sms" } }));
        assert_eq!(number.recipient("+4917").unwrap().parts["kind"], "sms");
        assert!(number.recipient("whatsapp:+4917").is_none() && number.recipient("+49x").is_none());
        assert_eq!(serde_json::to_value(&number).unwrap()["where"]["number"], "\\+[0-9]+");
    }

    #[test]
    fn a_broken_form_is_refused() {
        for bad in ["", "telegram:", "{", "a{b", "a}b", "{a}{b}", "{A}", "{}"] {
            assert!(serde_json::from_value::<Name>(json!(bad)).is_err(), "{bad}");
        }
        assert!(serde_json::from_value::<Name>(json!({ "name": "{a}", "where": { "b": "x" } })).is_err());
        assert!(serde_json::from_value::<Name>(json!({ "name": "{a}", "where": { "a": "(" } })).is_err());
    }
}
