//! Text of others in our log: cut, and without anything that a terminal or a reader's eye would take for something else.

use crate::limits::MAX_LOGGED_BYTES;
use std::fmt::{self, Write as _};

/// A text that somebody else chose, as a log may show it: at most [`MAX_LOGGED_BYTES`] of it, `…` where there was more, and
/// everything that isn't printable (control characters, marks that turn the direction of text) as an escape.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = &self.0[..self.0.floor_char_boundary(MAX_LOGGED_BYTES)];
        for c in kept.chars() {
            match c {
                // JSON escapes these itself.
                '"' | '\'' | '\\' => f.write_char(c)?,
                other => write!(f, "{}", other.escape_debug())?,
            }
        }
        if kept.len() < self.0.len() { f.write_char('…') } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_chose_is_cut_and_can_neither_move_a_cursor_nor_turn_text() {
        assert_eq!(Shown("order.shipped").to_string(), "order.shipped");
        assert_eq!(Shown("\"it's\" a\\b é 漢").to_string(), "\"it's\" a\\b é 漢");
        assert_eq!(Shown("a\u{1b}[2Jb\nc\u{202e}d\u{9b}").to_string(), "a\\u{1b}[2Jb\\nc\\u{202e}d\\u{9b}");
        let longest = "x".repeat(MAX_LOGGED_BYTES);
        assert_eq!(Shown(&longest).to_string(), longest);
        assert_eq!(Shown(&format!("{longest}y")).to_string(), format!("{longest}…"));
        assert_eq!(Shown(&"é".repeat(MAX_LOGGED_BYTES)).to_string().chars().count(), MAX_LOGGED_BYTES / 2 + 1);
    }
}
