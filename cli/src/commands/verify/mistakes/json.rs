//! JSON as common libraries write it. White space and escapes differ; numbers and the order of fields stay.

use tidings_config::limits::MAX_BODY_BYTES;

/// The texts from which this text may result, if it was parsed and written again.
pub(super) fn written(text: &str) -> Vec<String> {
    let plain = strings(text, &unescaped);
    let escapes: [&dyn Fn(char) -> Option<String>; 5] = [&|_| None, &ascii, &slash, &|c| ascii(c).or_else(|| slash(c)), &html];
    let mut texts = vec![text.to_owned()];
    texts.extend(
        escapes.iter().map(|escape| strings(&plain, &|string| string.chars().map(|c| escape(c).unwrap_or(c.into())).collect())),
    );
    let layouts = [Layout::Compact, Layout::Spaced, Layout::Indented("  "), Layout::Indented("    "), Layout::Indented("\t")];
    texts.iter().flat_map(|text| layouts.iter().filter_map(|layout| laid_out(text, *layout))).collect()
}

/// White space between the parts.
#[derive(Clone, Copy)]
enum Layout {
    /// JavaScript, Go, Rust.
    Compact,
    /// Python.
    Spaced,
    /// Stripe has two spaces, PHP four.
    Indented(&'static str),
}

/// Non-ASCII characters as `\uXXXX`: Python, PHP, Meta.
fn ascii(c: char) -> Option<String> {
    let mut units = [0; 2];
    (!c.is_ascii()).then(|| c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect())
}

/// PHP.
fn slash(c: char) -> Option<String> {
    (c == '/').then(|| "\\/".to_owned())
}

/// Go.
fn html(c: char) -> Option<String> {
    matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}').then(|| format!("\\u{:04x}", u32::from(c)))
}

/// A string without unnecessary escapes.
fn unescaped(string: &str) -> String {
    let mut text = String::with_capacity(string.len());
    let mut rest = string;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let length = if rest[at..].starts_with("\\u") { surrogates(&rest[at..]) } else { 2 };
        let (escape, after) = rest[at..].split_at_checked(length).unwrap_or((&rest[at..], ""));
        let character = serde_json::from_str::<String>(&format!("\"{escape}\"")).unwrap_or_default();
        // Escapes that JSON requires stay.
        let needed = character.is_empty() || character.chars().all(|c| c.is_control() || c == '"' || c == '\\');
        text.push_str(if needed { escape } else { &character });
        rest = after;
    }
    text + rest
}

/// The length of `\uXXXX`, or of two of them that are one character.
fn surrogates(escape: &str) -> usize {
    let unit = escape.get(2..6).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    if unit.is_some_and(|unit| (0xd800..0xdc00).contains(&unit)) { 12 } else { 6 }
}

/// The text with the content of each string changed.
fn strings(text: &str, change: &dyn Fn(&str) -> String) -> String {
    let changed = |piece: &str| match piece.strip_prefix('"').and_then(|inside| inside.strip_suffix('"')) {
        Some(inside) => format!("\"{}\"", change(inside)),
        None => piece.to_owned(),
    };
    pieces(text).into_iter().map(changed).collect()
}

/// Strings with their quotes, and each other character.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let mut escaped = false;
        let end = if first == '"' {
            rest[1..].find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })
        } else {
            None
        };
        let (piece, after) = rest.split_at(end.map_or(first.len_utf8(), |end| end + 2));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// `None`: the result would be longer than the maximum body, which deep nesting can cause.
fn laid_out(text: &str, layout: Layout) -> Option<String> {
    let pieces: Vec<&str> = pieces(text).into_iter().filter(|piece| !piece.trim_ascii().is_empty()).collect();
    let mut laid_out = String::with_capacity(text.len());
    let mut depth = 0;
    for (n, piece) in pieces.iter().enumerate() {
        if laid_out.len() > MAX_BODY_BYTES {
            return None;
        }
        let line = |depth: usize| match layout {
            Layout::Compact | Layout::Spaced => String::new(),
            Layout::Indented(indent) => format!("\n{}", indent.repeat(depth)),
        };
        let space = if matches!(layout, Layout::Compact) { "" } else { " " };
        let is = |at: Option<usize>, brackets: [&str; 2]| at.and_then(|at| pieces.get(at)).is_some_and(|p| brackets.contains(p));
        match *piece {
            "{" | "[" => {
                depth += 1;
                laid_out.push_str(piece);
                // An empty list or object stays on its line.
                if !is(Some(n + 1), ["}", "]"]) {
                    laid_out.push_str(&line(depth));
                }
            }
            "}" | "]" => {
                depth = depth.saturating_sub(1);
                if !is(n.checked_sub(1), ["{", "["]) {
                    laid_out.push_str(&line(depth));
                }
                laid_out.push_str(piece);
            }
            "," => {
                laid_out.push(',');
                laid_out.push_str(if matches!(layout, Layout::Spaced) { space } else { "" });
                laid_out.push_str(&line(depth));
            }
            ":" => {
                laid_out.push(':');
                laid_out.push_str(space);
            }
            other => laid_out.push_str(other),
        }
    }
    Some(laid_out)
}

#[cfg(test)]
mod tests {
    use super::{unescaped, written};
    use tidings_config::limits::MAX_BODY_BYTES;

    #[test]
    fn a_text_is_found_again_as_libraries_write_it() {
        // The original text, and the result of JSON.stringify(JSON.parse(…)) in JavaScript.
        let again = r#"{"a":[1,{}],"url":"https://x/?a=1&b=<2>","é":"\"😀\\","n":null}"#;
        for original in [
            // python -c 'import json; print(json.dumps(…))'
            r#"{"a": [1, {}], "url": "https://x/?a=1&b=<2>", "\u00e9": "\"\ud83d\ude00\\", "n": null}"#,
            // php -r 'echo json_encode(…);'
            r#"{"a":[1,{}],"url":"https:\/\/x\/?a=1&b=<2>","\u00e9":"\"\ud83d\ude00\\","n":null}"#,
            // Go's json.Marshal
            r#"{"a":[1,{}],"url":"https://x/?a=1\u0026b=\u003c2\u003e","é":"\"😀\\","n":null}"#,
            // JSON.stringify(…, null, 2)
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"url\": \"https://x/?a=1&b=<2>\",\n  \"é\": \"\\\"😀\\\\\",\n  \"n\": null\n}",
        ] {
            assert!(written(again).iter().any(|text| text == original), "{original}");
            assert!(written(original).iter().any(|text| text == again), "and back from {original}");
        }
    }

    #[test]
    fn only_unnecessary_escapes_are_removed() {
        assert_eq!(unescaped(r#"\/ \u00e9 \ud83d\ude00 \u0026 \" \\ \n \u0000"#), r#"/ é 😀 & \" \\ \n \u0000"#);
        assert_eq!(unescaped(r"\ud83d"), r"\ud83d", "half a character isn't lost");
    }

    #[test]
    fn deeply_nested_json_is_not_laid_out_beyond_the_longest_body() {
        let deep = format!("{}{}0{}", "[".repeat(100), "0,".repeat(50_000), "]".repeat(100));
        let texts = written(&deep);
        assert!(texts.iter().all(|text| text.len() <= 2 * MAX_BODY_BYTES), "bounded");
        assert!(texts.contains(&deep), "the compact one is still tried");
    }
}
