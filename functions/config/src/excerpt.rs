//! The beginning of a text from outside, as it is stored and shown to operators.

/// At most so many bytes, without control characters and without space at its ends.
pub fn excerpt(text: &str, at_most: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text[..text.floor_char_boundary(at_most)].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_ends_between_characters_and_has_no_control_character() {
        assert_eq!(excerpt(" a\u{1b}[2J\n", 16), "a [2J");
        assert_eq!(excerpt("ää", 3), "ä");
        assert_eq!((excerpt("", 3).as_str(), excerpt("abc", 3).as_str(), excerpt("abc", 2).as_str()), ("", "abc", "ab"));
    }
}
