//! Versions of a schema: `1`, `2026-10`, `2025-12-15.clover`. Digits are compared as numbers, so 10 is newer than 9.

use std::cmp::Ordering;

/// Whether the text is a valid version: 1 to 64 letters, digits, `.`, `_` and `-`, beginning with a letter or a digit.
pub fn is_version(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Whether an envelope's `dataschema` names this version, by itself or as the last part of a URI.
pub(super) fn is_named(version: &str, dataschema: &str) -> bool {
    let last = dataschema.rsplit('/').next().unwrap_or(dataschema);
    dataschema == version || last == version || last.strip_suffix(".json") == Some(version)
}

/// Orders versions, older first.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while !left.is_empty() && !right.is_empty() {
        let ((x, rest_of_left), (y, rest_of_right)) = (run(left), run(right));
        let order = match (x.parse::<u64>(), y.parse::<u64>()) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            (Ok(_), Err(_)) | (Err(_), Ok(_)) | (Err(_), Err(_)) => x.cmp(y),
        };
        if order.is_ne() {
            return order;
        }
        (left, right) = (rest_of_left, rest_of_right);
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The first run of digits or of other characters, and the rest.
fn run(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    text.split_at(text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let mut versions = ["10", "2026-10", "9", "1.10", "1.9", "2026-9", "2025-12-15.clover", "v2", "v10", "1"];
        versions.sort_by(|a, b| compare(a, b));
        assert_eq!(versions, ["1", "1.9", "1.10", "9", "10", "2025-12-15.clover", "2026-9", "2026-10", "v2", "v10"]);
    }

    #[test]
    fn a_version_is_named_by_itself_or_at_the_end_of_a_uri() {
        for dataschema in ["2", "https://example.com/orders/2", "https://example.com/orders/2.json", "urn/2"] {
            assert!(is_named("2", dataschema), "{dataschema}");
        }
        for other in ["12", "https://example.com/2/orders", "2.jsonx", ""] {
            assert!(!is_named("2", other), "{other}");
        }
    }

    #[test]
    fn names_are_safe_in_paths() {
        for good in ["1", "2025-12-15.clover", "v1_2", &"a".repeat(64)] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", ".1", "a/b", "a b", &"a".repeat(65)] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
