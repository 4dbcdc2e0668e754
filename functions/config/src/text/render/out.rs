//! The rendered text, and beside it its visible part, since channels limit one or the other.

use super::breaks::{Breaks, END, JOINER};
use super::glyphs::{Glyphs, Styles};

/// Longer than any end of a sentence.
const LOOKED_AHEAD: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Out {
    /// The text as sent.
    pub(super) text: String,
    /// The text without markup and escapes, including invisible characters.
    pub(super) shown: String,
}

impl Out {
    pub(super) fn markup(&mut self, markup: &str) {
        self.text.push_str(markup);
    }

    /// Appends a character and its written form.
    pub(super) fn seen(&mut self, c: char, written: &str) {
        self.shown.push(c);
        self.text.push_str(written);
    }

    pub(super) fn plain(&mut self, c: char) {
        self.shown.push(c);
        self.text.push(c);
    }

    pub(super) fn joiner(&mut self, breaks: &Breaks, at: usize) {
        if breaks.at(at) {
            self.plain(JOINER);
        }
    }

    /// Separates an unmarked link from a word before it.
    pub(super) fn before_link(&mut self, glyphs: &Glyphs, at: usize) {
        if glyphs.before(at).is_some_and(|c| c.is_alphanumeric() || "+-._@/*~:".contains(c)) {
            self.plain(END);
        }
    }

    /// Separates an unmarked link from text after it that a client would add to the link. Clients themselves exclude
    /// a sentence's punctuation.
    pub(super) fn behind_link(&mut self, glyphs: &Glyphs, at: usize) {
        let Some(link) = glyphs.all[at - 1].link.map(|place| &glyphs.links[place]) else {
            return;
        };
        let rest: String =
            glyphs.all[at..].iter().map(|glyph| glyph.c).take_while(|c| !c.is_whitespace()).take(LOOKED_AHEAD).collect();
        let end = at + rest.chars().count();
        let styles = |at: usize| glyphs.all.get(at).map_or(Styles::NONE, |glyph| glyph.styles);
        // The sign of a style isn't punctuation.
        let is_styled = (at..=end).any(|at| styles(at) != styles(at - 1));
        if is_styled && end > at || super::address::trailing(&format!("{}{rest}", link.to)) < end - at {
            self.plain(END);
        }
    }
}
