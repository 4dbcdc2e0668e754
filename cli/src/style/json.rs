//! Data: JSON that says what it says, and that a terminal may be shown all the same.

use super::line::{flushed, written};
use crate::Failure;
use serde::Serialize;
use serde_json::Value;
use tidings_core::telemetry::is_displayable;

/// A value on a line of its own.
pub(crate) fn data(value: &Value) {
    written(&safe_json(&value.to_string()));
}

/// The same of anything. `false`: nobody reads on.
pub(crate) fn data_of(value: &impl Serialize) -> Result<bool, Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::new(error.to_string()))?;
    Ok(written(&safe_json(&text)))
}

/// JSON of a single line, as it is. It is known to be out when this returns. Errors: perhaps nobody has seen it.
pub(crate) fn data_line(json: &str) -> std::io::Result<()> {
    flushed(&safe_json(json))
}

/// A value over several lines.
pub(crate) fn pretty(value: &Value) {
    written(&safe_json(&format!("{value:#}")));
}

/// The same JSON in which a character that isn't displayable is `\u` and four digits, two of them where it takes a surrogate pair.
/// Outside of its strings JSON has no such character but white space, of which line breaks stay.
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
    fn every_character_is_in_safe_json_what_it_was_and_none_is_raw() {
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

    /// What Unicode says of each character, as `regex` knows it.
    #[test]
    fn what_is_not_displayable_is_what_unicode_calls_control_separator_or_ignorable() {
        let classes = r"[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u{fff9}-\u{fffb}--\u{fe0e}\u{fe0f}]";
        let hidden = Regex::new(&format!("^{classes}$")).unwrap();
        for c in '\0'..=char::MAX {
            assert_eq!(hidden.is_match(c.encode_utf8(&mut [0; 4])), !is_displayable(c), "{c:?}");
        }
    }
}
