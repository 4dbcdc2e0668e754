//! The targets of links.

use std::fmt::Write as _;

/// Whether the whole text is an absolute URL that a reader can follow: http(s) with a host, or mailto or tel with an address.
pub fn is_link(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_url = |c: char| !(c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c));
    if !rest.chars().all(is_url) {
        return false;
    }
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            let host = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?', '#']).next());
            host.is_some_and(|host| host.chars().any(char::is_alphanumeric))
        }
        "mailto" | "tel" => !rest.is_empty(),
        _ => false,
    }
}

/// Escapes a value inside a URL, so that it can't change the URL's syntax. RFC 3986's unreserved characters and those
/// allowed in a path stay.
pub fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@,".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String never fails.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_absolute_and_whole() {
        for link in ["https://a.example", "http://a.example/x_y?z=*#1", "HTTPS://A.example", "mailto:a@b.example", "tel:+49171"] {
            assert!(is_link(link), "{link}");
        }
        for none in
            ["", "a.example", "/x", "javascript:alert(1)", "https://", "https:///x", "https://a b", "mailto:", "https://a\n"]
        {
            assert!(!is_link(none), "{none}");
        }
        assert_eq!(escaped("a b&c/50%ü"), "a%20b%26c/50%25%C3%BC");
    }
}
