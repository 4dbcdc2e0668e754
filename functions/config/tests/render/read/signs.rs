//! Slack's mrkdwn, WhatsApp's and Messenger's formatting. What they publish doesn't say where a sign is one; clients are known by what
//! others found: a sign opens after a space or punctuation, never in a word (waha#1643). Of invisible characters they are known to
//! make different things, so there are two readers.

use super::found::found;
use super::{Seen, Shown, is_invisible};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Slack,
    Whatsapp,
    Messenger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// An invisible character before a sign counts as part of a word: the sign doesn't open.
    JoinsWords,
    /// It is nothing to what is before; a sign that touches one on its inner side is none.
    FillsInside,
}

/// A character, and whether it is one that can be a sign.
#[derive(Clone, Debug)]
struct Item {
    c: char,
    link: Option<String>,
    is_free: bool,
}

pub(crate) fn signs(text: &str, client: Client, reading: Reading) -> Shown {
    let mut shown = Shown::default();
    let items = match client {
        Client::Slack => slack_items(text, &mut shown),
        Client::Whatsapp | Client::Messenger => bare_items(text),
    };
    fences(&items, reading, &mut shown, client);
    if client == Client::Slack {
        plain_slack(&mut shown);
    }
    shown
}

fn bare_items(text: &str) -> Vec<Item> {
    let chars: Vec<char> = text.chars().collect();
    let mut items: Vec<Item> = chars.iter().map(|c| Item { c: *c, link: None, is_free: true }).collect();
    for found in found(&chars) {
        for item in &mut items[found.from..found.to] {
            item.link = Some(found.text.clone());
            item.is_free = !found.is_url;
        }
    }
    items
}

fn slack_items(text: &str, shown: &mut Shown) -> Vec<Item> {
    let mut items = vec![];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '<' {
            let (inside, after) = rest[1..].split_once('>').expect("Slack: a < without its >");
            rest = after;
            if inside.starts_with(['@', '#', '!']) {
                shown.others.push(format!("<{inside}>"));
                continue;
            }
            let (to, label) = inside.split_once('|').unwrap_or((inside, inside));
            let link = Some(entities(to).replace("%7C", "|"));
            let is_free = inside.contains('|');
            items.extend(entities(label).chars().map(|c| Item { c, link: link.clone(), is_free }));
            continue;
        }
        assert_ne!(c, '>', "Slack: a > must be escaped");
        let entity = ["&amp;", "&lt;", "&gt;"].into_iter().find(|entity| rest.starts_with(entity));
        assert!(c != '&' || entity.is_some(), "Slack: an & must be escaped");
        let length = entity.map_or(c.len_utf8(), str::len);
        items.extend(entities(&rest[..length]).chars().map(|c| Item { c, link: None, is_free: true }));
        rest = &rest[length..];
    }
    items
}

fn entities(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Three backticks, over lines; then the lines between.
fn fences(items: &[Item], reading: Reading, shown: &mut Shown, client: Client) {
    let fence = |at: usize| (at..at + 3).all(|at| items.get(at).is_some_and(|item| item.c == '`' && item.is_free));
    if let Some(start) = (0..items.len()).find(|at| fence(*at))
        && let Some(end) = (start + 4..items.len()).find(|at| fence(*at))
    {
        lines(&items[..start], reading, shown, client);
        for item in &items[start + 3..end] {
            shown.push(item.c, &Seen { code: true, ..Seen::default() });
        }
        return fences(&items[end + 3..], reading, shown, client);
    }
    lines(items, reading, shown, client);
}

fn lines(items: &[Item], reading: Reading, shown: &mut Shown, client: Client) {
    for (at, line) in items.split(|item| item.c == '\n').enumerate() {
        if at > 0 {
            shown.push('\n', &Seen::default());
        }
        let text: String = line.iter().map(|item| item.c).collect::<String>().trim_start_matches(' ').to_owned();
        let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_block = match client {
            Client::Slack => text.starts_with('>'),
            Client::Whatsapp => {
                ["- ", "* ", "> "].iter().any(|start| text.starts_with(start)) || (number != text && number.starts_with(". "))
            }
            Client::Messenger => false,
        };
        if is_block {
            shown.others.push(format!("block {text}"));
        }
        inline(line, None, reading, &Seen::default(), shown);
    }
}

fn inline(line: &[Item], outer: Option<char>, reading: Reading, like: &Seen, shown: &mut Shown) {
    let mut at = 0;
    while at < line.len() {
        let sign = line[at].c;
        if "*_~`".contains(sign)
            && line[at].is_free
            && opens(line, at, outer, reading)
            && let Some(end) =
                (at + 2..line.len()).find(|end| line[*end].c == sign && line[*end].is_free && closes(line, *end, reading))
        {
            let mut inside = like.clone();
            match sign {
                '*' => inside.strong = true,
                '_' => inside.emphasis = true,
                '`' => inside.code = true,
                _ => inside.other = true,
            }
            if sign == '`' {
                for item in &line[at + 1..end] {
                    shown.push(item.c, &inside);
                }
            } else {
                inline(&line[at + 1..end], Some(sign), reading, &inside, shown);
            }
            at = end + 1;
            continue;
        }
        shown.push(sign, &Seen { link: line[at].link.clone(), ..like.clone() });
        at += 1;
    }
}

fn opens(line: &[Item], at: usize, outer: Option<char>, reading: Reading) -> bool {
    let before = at.checked_sub(1).map(|before| line[before].c).or(outer);
    let next = line.get(at + 1).map(|item| item.c);
    let is_free = before.is_none_or(|c| !c.is_alphanumeric() && (reading == Reading::FillsInside || !is_invisible(c)));
    is_free && next.is_some_and(|c| !c.is_whitespace() && (reading == Reading::JoinsWords || !is_invisible(c)))
}

fn closes(line: &[Item], at: usize, reading: Reading) -> bool {
    let next = line.get(at + 1).map(|item| item.c);
    let before = line[at - 1].c;
    next.is_none_or(|c| !c.is_alphanumeric())
        && !before.is_whitespace()
        && (reading == Reading::JoinsWords || !is_invisible(before))
}

/// Slack's own detection in plain text: emoji, mentions, channels, addresses.
fn plain_slack(shown: &mut Shown) {
    let chars: Vec<char> = shown.seen.iter().map(|seen| seen.c).collect();
    let is_free: Vec<bool> = shown.seen.iter().map(|seen| seen.link.is_none() && !seen.code).collect();
    for at in (0..chars.len()).filter(|at| is_free[*at]) {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let name: String = chars[at + 1..].iter().take_while(|c| c.is_alphanumeric() || "_+-'".contains(**c)).collect();
        let starts = !before.is_some_and(|c| c.is_alphanumeric() || c == '_');
        match chars[at] {
            ':' if chars.get(at + 1 + name.chars().count()) == Some(&':') && name.contains(char::is_alphabetic) => {
                shown.others.push(format!(":{name}:"))
            }
            '@' if starts && name.starts_with(|c: char| c.is_alphanumeric() || c == '_') => shown.others.push(format!("@{name}")),
            _ => {}
        }
    }
    for found in found(&chars) {
        if (found.from..found.to).all(|at| is_free[at]) {
            for seen in &mut shown.seen[found.from..found.to] {
                seen.link = Some(found.text.clone());
            }
        }
    }
}
