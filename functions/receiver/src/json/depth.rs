//! The nesting depth of a JSON text, measured without recursion.

/// The most brackets that are open at once, without those inside strings. Correct for every JSON text. For other
/// texts the number means nothing, and the parser refuses them afterwards.
pub(crate) fn of(json: &str) -> usize {
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
    use super::of;

    #[test]
    fn brackets_in_strings_do_not_count() {
        for (json, depth) in [("1", 0), ("{}", 1), ("[[1],[2]]", 2), (r#"{"a":"[[[\"[{"}"#, 1), (r#"["\\",[]]"#, 2)] {
            assert_eq!(of(json), depth, "{json}");
        }
    }
}
