//! What clients make links of by themselves: URLs, domains, addresses of mail. In the manner of Telegram's `match_urls`
//! (tdlib, `MessageEntity.cpp`) and Android's `Patterns`: General Punctuation without a width is no part of an address.

use super::is_invisible;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) text: String,
    /// Whether it has a scheme: `https://…`
    pub(crate) is_url: bool,
}

pub(crate) fn found(chars: &[char]) -> Vec<Found> {
    let mut found = vec![];
    let mut at = 0;
    while at < chars.len() {
        let is_part = |c: &char| !(c.is_whitespace() || c.is_control() || is_invisible(*c) || "<>\"`".contains(*c));
        let end = at + chars[at..].iter().take_while(|c| is_part(c)).count();
        word(chars, at, end, &mut found);
        at = end.max(at) + 1;
    }
    found
}

fn word(chars: &[char], from: usize, to: usize, found: &mut Vec<Found>) {
    let reads =
        |at: usize, text: &str| text.chars().enumerate().all(|(i, c)| at + i < to && chars[at + i].eq_ignore_ascii_case(&c));
    for at in from..to {
        let starts = |scheme: &&str| reads(at, scheme) && at + scheme.len() < to && chars[at + scheme.len()].is_alphanumeric();
        if ["https://", "http://", "mailto:", "tel:", "ftp://"].iter().any(starts)
            && (at == from || !chars[at - 1].is_alphanumeric())
        {
            let end = at + untrailed(&chars[at..to]);
            found.push(Found { from: at, to: end, text: chars[at..end].iter().collect(), is_url: reads(at, "http") });
            return word(chars, end, to, found);
        }
    }
    for dot in from..to {
        let label = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let before = dot > from && label(chars[dot - 1]);
        let top: String = chars[dot + 1..to].iter().take_while(|c| c.is_alphanumeric() || **c == '-').collect();
        let is_top = chars[dot] == '.' && top.chars().count() >= 2 && top.starts_with(char::is_alphabetic);
        if before && is_top {
            let start = (from..dot).rev().take_while(|at| label(chars[*at]) || "@.+".contains(chars[*at])).last().unwrap();
            let end = (dot + 1 + top.chars().count()).max(dot + untrailed(&chars[dot..to]));
            found.push(Found { from: start, to: end, text: chars[start..end].iter().collect(), is_url: false });
            return;
        }
    }
}

/// The length without a sentence's punctuation at the end.
fn untrailed(chars: &[char]) -> usize {
    let mut end = chars.len();
    while end > 0 {
        let count = |c: char| chars[..end].iter().filter(|seen| **seen == c).count();
        let is_over = match chars[end - 1] {
            ')' => count(')') > count('('),
            ']' => count(']') > count('['),
            '}' => count('}') > count('{'),
            c => ".,:;!?'…’”»".contains(c),
        };
        if !is_over {
            break;
        }
        end -= 1;
    }
    end
}
