//! Discord's Markdown, as its desktop client reads it: a sign at a time, the first rule that matches (what its help pages say, and where
//! they don't, what LyricLy/parse-discord found by trying). Mentions are looked for in the text as it was sent, as its server does.

use super::{Seen, Shown};

pub(crate) fn discord(text: &str) -> Shown {
    let chars: Vec<char> = text.chars().collect();
    let mut shown = Shown::default();
    read(&chars, Mode { label: false, testing: false, line_starts: true }, &Seen::default(), &mut shown);
    server(text, &mut shown);
    shown
}

#[derive(Clone, Copy)]
struct Mode {
    /// In the label of a masked link: no blocks, links, mentions or escapes.
    label: bool,
    /// Looking whether it may be a label: no escapes.
    testing: bool,
    line_starts: bool,
}

fn server(text: &str, shown: &mut Shown) {
    for word in text.split_whitespace().filter(|word| !word.contains("://")) {
        for all in ["@everyone", "@here"] {
            if word.contains(all) {
                shown.others.push(all.to_owned());
            }
        }
        for start in ["<@", "<@!", "<@&", "<#"] {
            for (at, _) in word.match_indices(start) {
                let rest = &word[at + start.len()..];
                let id = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                if id != rest && id.starts_with('>') {
                    shown.others.push(format!("{start}…>"));
                }
            }
        }
    }
}

fn is_at(chars: &[char], at: usize, text: &str) -> bool {
    text.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c))
}

/// A token of a style's content: an escape, a pair, or one character.
fn token(chars: &[char], at: usize, pair: &str) -> Option<usize> {
    match chars.get(at)? {
        '\\' => (at + 1 < chars.len()).then_some(2),
        c if pair.starts_with(*c) => is_at(chars, at, pair).then_some(2),
        _ => Some(1),
    }
}

/// `**…**`, `__…__`: the shortest that isn't followed by one more.
fn double(chars: &[char], at: usize, sign: &str) -> Option<(usize, usize)> {
    if !is_at(chars, at, sign) {
        return None;
    }
    let mut end = at + 2;
    loop {
        end += token(chars, end, "\0")?;
        if is_at(chars, end, sign) && !is_at(chars, end + 2, &sign[..1]) {
            return Some((at + 2, end));
        }
    }
}

fn asterisk(chars: &[char], at: usize) -> Option<(usize, usize, usize)> {
    if !is_at(chars, at, "*") || chars.get(at + 1)?.is_whitespace() {
        return None;
    }
    let mut end = at + 1;
    loop {
        end += token(chars, end, "**")?;
        let spaces = chars[end.min(chars.len())..].iter().take(2).take_while(|c| **c == ' ').count();
        for spaces in 0..=spaces {
            let close = end + spaces;
            if !chars[end - 1].is_whitespace() && is_at(chars, close, "*") && !is_at(chars, close + 1, "*") {
                return Some((at + 1, end, close + 1));
            }
        }
    }
}

fn underscore(chars: &[char], at: usize) -> Option<(usize, usize)> {
    if !is_at(chars, at, "_") {
        return None;
    }
    let mut end = at + 1;
    loop {
        end += token(chars, end, "__")?;
        let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        if is_at(chars, end, "_") && !chars.get(end + 1).is_some_and(is_word) {
            return Some((at + 1, end));
        }
    }
}

fn lazy(chars: &[char], at: usize, sign: &str) -> Option<(usize, usize)> {
    let from = at + sign.chars().count();
    if !is_at(chars, at, sign) {
        return None;
    }
    (from + 1..chars.len()).find(|end| is_at(chars, *end, sign)).map(|end| (from, end))
}

fn code(chars: &[char], at: usize) -> Option<(usize, usize, usize)> {
    let run = |at: usize| chars[at.min(chars.len())..].iter().take_while(|c| **c == '`').count();
    let ticks = run(at);
    let mut end = at + ticks;
    while ticks > 0 && end < chars.len() {
        let found = run(end);
        if found == ticks && end > at + ticks {
            return Some((at + ticks, end, end + ticks));
        }
        end += found.max(1);
    }
    None
}

fn read(chars: &[char], mode: Mode, like: &Seen, shown: &mut Shown) {
    let mut at = 0;
    while at < chars.len() {
        match rule(chars, at, mode, like, shown) {
            Some(end) => at = end,
            None => {
                let escapes = !mode.label && !mode.testing && chars[at] == '\\';
                if escapes && chars.get(at + 1).is_some_and(|c| !c.is_ascii_alphanumeric() && !c.is_whitespace()) {
                    at += 1;
                }
                shown.push(chars[at], like);
                at += 1;
            }
        }
    }
}

fn rule(chars: &[char], at: usize, mode: Mode, like: &Seen, shown: &mut Shown) -> Option<usize> {
    let line = chars[..at].iter().rposition(|c| *c == '\n').map_or(0, |newline| newline + 1);
    let is_first_line = line == 0;
    let is_start = chars[line..at].iter().all(|c| *c == ' ') && (!is_first_line || mode.line_starts);
    let inner = Mode { line_starts: is_start, ..mode };
    let mut inside = like.clone();
    if chars[at] == '\\' && !mode.testing && !mode.label {
        return None;
    }
    if !mode.label
        && !mode.testing
        && is_start
        && let Some(name) = block(&chars[at..], at == line)
    {
        shown.others.push(name);
    }
    if !mode.label
        && let Some((_, end)) = lazy(chars, at, "```")
    {
        shown.others.push("code block".to_owned());
        return Some(end + 3);
    }
    if let Some((from, to, end)) = asterisk(chars, at) {
        if let Some((from, to)) = double(chars, at, "**").filter(|(_, to)| to + 2 > end) {
            inside.strong = true;
            read(&chars[from..to], inner, &inside, shown);
            return Some(to + 2);
        }
        inside.emphasis = true;
        read(&chars[from..to], inner, &inside, shown);
        return Some(end);
    }
    if let Some((from, to)) = underscore(chars, at) {
        if let Some((from, to)) = double(chars, at, "__").filter(|(_, end)| end + 2 > to + 1) {
            inside.other = true;
            read(&chars[from..to], inner, &inside, shown);
            return Some(to + 2);
        }
        inside.emphasis = true;
        read(&chars[from..to], inner, &inside, shown);
        return Some(to + 1);
    }
    for (sign, is_strong) in [("**", true), ("__", false)] {
        if let Some((from, to)) = double(chars, at, sign) {
            (inside.strong, inside.other) = (inside.strong || is_strong, inside.other || !is_strong);
            read(&chars[from..to], inner, &inside, shown);
            return Some(to + 2);
        }
    }
    for sign in ["~~", "||"] {
        if let Some((from, to)) = lazy(chars, at, sign) {
            inside.other = true;
            read(&chars[from..to], inner, &inside, shown);
            return Some(to + 2);
        }
    }
    if let Some((from, to, end)) = code(chars, at) {
        inside.code = true;
        for c in &chars[from..to] {
            shown.push(*c, &inside);
        }
        return Some(end);
    }
    let name: String = chars[at + 1..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
    if chars[at] == ':' && name.contains(char::is_alphabetic) && chars.get(at + 1 + name.chars().count()) == Some(&':') {
        shown.others.push(format!(":{name}:"));
    }
    if !mode.label {
        return link(chars, at, mode, like, shown);
    }
    None
}

/// What makes a block of a line, which starts here but for spaces.
fn block(line: &[char], is_first: bool) -> Option<String> {
    let text: String = line.iter().take_while(|c| **c != '\n').collect();
    let hashes = text.trim_start_matches('#');
    let level = text.len() - hashes.len();
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_heading = is_first && (1..=3).contains(&level) && hashes.starts_with(char::is_whitespace);
    let is_small = is_first && text.starts_with("-# ");
    let is_list = text.starts_with("- ") || text.starts_with("* ") || (number != text && number.starts_with(". "));
    (is_heading || is_small || is_list || text.starts_with("> ") || text.starts_with(">>> ")).then(|| format!("block {text}"))
}

fn link(chars: &[char], at: usize, mode: Mode, like: &Seen, shown: &mut Shown) -> Option<usize> {
    if let Some(scheme) = ["https://", "http://"].into_iter().find(|scheme| is_at(chars, at, scheme)) {
        let from = at + scheme.len();
        let mut end = from + chars[from..].iter().take_while(|c| !c.is_whitespace() && **c != '<').count();
        while end > from && ".,:;\"']".contains(chars[end - 1]) {
            end -= 1;
        }
        if end < from + 2 {
            return None;
        }
        let closing = chars[at..end].iter().rev().take_while(|c| **c == ')').count();
        if closing > chars[at..end].iter().filter(|c| **c == '(').count() {
            end -= 1;
        }
        let to: String = chars[at..end].iter().collect();
        for c in &chars[at..end] {
            shown.push(*c, &Seen { link: Some(to.clone()), ..like.clone() });
        }
        return Some(end);
    }
    if chars[at] == '<' {
        let end = at + chars[at..].iter().position(|c| *c == '>' || *c == ' ')?;
        let inside: String = chars[at + 1..end].iter().collect();
        if chars[end] == '>' && inside.starts_with("http") && inside.contains(":/") {
            for c in inside.chars() {
                shown.push(c, &Seen { link: Some(inside.clone()), ..like.clone() });
            }
            return Some(end + 1);
        }
        if chars[end] == '>' && inside.starts_with(['@', '#', '/', ':', 't', 'a', 'i']) {
            shown.others.push(format!("<{inside}>"));
        }
        return None;
    }
    if chars[at] != '[' {
        return None;
    }
    let close = at + 1 + chars[at + 1..].iter().position(|c| *c == ']')?;
    let rest: String = chars[close + 1..].iter().collect();
    let to = rest.strip_prefix('(')?.split_once(')')?.0.to_owned();
    if to.contains(char::is_whitespace) || !to.starts_with("http") {
        return None;
    }
    let end = close + 3 + to.chars().count();
    let label = &chars[at + 1..close];
    let mut tested = Shown::default();
    read(label, Mode { testing: true, ..mode }, like, &mut tested);
    let text: String = label.iter().collect();
    let has_emoji = label.iter().any(|c| matches!(c, '\u{2190}'..'\u{3000}' | '\u{1F000}'..'\u{20000}'));
    if !tested.others.is_empty() || tested.seen.iter().any(|seen| seen.link.is_some()) || text.trim().is_empty() || has_emoji {
        for c in &chars[at..end] {
            shown.push(*c, like);
        }
        return Some(end);
    }
    read(label, Mode { label: true, ..mode }, &Seen { link: Some(to), ..like.clone() }, shown);
    Some(end)
}
