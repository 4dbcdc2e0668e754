//! One text, or several of which one is chosen by the channel and the person's language, when it is said.

use super::function::kind_of;
use super::{Source, Text};
use crate::rules::Channel;
use crate::text::{ValueKind, fields::is_prose};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// Where none of the others is for the channel or the language.
    pub default: Text,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<Chosen>,
    /// Facts among theirs that hold what people write, though they are called otherwise than the fields that they come from.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub prose: BTreeSet<String>,
}

/// For a channel, a language, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// A BCP 47 tag: `de`, `pt-BR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub text: Text,
}

impl Texts {
    /// All of them, the default first.
    pub fn all(&self) -> impl Iterator<Item = &Text> {
        std::iter::once(&self.default).chain(self.chosen.iter().map(|chosen| &chosen.text))
    }

    /// The facts that they tell of.
    pub fn facts(&self) -> impl Iterator<Item = &str> {
        self.all().flat_map(Text::facts)
    }

    /// Their expressions, and whether something else is said where one has no value.
    pub fn expressions(&self) -> impl Iterator<Item = (&str, bool)> {
        self.all().flat_map(Text::sources).filter_map(|(source, has_fallback)| match source {
            Source::Expression(text) => Some((text.as_str(), has_fallback)),
            Source::Fact(_) => None,
        })
    }

    /// Learns which of all facts hold what people write.
    pub fn mark_prose(&mut self, all: &BTreeSet<String>) {
        self.prose = self.facts().filter(|fact| all.contains(*fact)).map(str::to_owned).collect();
    }

    /// What is put in where a value stands whose kind the author hasn't said.
    pub(super) fn kind(&self, of: &Source) -> ValueKind {
        match of {
            Source::Expression(text) => kind_of(text),
            Source::Fact(name) if self.prose.contains(name) || is_prose(name) => ValueKind::Prose,
            Source::Fact(_) => ValueKind::Data,
        }
    }
}

impl From<Text> for Texts {
    fn from(default: Text) -> Self {
        Self { default, chosen: Vec::new(), prose: BTreeSet::new() }
    }
}

/// A language as it is named: `de`, `pt-BR`, `zh-Hant-TW`. Upper and lower case are one, as BCP 47 has it. `None`: it is no tag.
pub fn language_tag(text: &str) -> Option<String> {
    let mut parts = text.split(['-', '_']);
    let letters = |part: &&str| part.bytes().all(|b| b.is_ascii_alphabetic());
    let mut tag = parts.next().filter(|first| (2..=3).contains(&first.len())).filter(letters)?.to_ascii_lowercase();
    for part in parts {
        if !(2..=8).contains(&part.len()) || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        tag.push('-');
        match part.len() {
            2 => tag.push_str(&part.to_ascii_uppercase()),
            4 if letters(&part) => {
                tag.push_str(&part[..1].to_ascii_uppercase());
                tag.push_str(&part[1..].to_ascii_lowercase());
            }
            _ => tag.push_str(&part.to_ascii_lowercase()),
        }
    }
    (tag.len() <= 35).then_some(tag)
}
