//! Text from outside in a log or on a terminal, with every character escaped that a terminal or a reader could mistake.

use std::fmt::{self, Write as _};
use tidings_config::limits::MAX_LOGGED_BYTES;

/// Whether a terminal only displays this character. `false` for control characters (C0, DEL, C1), line and paragraph
/// separators, direction marks, characters without width (zero-width characters, fillers, tags, Unicode's
/// `Default_Ignorable_Code_Point`), and noncharacters. The two emoji variation selectors (U+FE0E and U+FE0F) are
/// allowed: they only change a picture.
pub fn is_displayable(c: char) -> bool {
    !c.is_control()
        && c as u32 & 0xfffe != 0xfffe
        && !matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fdd0}'..='\u{fdef}'
                | '\u{fe00}'..='\u{fe0d}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A text from outside, whole, with every character escaped that isn't [displayable](is_displayable).
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\n' => f.write_str("\\n"),
            '\r' => f.write_str("\\r"),
            '\t' => f.write_str("\\t"),
            other if is_displayable(other) => f.write_char(other),
            other => write!(f, "{}", other.escape_unicode()),
        })
    }
}

/// A text from outside, as a log may show it: [escaped](Escaped), at most [`MAX_LOGGED_BYTES`], with `…` if it was longer.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = &self.0[..self.0.floor_char_boundary(MAX_LOGGED_BYTES)];
        write!(f, "{}", Escaped(kept))?;
        if kept.len() < self.0.len() { f.write_char('…') } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_is_cut_and_can_neither_move_a_cursor_nor_reverse_text() {
        assert_eq!(Shown("order.shipped").to_string(), "order.shipped");
        assert_eq!(Shown("\"it's\" a\\b é 漢").to_string(), "\"it's\" a\\b é 漢");
        assert_eq!(Shown("a\u{1b}[2Jb\nc\u{202e}d\u{9b}").to_string(), "a\\u{1b}[2Jb\\nc\\u{202e}d\\u{9b}");
        let longest = "x".repeat(MAX_LOGGED_BYTES);
        assert_eq!(Shown(&longest).to_string(), longest);
        assert_eq!(Shown(&format!("{longest}y")).to_string(), format!("{longest}…"));
        assert_eq!(Shown(&"é".repeat(MAX_LOGGED_BYTES)).to_string().chars().count(), MAX_LOGGED_BYTES / 2 + 1);
    }

    #[test]
    fn every_script_is_shown_unchanged() {
        for text in ["हिन्दी नमस्ते", "ภาษาไทย", "שָׁלוֹם", "مَرْحَبًا", "Ngũgĩ e\u{301}", "❤️ 👍🏽 1️⃣"]
        {
            assert_eq!(Escaped(text).to_string(), text);
        }
        assert_eq!(Escaped("a\tb\r\nc\u{7f}\u{200d}\u{2028}").to_string(), "a\\tb\\r\\nc\\u{7f}\\u{200d}\\u{2028}");
    }
}
