//! A header as a signature's component (RFC 9421, section 2.1).

use super::super::Rejection;
use super::component::Form;
use http::HeaderMap;
use sfv::{BareItem, Dictionary, FieldType, Item, List, ListEntry, Parser};

/// Structured fields that a request may have, by their kind in the registry. `sf` needs the kind.
const KINDS: &[(&str, Kind)] = &[
    ("accept-signature", Kind::Dictionary),
    ("cache-status", Kind::List),
    ("client-cert", Kind::Item),
    ("client-cert-chain", Kind::List),
    ("content-digest", Kind::Dictionary),
    ("priority", Kind::Dictionary),
    ("proxy-status", Kind::List),
    ("repr-digest", Kind::Dictionary),
    ("signature", Kind::Dictionary),
    ("signature-input", Kind::Dictionary),
    ("want-content-digest", Kind::Dictionary),
    ("want-repr-digest", Kind::Dictionary),
];

#[derive(Clone, Copy)]
enum Kind {
    Dictionary,
    Item,
    List,
}

/// The value in the signed text. `None`: the header doesn't have this form.
pub(super) fn value(headers: &HeaderMap, name: &str, form: &Form) -> Result<Option<String>, Rejection> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(|line| line.as_bytes().trim_ascii()).collect();
    if lines.is_empty() {
        return Err(Rejection::MissingHeader(name.to_owned()));
    }
    let joined = lines.join(&b", "[..]);
    Ok(match form {
        Form::Raw => String::from_utf8(joined).ok().filter(|text| text.is_ascii()),
        Form::Strict => strict(name, &joined),
        Form::Member(key) => member(&joined, key),
        Form::Bytes => {
            let line = |line: &&[u8]| ListEntry::Item(Item::new(BareItem::ByteSequence(line.to_vec())));
            lines.iter().map(line).collect::<List>().serialize()
        }
    })
}

/// Refuses a header with two lines, and one with white space around its value: both are signed like another spelling.
pub(super) fn expect_one_line(headers: &HeaderMap, name: &str) -> Result<(), Rejection> {
    match super::super::header::only(headers, name)? {
        Some(value) if value != value.trim_ascii() => Err(Rejection::MalformedSignature),
        Some(_) | None => Ok(()),
    }
}

fn strict(name: &str, value: &[u8]) -> Option<String> {
    let (_, kind) = KINDS.iter().find(|(known, _)| *known == name)?;
    match kind {
        Kind::Dictionary => Parser::new(value).parse::<Dictionary>().ok()?.serialize(),
        Kind::List => Parser::new(value).parse::<List>().ok()?.serialize(),
        Kind::Item => Some(Parser::new(value).parse::<Item>().ok()?.serialize()),
    }
}

/// A member of a dictionary, as an item or an inner list: a list of it alone is written alike.
fn member(value: &[u8], key: &str) -> Option<String> {
    let dictionary = Parser::new(value).parse::<Dictionary>().ok()?;
    vec![dictionary.get(key)?.clone()].serialize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn of(lines: &[(&str, &str)], name: &str, form: Form) -> Option<String> {
        value(&headers(lines), name, &form).unwrap()
    }

    /// RFC 9421, section 2.1: an example with white space, an empty header, and two lines.
    #[test]
    fn a_header_is_signed_without_white_space_around_it_and_its_lines_are_one() {
        let lines = [("x-ows", "   Leading and trailing whitespace.   "), ("x-empty", ""), ("x-two", "a, b"), ("x-two", "c")];
        assert_eq!(of(&lines, "x-ows", Form::Raw).as_deref(), Some("Leading and trailing whitespace."));
        assert_eq!(of(&lines, "x-empty", Form::Raw).as_deref(), Some(""));
        assert_eq!(of(&lines, "x-two", Form::Raw).as_deref(), Some("a, b, c"));
        assert_eq!(value(&headers(&lines), "x-no", &Form::Raw), Err(Rejection::MissingHeader("x-no".to_owned())));
    }

    /// RFC 9421, section 2.1.1, with a header whose kind is known.
    #[test]
    fn sf_is_the_strict_form_of_a_known_structured_field() {
        let lines = [("priority", "a=1,    b=2;x=1;y=2,   c=(a   b   c)"), ("x-own", "a=1")];
        assert_eq!(of(&lines, "priority", Form::Strict).as_deref(), Some("a=1, b=2;x=1;y=2, c=(a b c)"));
        assert_eq!(of(&lines, "x-own", Form::Strict), None, "its kind isn't known");
        assert_eq!(of(&[("priority", "(")], "priority", Form::Strict), None);
    }

    /// RFC 9421, section 2.1.2.
    #[test]
    fn key_is_one_member_of_a_dictionary() {
        let lines = [("example-dict", "a=1, b=2;x=1;y=2, c=(a   b    c), d")];
        for (key, expected) in
            [("a", Some("1")), ("d", Some("?1")), ("b", Some("2;x=1;y=2")), ("c", Some("(a b c)")), ("e", None)]
        {
            assert_eq!(of(&lines, "example-dict", Form::Member(key.to_owned())).as_deref(), expected, "{key}");
        }
        assert_eq!(of(&[("x", "(")], "x", Form::Member("a".to_owned())), None);
    }

    /// RFC 9421, section 2.1.3.
    #[test]
    fn bs_is_each_line_as_bytes() {
        let two = [("example-header", "value, with, lots"), ("example-header", "of, commas")];
        let one = [("example-header", "value, with, lots, of, commas")];
        assert_eq!(of(&two, "example-header", Form::Bytes).as_deref(), Some(":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"));
        assert_eq!(of(&one, "example-header", Form::Bytes).as_deref(), Some(":dmFsdWUsIHdpdGgsIGxvdHMsIG9mLCBjb21tYXM=:"));
    }

    #[test]
    fn a_header_that_is_not_ascii_has_no_raw_form() {
        let mut headers = HeaderMap::new();
        headers.append("x-a", HeaderValue::from_bytes(b"caf\xc3\xa9").unwrap());
        assert_eq!(value(&headers, "x-a", &Form::Raw).unwrap(), None);
        assert_eq!(value(&headers, "x-a", &Form::Bytes).unwrap().as_deref(), Some(":Y2Fmw6k=:"));
    }
}
