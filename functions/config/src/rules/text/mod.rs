//! A text in the neutral form: `Order {data.order.id} is **on its way** with {facts.carrier|our carrier}.`
//!
//! `**bold**`, `_italic_`, `` `code` `` and `[label](link)`, a backslash before what is no markup, `{{` and `}}` for braces. A place
//! is a CEL expression over `event` and `data`, a fact of the rule's entity, or a function of texts over these; behind a bar
//! stands what is said where there is no value. A fact may not have come yet, so it always needs that.

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

/// A text: `**bold**`, `_italic_`, `` `code` ``, `[label](link)`, and places: `{data.carrier|our carrier}`, `{facts.carrier|soon}`,
/// `{money(data.amount, data.currency)}`, `{minor(data.cents, 'EUR')}`, `{number(data.n)}`, `{date(data.at, 'short')}`,
/// `{plural(data.n, {'one': '# parcel', 'other': '# parcels'})}`, `{plain(data.id)}`, `{exact(data.name)}`.
// Its parts were cut but not checked: that an expression is one is the checker's to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("pattern" = crate::schema::TEXT))]
#[serde(try_from = "String", into = "String")]
pub struct Text {
    written: String,
    parts: Vec<TextPart>,
}

/// A flat list of these is a text. `Open` and `Close` nest properly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// What the author wrote.
    Words(String),
    Place(TextPlace),
    Open(Style),
    Close(Style),
    /// A link under a label. Behind it are words and places of values alone.
    Link {
        label: Vec<TextPart>,
        to: Vec<TextPart>,
    },
    /// The number that a form of a plural is about: its `#`.
    Count,
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPlace {
    pub what: What,
    /// Words for where there is none.
    pub fallback: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A value as it is. Its kind follows from names, if the author hasn't said which.
    Value { of: Source, kind: Option<ValueKind> },
    /// A value as a language writes it.
    Form(Box<Form<Source, Vec<TextPart>>>),
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A CEL expression.
    Expression(String),
    /// A fact of the rule's entity.
    Fact(String),
}

impl Text {
    /// Stands for one that can't be read, while the rest of its file is.
    pub fn unread() -> Self {
        Self { written: String::new(), parts: Vec::new() }
    }

    pub fn parts(&self) -> &[TextPart] {
        &self.parts
    }

    /// Where its values come from, in its order, and whether something else is said where there is none.
    pub fn sources(&self) -> Vec<(&Source, bool)> {
        let mut sources = Vec::new();
        of_parts(&self.parts, &mut sources);
        sources
    }

    /// The facts that it tells of.
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
