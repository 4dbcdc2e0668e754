//! How deep a JSON text is nested, before anything recursive touches it.

/// The most brackets that are open at once, those inside strings aside. Right for every JSON text; for other texts a
/// number that means nothing, and a parser that refuses them comes next.
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
