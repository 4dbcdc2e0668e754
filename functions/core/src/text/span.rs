//! A text as a reader is to see it, before it is written for a channel.

use crate::words;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A text is a flat list of these. `Open` and `Close` nest properly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// The author's own words. No markup by themselves: the author's markup is `Open`, `Close` and `Link`.
    Words(String),
    /// A value from an event or a fact.
    Value {
        text: String,
        kind: ValueKind,
    },
    Open(Style),
    Close(Style),
    /// A link under a label. `to` is an absolute http(s), mailto or tel URL.
    Link {
        label: Vec<Span>,
        to: String,
    },
}

words! {
    /// What a value is, and so what may become of it.
    ValueKind {
        /// An id, an amount, an address, a link: it arrives unchanged. Where all of it is an http(s) URL, it is a link.
        Data = "data",
        /// What people write: a name, a title, a comment. It is never markup, a mention or a link.
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
