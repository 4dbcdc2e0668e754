//! Fits lines to the terminal. A pipe or a file gets whole lines.

use unicode_width::UnicodeWidthChar;

const ESC: char = '\u{1b}';

/// The columns of the terminal at standard output. `None`: standard output isn't a terminal.
pub(super) fn columns() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// Cuts the line at that many columns, the last of which is `…`. Escape sequences take no column, and all are kept.
pub(super) fn fit(line: String, columns: Option<usize>) -> String {
    let Some(columns) = columns.filter(|columns| width(&line) > *columns) else { return line };
    let (mut cut, mut taken, mut is_cut) = (String::with_capacity(line.len()), 0, false);
    for part in parts(&line) {
        match part {
            Part::Sequence(sequence) => cut.push_str(sequence),
            Part::Character(_) if is_cut => {}
            Part::Character(c) => {
                let next = taken + c.width().unwrap_or(0);
                if next < columns {
                    cut.push(c);
                    taken = next;
                } else {
                    is_cut = true;
                    if columns > 0 {
                        cut.push('…');
                    }
                }
            }
        }
    }
    cut
}

/// The columns that a line takes.
pub(crate) fn width(line: &str) -> usize {
    let columns = |part| match part {
        Part::Sequence(_) => 0,
        Part::Character(c) => c.width().unwrap_or(0),
    };
    parts(line).map(columns).sum()
}

enum Part<'l> {
    /// From ESC to the closing `m`.
    Sequence(&'l str),
    Character(char),
}

fn parts(line: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = if first == ESC { rest.find('m').map(|at| at + 1) } else { None };
        let (part, after) = rest.split_at(end.unwrap_or(first.len_utf8()));
        rest = after;
        Some(if end.is_some() { Part::Sequence(part) } else { Part::Character(first) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_the_columns_that_its_characters_take() {
        for (line, columns, cut) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("äöü", 3, "äöü"),
            ("コーヒー", 8, "コーヒー"),
            ("コーヒー", 7, "コーヒ…"),
            ("コーヒー", 6, "コー…"),
            ("e\u{301}e\u{301}e", 3, "e\u{301}e\u{301}e"),
            ("abc", 0, ""),
        ] {
            let seen = fit(line.to_owned(), Some(columns));
            assert_eq!(seen, cut);
            assert!(width(&seen) <= columns, "{seen}");
        }
        assert_eq!(fit("abcd".to_owned(), None), "abcd");
    }

    #[test]
    fn a_style_takes_no_column_and_ends_on_the_same_line() {
        let line = "\u{1b}[1mabcdef\u{1b}[0m".to_owned();
        assert_eq!(width(&line), 6);
        assert_eq!(fit(line, Some(4)), "\u{1b}[1mabc…\u{1b}[0m");
    }
}
