//! Telegram's MarkdownV2, as the Bot API documents it: <https://core.telegram.org/bots/api#markdownv2-style>. What isn't valid is an
//! error, as there.

use super::found::found;
use super::{Seen, Shown};

pub(crate) fn telegram(text: &str) -> Result<Shown, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut shown = Shown::default();
    let mut open: Vec<(String, usize)> = vec![];
    let mut at = 0;
    let mut line_starts = true;
    while at < chars.len() {
        let c = chars[at];
        let in_code = open.last().is_some_and(|(sign, _)| sign == "`" || sign == "```");
        if c == '\\' && chars.get(at + 1).is_some_and(|next| ('\u{1}'..='\u{7e}').contains(next)) {
            push(&mut shown, chars[at + 1], &open);
            at += 2;
            line_starts = false;
            continue;
        }
        let reserved = if in_code { "`" } else { "_*[]()~`>#+-=|{}.!" };
        if !reserved.contains(c) {
            push(&mut shown, c, &open);
            at += 1;
            line_starts = c == '\n';
            continue;
        }
        let sign =
            ["```", "__", "||"].into_iter().find(|sign| text_at(&chars, at, sign)).map_or_else(|| c.to_string(), str::to_owned);
        match sign.as_str() {
            "]" if open.last().is_some_and(|(sign, _)| sign == "[") => {
                let (_, from) = open.pop().unwrap();
                at += 1;
                if chars.get(at) == Some(&'(') {
                    let mut to = String::new();
                    at += 1;
                    loop {
                        match chars.get(at) {
                            None => return Err("an address without its end".to_owned()),
                            Some(')') => break,
                            Some('\\') if chars.get(at + 1).is_some_and(|next| ('\u{1}'..='\u{7e}').contains(next)) => {
                                to.push(chars[at + 1]);
                                at += 2;
                            }
                            Some(other) => {
                                to.push(*other);
                                at += 1;
                            }
                        }
                    }
                    at += 1;
                    if to.starts_with("http") {
                        for seen in &mut shown.seen[from..] {
                            seen.link = Some(to.clone());
                        }
                    }
                }
            }
            "[" | "*" | "_" | "__" | "~" | "||" | "`" | "```" => {
                at += sign.len();
                match open.iter().rposition(|(opened, _)| *opened == sign) {
                    Some(place) if place + 1 == open.len() && sign != "[" => {
                        open.pop();
                    }
                    Some(_) => return Err(format!("{sign} isn't closed in its turn")),
                    None => open.push((sign, shown.seen.len())),
                }
            }
            ">" if line_starts => {
                shown.others.push("quote".to_owned());
                at += 1;
            }
            other => return Err(format!("{other} is reserved and must be escaped")),
        }
        line_starts = false;
    }
    if let Some((sign, _)) = open.last() {
        return Err(format!("can't find the end of {sign}"));
    }
    entities(&mut shown);
    Ok(shown)
}

fn text_at(chars: &[char], at: usize, text: &str) -> bool {
    text.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c))
}

fn push(shown: &mut Shown, c: char, open: &[(String, usize)]) {
    let has = |sign: &str| open.iter().any(|(opened, _)| opened == sign);
    let like = Seen {
        strong: has("*"),
        emphasis: has("_"),
        code: has("`") || has("```"),
        other: has("~") || has("__") || has("||"),
        ..Seen::default()
    };
    shown.push(c, &like);
}

/// Telegram's own detection outside code and links.
fn entities(shown: &mut Shown) {
    let is_free: Vec<bool> = shown.seen.iter().map(|seen| seen.link.is_none() && !seen.code).collect();
    let chars: Vec<char> = shown.seen.iter().map(|seen| seen.c).collect();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let free = |at: usize| is_free[at];
    for at in 0..chars.len() {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let is_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let name: String = (at + 1..chars.len()).take_while(|at| free(*at) && is_name(&chars[*at])).map(|at| chars[at]).collect();
        let next = chars.get(at + 1 + name.len());
        if !free(at) || before.is_some_and(is_word) || next.is_some_and(|c| is_word(*c)) {
            continue;
        }
        match chars[at] {
            '@' if (2..=32).contains(&name.len()) => shown.others.push(format!("@{name}")),
            '/' if (1..=64).contains(&name.len())
                && !before.is_some_and(|c| "/<>".contains(c))
                && !next.is_some_and(|c| "/<>".contains(*c)) =>
            {
                shown.seen[at].link = Some(format!("/{name}"));
            }
            '#' if !name.is_empty() && name.contains(|c: char| c.is_ascii_alphabetic()) && next != Some(&'#') => {
                shown.seen[at].link = Some(format!("#{name}"));
            }
            _ => {}
        }
    }
    for found in found(&chars) {
        if (found.from..found.to).all(free) {
            for seen in &mut shown.seen[found.from..found.to] {
                seen.link = Some(found.text.clone());
            }
        }
    }
}
