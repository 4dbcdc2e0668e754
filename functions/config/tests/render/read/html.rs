//! HTML as a browser shows it, of the few elements that there are.

use super::{Seen, Shown};

pub(crate) fn html(text: &str) -> Result<Shown, String> {
    let mut shown = Shown::default();
    let mut open: Vec<String> = vec![];
    let mut like = Seen::default();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '<' {
            let (tag, after) = rest[1..].split_once('>').ok_or("a tag without its end")?;
            rest = after;
            match tag {
                "br" => shown.push('\n', &like),
                "strong" | "em" | "code" => open.push(tag.to_owned()),
                _ if tag.starts_with("a href=\"") => {
                    let to =
                        tag["a href=\"".len()..].strip_suffix("\" rel=\"noopener nofollow\"").ok_or(format!("no link: {tag}"))?;
                    if to.contains('"') {
                        return Err(format!("no attribute: {to}"));
                    }
                    like.link = Some(decoded(to)?);
                    open.push("a".to_owned());
                }
                _ => {
                    let last = open.pop();
                    if last.is_none() || tag.strip_prefix('/') != last.as_deref() {
                        return Err(format!("<{tag}> closes {last:?}"));
                    }
                    if tag == "/a" {
                        like.link = None;
                    }
                }
            }
            let has = |element: &str| open.iter().any(|opened| opened == element);
            (like.strong, like.emphasis, like.code) = (has("strong"), has("em"), has("code"));
            continue;
        }
        let (c, after) = character(rest)?;
        rest = after;
        let line_starts = shown.seen.last().is_none_or(|seen| seen.c == '\n' || seen.c == ' ');
        match c {
            // A browser shows one of many spaces, and none at a line's start.
            ' ' if line_starts => {}
            other => shown.push(other, &like),
        }
    }
    if open.is_empty() { Ok(shown) } else { Err(format!("open: {open:?}")) }
}

fn decoded(text: &str) -> Result<String, String> {
    let (mut decoded, mut rest) = (String::new(), text);
    while !rest.is_empty() {
        let (c, after) = character(rest)?;
        decoded.push(c);
        rest = after;
    }
    Ok(decoded)
}

fn character(text: &str) -> Result<(char, &str), String> {
    let entities = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#39;", '\''), ("&nbsp;", '\u{A0}')];
    match text.chars().next() {
        Some('&') => {
            let known = entities.iter().find(|(entity, _)| text.starts_with(entity)).ok_or(format!("no entity: {text}"))?;
            Ok((known.1, &text[known.0.len()..]))
        }
        Some(c) => Ok((c, &text[c.len_utf8()..])),
        None => Err("the end".to_owned()),
    }
}
