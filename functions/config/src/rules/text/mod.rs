//! A text in the neutral form: `Order {data.order.id} is **on its way** with {facts.carrier|our carrier}.`
//!
//! Markup: `**bold**`, `_italic_`, `` `code` `` and `[label](link)`, a backslash before a literal sign, `{{` and `}}`
//! for braces. A placeholder is a CEL expression over `event` and `data`, a fact of the rule's entity, or a function
//! of texts. After a bar follows the fallback, which is used if there is no value. A fact always needs a fallback,
//! since it may not exist yet.

mod choice;
mod function;
mod markup;
mod path;
mod place;
mod quotes;
mod store;

pub use choice::{Chosen, Texts, language_tag};
pub use function::gives_prose;
pub use path::{FetchPath, PathPart};
pub use store::Given;

use crate::text::{Form, Style, ValueKind};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A text: `**bold**`, `_italic_`, `` `code` ``, `[label](link)`, and placeholders: `{data.carrier|our carrier}`,
/// `{facts.carrier|soon}`, `{money(data.amount, data.currency)}`, `{minor(data.cents, 'EUR')}`, `{number(data.n)}`,
/// `{date(data.at, 'short')}`, `{plural(data.n, {'one': '# parcel', 'other': '# parcels'})}`, `{plain(data.id)}`,
/// `{exact(data.name)}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("pattern" = crate::schema::TEXT))]
#[serde(try_from = "String", into = "String")]
pub struct Text {
    written: String,
    parts: Vec<TextPart>,
}

/// A part of a text. A text is a flat list of parts; `Open` and `Close` nest properly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// What the author wrote.
    Words(String),
    Place(TextPlace),
    Open(Style),
    Close(Style),
    /// A link with a label. Its target consists of words and plain values.
    Link {
        label: Vec<TextPart>,
        to: Vec<TextPart>,
    },
    /// The number of the plural's form (`#`).
    Count,
}

/// A placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPlace {
    pub what: What,
    /// The text to use if there is no value.
    pub fallback: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A plain value. If the author hasn't stated its kind, its name decides.
    Value { of: Source, kind: Option<ValueKind> },
    /// A value formatted for a language.
    Form(Box<Form<Source, Vec<TextPart>>>),
}

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A CEL expression.
    Expression(String),
    /// A fact of the rule's entity.
    Fact(String),
}

impl Text {
    /// A replacement for a text with an error, so that the rest of its file can be checked.
    pub fn unread() -> Self {
        Self { written: String::new(), parts: Vec::new() }
    }

    pub fn parts(&self) -> &[TextPart] {
        &self.parts
    }

    /// The origins of its values in order, and whether each has a fallback.
    pub fn sources(&self) -> Vec<(&Source, bool)> {
        let mut sources = Vec::new();
        of_parts(&self.parts, &mut sources);
        sources
    }

    /// The facts that the text uses.
    pub fn facts(&self) -> impl Iterator<Item = &str> {
        self.sources().into_iter().filter_map(|(source, _)| match source {
            Source::Fact(name) => Some(name.as_str()),
            Source::Expression(_) => None,
        })
    }
}

fn of_parts<'p>(parts: &'p [TextPart], sources: &mut Vec<(&'p Source, bool)>) {
    for part in parts {
        match part {
            TextPart::Words(_) | TextPart::Open(_) | TextPart::Close(_) | TextPart::Count => {}
            TextPart::Link { label, to } => {
                of_parts(label, sources);
                of_parts(to, sources);
            }
            TextPart::Place(TextPlace { what: What::Value { of, .. }, fallback }) => sources.push((of, fallback.is_some())),
            TextPart::Place(TextPlace { what: What::Form(form), fallback }) => {
                sources.extend(form.arguments().into_iter().map(|argument| (argument, fallback.is_some())));
                form.texts().into_iter().for_each(|text| of_parts(text, sources));
            }
        }
    }
}

impl FromStr for Text {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = markup::parse(text, markup::In::Text)?;
        if parts.is_empty() {
            return Err("an empty text".to_owned());
        }
        Ok(Self { written: text.to_owned(), parts })
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
mod tests;
