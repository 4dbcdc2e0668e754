//! Replaces the values of a JSON text and keeps its layout: white space, escapes and number notation. So the length in
//! bytes stays the same.

use serde_json::Value;

/// A part of a JSON text.
#[derive(Debug, PartialEq, Eq)]
enum Token<'j> {
    /// White space and separators between values.
    Between(&'j str),
    /// A string, with its quotes.
    Text(&'j str),
    /// A number, `true`, `false`, `null`.
    Bare(&'j str),
}

/// `new` in the layout of `old`. `None` if their structures differ, because `old` has a field twice.
pub(super) fn like(old: &str, new: &str) -> Option<String> {
    let mut values = tokens(new).filter(|token| !matches!(token, Token::Between(_)));
    let mut laid_out = String::with_capacity(old.len());
    for token in tokens(old) {
        match token {
            Token::Between(between) => laid_out.push_str(between),
            Token::Text(was) => {
                let Token::Text(is) = values.next()? else { return None };
                laid_out.push_str(&escaped_like(was, is)?);
            }
            Token::Bare(_) => {
                let Token::Bare(is) = values.next()? else { return None };
                laid_out.push_str(is);
            }
        }
    }
    // This detects names and values that are swapped.
    let value = |json: &str| serde_json::from_str::<Value>(json).ok();
    (values.next().is_none() && value(&laid_out)? == value(new)?).then_some(laid_out)
}

fn tokens(json: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = json;
    std::iter::from_fn(move || {
        let is_bare = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let first = rest.chars().next()?;
        let length = match first {
            '"' => text_length(rest),
            c if is_bare(c) => rest.find(|c| !is_bare(c)).unwrap_or(rest.len()),
            _ => rest.find(|c| c == '"' || is_bare(c)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        Some(match first {
            '"' => Token::Text(token),
            c if is_bare(c) => Token::Bare(token),
            _ => Token::Between(token),
        })
    })
}

/// The length up to the closing quote.
fn text_length(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

/// A text in which each character is escaped like the one at the same position of the old text.
fn escaped_like(was: &str, is: &str) -> Option<String> {
    let is: String = serde_json::from_str(is).ok()?;
    let (mut rest, mut text) = (was.get(1..was.len().checked_sub(1)?)?, "\"".to_owned());
    let mut new = is.chars();
    while let Some(first) = rest.chars().next() {
        let length = match rest.as_bytes() {
            [b'\\', b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B', ..] => 12,
            [b'\\', b'u', ..] => 6,
            [b'\\', ..] => 2,
            _ => first.len_utf8(),
        };
        let (unit, after) = (rest.get(..length)?, rest.get(length..)?);
        let before: String = serde_json::from_str(&format!("\"{unit}\"")).ok()?;
        let (before, after_it) = (before.chars().next()?, new.next()?);
        if before == after_it {
            text.push_str(unit);
        } else if unit.starts_with("\\u") {
            after_it.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        } else {
            text.push(after_it);
        }
        rest = after;
    }
    text.push('"');
    new.next().is_none().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_value_has_the_layout_of_the_old_one() {
        for (old, new, laid_out) in [
            ("{ \"a\" : \"Lena\",\n\t\"n\": 1.50 }", r#"{"a":"Xyzw","n":7.23}"#, "{ \"a\" : \"Xyzw\",\n\t\"n\": 7.23 }"),
            (r#"["caf\u00e9 \ud83d\ude00 \/ \n"]"#, "[\"xyz\u{ef} \u{1f600} / \\n\"]", r#"["xyz\u00ef \ud83d\ude00 \/ \n"]"#),
            (r#"{"a\"b": [true, null, -1e5]}"#, r#"{"a\"b":[true,null,-2e5]}"#, r#"{"a\"b": [true, null, -2e5]}"#),
            ("[]", "[]", "[]"),
        ] {
            assert_eq!(like(old, new).as_deref(), Some(laid_out), "{old}");
        }
    }

    #[test]
    fn different_structures_have_no_common_layout() {
        for (old, new) in [(r#"{"a":1,"a":2}"#, r#"{"a":2}"#), ("[1]", r#"["1"]"#), (r#"["ab"]"#, r#"["abc"]"#), ("[1,2]", "[1]")]
        {
            assert_eq!(like(old, new), None, "{old}");
        }
    }
}
