//! JSON output. Its content is exact, and it is also safe to show on a terminal.

use super::line::{flushed, written};
use crate::Failure;
use serde::Serialize;
use serde_json::Value;
use tidings_core::telemetry::is_displayable;

/// Prints a value on one line.
pub(crate) fn data(value: &Value) {
    written(&safe_json(&value.to_string()));
}

/// The same for any serializable value. `false`: it couldn't be written.
pub(crate) fn data_of(value: &impl Serialize) -> Result<bool, Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::new(error.to_string()))?;
    Ok(written(&safe_json(&text)))
}

/// Prints JSON of a single line, unchanged, and flushes it. Errors: the output may be lost.
pub(crate) fn data_line(json: &str) -> std::io::Result<()> {
    flushed(&safe_json(json))
}

/// Prints a value on several lines.
pub(crate) fn pretty(value: &Value) {
    written(&safe_json(&format!("{value:#}")));
}

/// The same JSON, with each character that isn't displayable as `\u` and four digits, or as a surrogate pair. Outside
/// of its strings, JSON has no such character except white space; line breaks are kept.
pub(crate) fn safe_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' => safe.push('\n'),
            '\t' | '\r' => safe.push(' '),
            other if is_displayable(other) => safe.push(other),
            other => other.encode_utf16(&mut [0; 2]).iter().for_each(|unit| safe.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;
    use serde_json::value::RawValue;

    #[test]
    fn safe_json_preserves_every_character_and_contains_none_raw() {
        for c in ('\0'..=char::MAX).filter(|c| !is_displayable(*c)) {
            let value = Value::from(format!("a{c}\"\\b"));
            let safe = safe_json(&value.to_string());
            assert!(safe.chars().all(is_displayable), "{safe:?}");
            assert_eq!(serde_json::from_str::<Value>(&safe).unwrap(), value);
        }
    }

    #[test]
    fn white_space_outside_of_strings_stays_white_space() {
        let raw = RawValue::from_string("{\t\"a\":\r\n[1,\t2] }".to_owned()).unwrap();
        let safe = safe_json(raw.get());
        assert_eq!(safe, "{ \"a\": \n[1, 2] }");
        assert_eq!(serde_json::from_str::<Value>(&safe).unwrap(), serde_json::json!({ "a": [1, 2] }));
    }

    /// Compares with the Unicode properties of `regex`.
    #[test]
    fn unicode_control_separator_and_ignorable_characters_are_not_displayable() {
        let classes = r"[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u{fff9}-\u{fffb}--\u{fe0e}\u{fe0f}]";
        let hidden = Regex::new(&format!("^{classes}$")).unwrap();
        for c in '\0'..=char::MAX {
            assert_eq!(hidden.is_match(c.encode_utf8(&mut [0; 4])), !is_displayable(c), "{c:?}");
        }
    }
}
