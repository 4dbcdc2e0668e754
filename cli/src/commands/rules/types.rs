//! Decides from a source's configuration alone which event types the source may send.

use tidings_config::Template;
use tidings_config::rules::TypePattern;

/// Whether a template may give a type that a pattern matches. A value that is read from a request may be any text.
pub(super) fn may_give(template: &Template, pattern: &TypePattern) -> bool {
    meet(&wildcards(&template.to_string()), &pattern.to_string().chars().collect::<Vec<_>>())
}

/// The template's text with a `*` for each value that is read from a request.
fn wildcards(template: &str) -> Vec<char> {
    let (mut text, mut depth) = (Vec::new(), 0_usize);
    for character in template.chars() {
        match character {
            '{' => {
                depth += 1;
                text.push('*');
            }
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => text.push(character),
            _ => {}
        }
    }
    text
}

/// Whether some text matches both patterns. `*` stands for any text.
fn meet(one: &[char], other: &[char]) -> bool {
    // `ends[j]`: some text matches both the pattern `one` up to here and the first j characters of `other`.
    let is_any = |c: &char| *c == '*';
    let mut ends: Vec<bool> = (0..=other.len()).map(|j| other[..j].iter().all(is_any)).collect();
    for c in one {
        let mut next = vec![false; other.len() + 1];
        next[0] = ends[0] && is_any(c);
        for (j, d) in other.iter().enumerate() {
            next[j + 1] = if is_any(c) || is_any(d) { ends[j + 1] || next[j] } else { c == d && ends[j] };
        }
        ends = next;
    }
    ends[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_gives_what_its_fixed_text_allows() {
        for (template, pattern, expected) in [
            ("{json:type}", "charge.refunded", true),
            ("{json:type}", "charge.*", true),
            ("message.{json:message.chat.type}", "message.text", true),
            ("message.{json:message.chat.type}", "edited.text", false),
            ("message.{json:message.chat.type}", "*", true),
            ("message.text", "message.text", true),
            ("message.text", "message.*", true),
            ("message.text", "message.image", false),
            ("{json:a}.{json:b}", "order", false),
            ("{json:a}.{json:b}", "order.shipped", true),
        ] {
            let (read, wanted): (Template, TypePattern) = (template.parse().unwrap(), pattern.parse().unwrap());
            assert_eq!(may_give(&read, &wanted), expected, "{template} {pattern}");
        }
    }
}
