//! The nesting depth of a JSON text, measured without recursion.

/// Whether it is nested deeper than this. A text with fewer brackets isn't, wherever they stand: most texts are only counted.
pub(crate) fn exceeds(json: &str, limit: usize) -> bool {
    memchr::memchr2_iter(b'{', b'[', json.as_bytes()).nth(limit).is_some() && of(json) > limit
}

/// The most brackets that are open at once, without those inside strings. Correct for every JSON text. For other
/// texts the number means nothing, and the parser refuses them afterwards.
fn of(json: &str) -> usize {
    let (mut open, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' if !in_string => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::{exceeds, of};

    #[test]
    fn brackets_in_strings_do_not_count() {
        for (json, depth) in [("1", 0), ("{}", 1), ("[[1],[2]]", 2), (r#"{"a":"[[[\"[{"}"#, 1), (r#"["\\",[]]"#, 2)] {
            assert_eq!(of(json), depth, "{json}");
        }
    }

    #[test]
    fn a_text_exceeds_a_limit_by_its_depth_and_not_by_its_brackets() {
        for (json, deepest) in [("1", 0), ("[[],[],[],[]]", 2), (r#"["[[[[[[[["]"#, 1), (r#"{"a":[{}]}"#, 3)] {
            for limit in 0..6 {
                assert_eq!(exceeds(json, limit), deepest > limit, "{json} {limit}");
            }
        }
    }
}
