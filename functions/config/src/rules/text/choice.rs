//! One text, or several: when the notification is sent, the channel and the person's language select one.

use super::function::kind_of;
use super::{Source, Text};
use crate::rules::Channel;
use crate::text::{ValueKind, fields::is_prose};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The texts of a notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// The text if no other fits the channel and the language.
    pub default: Text,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<Chosen>,
    /// Facts in the texts that contain prose, although their names differ from the fields that they come from.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub prose: BTreeSet<String>,
}

/// A text for a channel, a language, or both.
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
    /// All texts, the default first.
    pub fn all(&self) -> impl Iterator<Item = &Text> {
        std::iter::once(&self.default).chain(self.chosen.iter().map(|chosen| &chosen.text))
    }

    /// The facts that the texts use.
    pub fn facts(&self) -> impl Iterator<Item = &str> {
        self.all().flat_map(Text::facts)
    }

    /// The texts' expressions, and whether each has a fallback.
    pub fn expressions(&self) -> impl Iterator<Item = (&str, bool)> {
        self.all().flat_map(Text::sources).filter_map(|(source, has_fallback)| match source {
            Source::Expression(text) => Some((text.as_str(), has_fallback)),
            Source::Fact(_) => None,
        })
    }

    /// Records which of the facts in `all` contain prose.
    pub fn mark_prose(&mut self, all: &BTreeSet<String>) {
        self.prose = self.facts().filter(|fact| all.contains(*fact)).map(str::to_owned).collect();
    }

    /// The kind of a value if the author hasn't stated it.
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

/// The usual spelling of a language tag: `de`, `pt-BR`, `zh-Hant-TW`. BCP 47 ignores case. `None`: the text isn't a tag.
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
