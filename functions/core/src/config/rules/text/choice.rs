//! One text, or several of which one is chosen by the channel and the person's language, when it is said.

use super::{Source, Text};
use crate::config::rules::Channel;
use serde::{Deserialize, Serialize};

/// What is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// Where none of the others is for the channel or the language.
    pub default: Text,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<Chosen>,
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

    /// See [`Text::mark_prose`].
    pub(crate) fn mark_prose(&mut self, is_prose: &impl Fn(&str) -> bool) {
        self.default.mark_prose(is_prose);
        self.chosen.iter_mut().for_each(|chosen| chosen.text.mark_prose(is_prose));
    }
}

impl From<Text> for Texts {
    fn from(default: Text) -> Self {
        Self { default, chosen: Vec::new() }
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
