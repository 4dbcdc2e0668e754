//! How output looks: colour only on a terminal (and never with NO_COLOR), data on standard output, complaints on standard
//! error.

use anstyle::{AnsiColor, Style};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const STRONG: Style = Style::new().bold();

/// A line on standard output. Somebody who closed the pipe wants no more of it, which is no failure.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(anstream::stdout().lock(), $($text)*);
    }};
}
pub(crate) use say;

/// A text in a style, padded before it is coloured.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

pub(crate) fn tick(good: bool) -> String {
    if good { paint(GOOD, "✓") } else { paint(BAD, "✗") }
}

pub(crate) fn failure(message: &str, hint: Option<&str>) {
    use std::io::Write as _;
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{} {message}", paint(BAD.bold(), "error:"));
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "{}", paint(FAINT, hint));
    }
}

/// A line beside the data: what it took, what was left out.
pub(crate) fn note(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(anstream::stderr().lock(), "{}", paint(FAINT, text));
}

/// No longer than `width` characters; the end is what tells ids apart.
pub(crate) fn short(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let head = (width - 1) / 2;
    let tail = width - 1 - head;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn long_ids_are_cut_in_the_middle() {
        assert_eq!(short("abc", 3), "abc");
        assert_eq!(short("abcdefgh", 5), "ab…gh");
        assert_eq!(short("äöüäöü", 3), "ä…ü");
    }
}
