//! A text as a reader is to see it, before it is written for a channel.

/// A piece of a text. A text is a flat list of them; `Open` and `Close` nest properly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// The author's own words. They are no markup by themselves: the author's markup is `Open`, `Close` and `Link`.
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

/// What a value is to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// An id, an amount, an address, a link: it arrives unchanged. Where all of it is an http(s) URL, it is a link.
    Data,
    /// A field in which people write (a name, a title, a comment): never markup, a mention or a link.
    Prose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Strong,
    Emphasis,
    Code,
}
