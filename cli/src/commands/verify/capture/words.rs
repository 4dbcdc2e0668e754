//! Splits a command into words like bash: quotes, escapes, continued lines. Browsers write `$'…'` for a body that
//! contains quotes or special characters. A word consists of bytes.
//!
//! `shlex` and `shell-words` don't fit: both follow POSIX, which has no `$'…'`.

use std::iter::Peekable;
use std::str::Chars;

/// The words. `None`: a quote isn't closed.
pub(super) fn split(command: &str) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut rest = command.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => match rest.next()? {
                // A continued line.
                '\n' => {}
                '\r' if rest.next_if_eq(&'\n').is_some() => {}
                escaped => push(word.get_or_insert_default(), escaped),
            },
            '\'' => single(&mut rest, word.get_or_insert_default())?,
            '"' => double(&mut rest, word.get_or_insert_default())?,
            '$' if rest.next_if_eq(&'\'').is_some() => ansi_c(&mut rest, word.get_or_insert_default())?,
            other => push(word.get_or_insert_default(), other),
        }
    }
    words.extend(word);
    Some(words)
}

fn push(word: &mut Vec<u8>, c: char) {
    word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn single(rest: &mut Peekable<Chars<'_>>, word: &mut Vec<u8>) -> Option<()> {
    loop {
        match rest.next()? {
            '\'' => return Some(()),
            other => push(word, other),
        }
    }
}

fn double(rest: &mut Peekable<Chars<'_>>, word: &mut Vec<u8>) -> Option<()> {
    loop {
        match rest.next()? {
            '"' => return Some(()),
            '\\' => match rest.next()? {
                '\n' => {}
                escaped @ ('"' | '\\' | '$' | '`') => push(word, escaped),
                other => {
                    push(word, '\\');
                    push(word, other);
                }
            },
            other => push(word, other),
        }
    }
}

/// `$'…'`: the escapes of bash's manual, "ANSI-C Quoting". Two halves of a surrogate pair are one character: browsers
/// write characters above U+FFFF in this way.
fn ansi_c(rest: &mut Peekable<Chars<'_>>, word: &mut Vec<u8>) -> Option<()> {
    let mut high = None;
    loop {
        let c = match rest.next()? {
            '\'' => return Some(()),
            '\\' => rest.next()?,
            other => {
                push(word, other);
                continue;
            }
        };
        match c {
            'n' => word.push(b'\n'),
            't' => word.push(b'\t'),
            'r' => word.push(b'\r'),
            'a' => word.push(7),
            'b' => word.push(8),
            'e' | 'E' => word.push(27),
            'f' => word.push(12),
            'v' => word.push(11),
            '\\' | '\'' | '"' | '?' => push(word, c),
            'x' => word.push(number(rest, 16, 2, 0)? as u8),
            'u' => match (number(rest, 16, 4, 0)?, high.take()) {
                (unit @ 0xd800..=0xdbff, _) => high = Some(unit),
                (unit @ 0xdc00..=0xdfff, Some(high)) => {
                    push(word, char::from_u32(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00))?)
                }
                (unit, _) => push(word, char::from_u32(unit)?),
            },
            'U' => push(word, char::from_u32(number(rest, 16, 8, 0)?)?),
            '0'..='7' => word.push(number(rest, 8, 2, c.to_digit(8)?)? as u8),
            other => {
                push(word, '\\');
                push(word, other);
            }
        }
    }
}

/// Up to `most` digits, after those that are already in `value`.
fn number(rest: &mut Peekable<Chars<'_>>, radix: u32, most: u32, value: u32) -> Option<u32> {
    (0..most).try_fold(value, |value, _| match rest.next_if(|c| c.is_digit(radix)) {
        Some(digit) => value.checked_mul(radix)?.checked_add(digit.to_digit(radix)?),
        None => Some(value),
    })
}

#[cfg(test)]
mod tests {
    use super::split;

    fn words(command: &str) -> Vec<String> {
        split(command).unwrap().into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
    }

    #[test]
    fn words_are_split_as_in_bash() {
        // bash -c "printf '%s\n' …", word by word
        for (command, seen) in [
            (r"a  b\ c", &["a", "b c"][..]),
            ("a \\\n  b", &["a", "b"]),
            ("a \\\r\n b", &["a", "b"]),
            (r#"'it'\''s' "a \"b\" \n $1""#, &["it's", r#"a "b" \n $1"#]),
            (r"''", &[""]),
            (r"a$'\u0021\'b\n\\n\x41\101\0412'c", &["a!'b\n\\nAA!2c"]),
            (r"$'\ud83d\ude00 \xc3\xa9 \U0001F600 \z'", &["😀 é 😀 \\z"]),
            (r#"{"a":$1}"#, &["{a:$1}"]),
        ] {
            assert_eq!(words(command), seen, "{command}");
        }
    }

    #[test]
    fn an_open_quote_is_no_command() {
        for open in ["'a", "\"a", "$'a", "a\\", "$'\\"] {
            assert_eq!(split(open), None, "{open}");
        }
    }
}
