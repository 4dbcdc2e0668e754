//! What is written: the text as it is sent, and beside it what of it is seen, since channels count one or the other.

use super::breaks::{Breaks, END, JOINER};
use super::glyphs::{Glyphs, Styles};

/// A sentence's end is shorter.
const LOOKED_AHEAD: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Out {
    /// As it is sent.
    pub(super) text: String,
    /// Without markup and escapes, with what is invisible.
    pub(super) shown: String,
}

impl Out {
    pub(super) fn markup(&mut self, markup: &str) {
        self.text.push_str(markup);
    }

    /// A character of the text, and how it is written.
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

    /// Keeps an address that is its own link apart from a word before it.
    pub(super) fn before_link(&mut self, glyphs: &Glyphs, at: usize) {
        if glyphs.before(at).is_some_and(|c| c.is_alphanumeric() || "+-._@/*~:".contains(c)) {
            self.plain(END);
        }
    }

    /// … and from what stands behind it, where a client would read on. A sentence's punctuation it leaves out by itself.
    pub(super) fn behind_link(&mut self, glyphs: &Glyphs, at: usize) {
        let Some(link) = glyphs.all[at - 1].link.map(|place| &glyphs.links[place]) else {
            return;
        };
        let rest: String =
            glyphs.all[at..].iter().map(|glyph| glyph.c).take_while(|c| !c.is_whitespace()).take(LOOKED_AHEAD).collect();
        let end = at + rest.chars().count();
        let styles = |at: usize| glyphs.all.get(at).map_or(Styles::NONE, |glyph| glyph.styles);
        // The sign of a style is no punctuation.
        let is_styled = (at..=end).any(|at| styles(at) != styles(at - 1));
        if is_styled && end > at || super::address::trailing(&format!("{}{rest}", link.to)) < end - at {
            self.plain(END);
        }
    }
}
