//! All output of the program: data on standard output, error messages on standard error, colour only on a terminal (and
//! never with NO_COLOR).
//!
//! Promises: text of others (an event, a file, a response of AWS) sends no control character to a terminal. [`say!`],
//! [`note`] and [`failure`] escape every character that isn't [displayable]; [`data`] and [`pretty`] write JSON in
//! which it is `\u` and digits. Each printed line is one line, because line breaks in it are escaped too. No other
//! module writes to either stream; `cli/tests/house.rs` checks this. Output that can't be written, as on a full disk, is
//! said once on standard error, and the command ends with status 1; a closed pipe isn't an error.
//!
//! [displayable]: tidings_core::telemetry::is_displayable

mod json;
mod line;
mod mark;
mod width;

pub(crate) use json::{data, data_line, data_of, pretty, safe_json};
pub(crate) use line::{
    bytes, document, failure, fitted, help, is_output_lost, is_terminal, line, note, panicked, say, say_aside, say_short, shown,
};
#[cfg(test)]
pub(crate) use mark::plain;
pub(crate) use mark::{BAD, FAINT, GOOD, NAME, STRONG, WARN, paint, tick};

/// A number and its noun, in the singular or plural: `1 rule`, `2 rules`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{number} {stem}ies"),
        Some(_) | None => format!("{number} {noun}s"),
    }
}

/// The text in at most `width` characters. Its end is kept, because the ends of ids differ.
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
    use super::{count, short};

    #[test]
    fn one_is_singular() {
        assert_eq!([0, 1, 2].map(|number| count(number, "rule")), ["0 rules", "1 rule", "2 rules"]);
        assert_eq!([count(2, "delivery"), count(2, "key")], ["2 deliveries", "2 keys"]);
    }

    #[test]
    fn long_ids_are_cut_in_the_middle() {
        assert_eq!(short("abc", 3), "abc");
        assert_eq!(short("abcdefgh", 5), "ab…gh");
        assert_eq!(short("äöüäöü", 3), "ä…ü");
    }
}
