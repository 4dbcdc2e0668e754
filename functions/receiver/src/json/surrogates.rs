//! Unpaired surrogates, which JSON can escape and no text can contain: `\ud83d` alone. Some providers cut a text in
//! the middle of an emoji.

/// U+FFFD, Unicode's replacement character.
const REPLACEMENT: &str = "\\ufffd";

/// The JSON with each unpaired surrogate replaced. `None`: there is none.
pub(super) fn replaced(json: &str) -> Option<String> {
    let mut whole = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = json[at..].find('\\') {
        at += found;
        let Some(unit) = unit(json, at) else {
            // Another escape, whose second byte may be a backslash. That byte is ASCII, or the text isn't JSON.
            at = (at + 2).min(json.len());
            while !json.is_char_boundary(at) {
                at += 1;
            }
            continue;
        };
        let is_pair = is_high(unit) && self::unit(json, at + 6).is_some_and(is_low);
        if is_pair {
            at += 12;
            continue;
        }
        if is_high(unit) || is_low(unit) {
            whole.push_str(&json[copied..at]);
            whole.push_str(REPLACEMENT);
            copied = at + 6;
        }
        at += 6;
    }
    (copied > 0).then(|| whole + &json[copied..])
}

/// The UTF-16 code unit of an escape that begins here: `\u` and four hexadecimal digits.
fn unit(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

fn is_high(unit: u16) -> bool {
    (0xd800..0xdc00).contains(&unit)
}

fn is_low(unit: u16) -> bool {
    (0xdc00..0xe000).contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_unpaired_surrogate_is_replaced_and_a_pair_is_kept() {
        for (json, expected) in [
            (r#""Anna \ud83d""#, Some(r#""Anna \ufffd""#)),
            (r#""\ude00 \uD83D""#, Some(r#""\ufffd \ufffd""#)),
            (r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\ud83dx\ude00""#, Some(r#""\ufffdx\ufffd""#)),
            (r#""\ud83d\n""#, Some(r#""\ufffd\n""#)),
            (r#"{"\ud83d":1}"#, Some(r#"{"\ufffd":1}"#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud83d""#, None),
            (r#""\\\ud83d""#, Some(r#""\\\ufffd""#)),
            (r#""\u00e9é\"""#, None),
            ("\\", None),
            ("\\é", None),
            ("\\ud8", None),
        ] {
            assert_eq!(replaced(json).as_deref(), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_text_of_escapes_can_be_read_afterwards(units in proptest::collection::vec(any::<u16>(), 0..20)) {
            let json = format!("\"{}\"", units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>());
            let read = serde_json::from_str::<String>(&replaced(&json).unwrap_or(json)).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn no_text_panics(text in ".*", escape in "(\\\\|u|d|8|\"|é)*") {
            replaced(&format!("{escape}{text}{escape}"));
        }
    }
}
