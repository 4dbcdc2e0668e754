//! A text as a reader sees it, before it is rendered for a channel.

use crate::words;

/// A part of a text. A text is a flat list of these; `Open` and `Close` nest properly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// The author's own words, without markup: that is `Open`, `Close` and `Link`.
    Words(String),
    /// A value from an event or a fact.
    Value {
        text: String,
        kind: ValueKind,
    },
    Open(Style),
    Close(Style),
    /// A link with a label. `to` is an absolute http(s), mailto or tel URL.
    Link {
        label: Vec<Span>,
        to: String,
    },
}

words! {
    /// The kind of a value, which decides how it is treated.
    ValueKind {
        /// An id, an amount, an address, a link: it arrives unchanged. If all of it is an http(s) URL, it is a link.
        Data = "data",
        /// Prose: a name, a title, a comment. It never becomes markup, a mention or a link.
        Prose = "prose",
    }
}

words! {
    /// The author's emphasis.
    Style {
        Strong = "strong",
        Emphasis = "emphasis",
        Code = "code",
    }
}
