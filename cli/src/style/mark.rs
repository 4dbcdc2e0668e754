//! Distinguishes the program's own styles in a text from other escape sequences.
//!
//! A painted text is an ordinary `String`, which commands combine with texts of others. In each escape sequence of
//! ours, a mark replaces ESC. The mark is drawn at random at its first use, and is never written. So others can't have
//! it in their text, and an escape sequence without it isn't ours.

use anstyle::{AnsiColor, Style};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::Write as _;
use std::sync::LazyLock;
use tidings_core::telemetry::Escaped;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const STRONG: Style = Style::new().bold();

const ESC: char = '\u{1b}';

/// Random bytes of a mark.
const RANDOM_BYTES: usize = 16;

/// `None`: the system provides no random bytes, so there are no styles.
static MARK: LazyLock<Option<String>> = LazyLock::new(|| {
    let mut bytes = [0; RANDOM_BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    // This code point is a noncharacter. It hardly occurs, so the search for the mark is fast.
    Some(bytes.iter().fold("\u{fdd0}".to_owned(), |mark, byte| format!("{mark}{byte:02x}")))
});

/// A text in a style, padded before it is coloured.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    let Some(mark) = MARK.as_deref() else { return text.to_string() };
    let begin = style.render().to_string().replace(ESC, mark);
    let end = style.render_reset().to_string().replace(ESC, mark);
    format!("{begin}{text}{end}")
}

pub(crate) fn tick(good: bool) -> String {
    if good { paint(GOOD, "✓") } else { paint(BAD, "✗") }
}

/// The text for a terminal: our styles become escape sequences, all others are escaped.
pub(super) fn rendered(text: &str) -> String {
    let mut parts = MARK.as_deref().map_or_else(|| vec![text], |mark| text.split(mark).collect()).into_iter();
    let mut rendered = Escaped(parts.next().unwrap_or_default()).to_string();
    for part in parts {
        let (style, rest) = part.split_at(style_length(part));
        if !style.is_empty() {
            rendered.push(ESC);
            rendered.push_str(style);
        }
        let _ = write!(rendered, "{}", Escaped(rest));
    }
    rendered
}

/// The length in bytes of `[1;31m` at the beginning, or 0 if it isn't there.
fn style_length(text: &str) -> usize {
    let Some(rest) = text.strip_prefix('[') else { return 0 };
    let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b';').count();
    if rest[digits..].starts_with('m') { digits + 2 } else { 0 }
}

/// The text without our styles.
#[cfg(test)]
pub(crate) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(&text.split('\n').map(rendered).collect::<Vec<_>>().join("\n")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_styles_become_escape_sequences() {
        let said = format!("{} {}", paint(BAD.bold(), "a\u{1b}[31mb"), "\u{1b}]52;c;aGk=\u{7}\u{9b}2J");
        assert_eq!(rendered(&said), "\u{1b}[1m\u{1b}[31ma\\u{1b}[31mb\u{1b}[0m \\u{1b}]52;c;aGk=\\u{7}\\u{9b}2J");
    }

    #[test]
    fn a_style_within_a_style_stays() {
        let said = paint(FAINT, format!("a {}", paint(GOOD, "b")));
        assert_eq!(rendered(&said), "\u{1b}[2ma \u{1b}[32mb\u{1b}[0m\u{1b}[0m");
    }

    #[test]
    fn text_that_resembles_a_mark_is_not_one() {
        assert_eq!(rendered("\u{fdd0}00112233445566778899aabbccddeeff[31m"), "\\u{fdd0}00112233445566778899aabbccddeeff[31m");
        let mark = MARK.as_deref().expect("random bytes");
        for (cut, shown) in [("[31", "[31"), ("31m", "31m"), ("", ""), ("[3\u{7}m", "[3\\u{7}m")] {
            assert_eq!(rendered(&format!("a{mark}{cut}")), format!("a{shown}"), "every sequence that begins also ends");
        }
    }
}
