//! Parsers that show what a channel's reader sees. Each implements a published grammar, independently of the renderer.

pub(crate) mod discord;
pub(crate) mod found;
pub(crate) mod html;
pub(crate) mod signs;
pub(crate) mod telegram;

/// A visible character.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) c: char,
    pub(crate) strong: bool,
    pub(crate) emphasis: bool,
    pub(crate) code: bool,
    pub(crate) other: bool,
    pub(crate) link: Option<String>,
}

/// A text as shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) seen: Vec<Seen>,
    /// Mentions, emoji, lists, quotes, headings: everything except text, styles and links.
    pub(crate) others: Vec<String>,
}

impl Shown {
    pub(crate) fn text(&self) -> String {
        self.seen.iter().map(|seen| seen.c).collect()
    }

    pub(crate) fn push(&mut self, c: char, like: &Seen) {
        self.seen.push(Seen { c, ..like.clone() });
    }

    /// Without invisible characters.
    pub(crate) fn visible(mut self) -> Self {
        self.seen.retain(|seen| !is_invisible(seen.c));
        self
    }
}

pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}')
}
