//! Discord's Markdown: <https://support.discord.com/hc/en-us/articles/210298617>, <https://docs.discord.com/developers/reference#message-formatting>.
//!
//! A backslash escapes every sign, except in the label of a masked link, where the backslash is visible
//! (discord-api-docs#6185). A label with a sign, an emoji or an address breaks the link (#7721, #6116), so such a
//! link is written out. The server finds mentions even if they are escaped: an invisible character breaks them.

use super::address;
use super::breaks::{Breaks, is_emoji};
use super::glyphs::{Glyph, Glyphs, Link};
use super::markers::{Run, Syntax, line_starts, runs, settled, write};
use super::out::Out;
use crate::text::span::Style;

pub(super) fn discord(glyphs: &Glyphs) -> Out {
    let (glyphs, breaks, runs) = settled(glyphs.written_out(can_be_masked), |glyphs| {
        let mut breaks = Breaks::none(glyphs);
        breaks.links(glyphs);
        mentions(glyphs, &mut breaks);
        (breaks, runs(glyphs, |run| can(glyphs, run)))
    });
    let mut escapes = vec![false; glyphs.all.len()];
    for (at, line) in line_starts(&glyphs) {
        if let Some(at) = block(&line).map(|sign| at + sign).filter(|at| !glyphs.is_linked(*at)) {
            escapes[at] = true;
        }
    }
    for run in runs.iter().filter(|run| run.style == Style::Code) {
        escapes[run.start..run.end].fill(false);
    }
    let in_code = |at: usize| runs.iter().any(|run| run.style == Style::Code && (run.start..run.end).contains(&at));
    let codes: Vec<_> = (0..glyphs.all.len()).map(in_code).collect();
    write(&glyphs, &breaks, &runs, &Markdown { escapes, codes })
}

/// Breaks `@everyone` and `@here` anywhere, and `<@1>`, `<@!1>`, `<@&1>`, `<#1>`.
fn mentions(glyphs: &Glyphs, breaks: &mut Breaks) {
    for at in 0..glyphs.all.len() {
        let is_all = glyphs.reads(at, "@everyone") || glyphs.reads(at, "@here");
        let is_one = glyphs.before(at) == Some('<') && matches!(glyphs.c(at), Some('@' | '#'));
        if (is_all || is_one) && !glyphs.is_linked(at) {
            breaks.add(at + 1);
        }
    }
}

/// The position of the character that makes a line a heading, a list, a quote or small print.
fn block(line: &str) -> Option<usize> {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    match line.chars().next()? {
        '#' | '-' | '>' => Some(0),
        c if c.is_ascii_digit() && number.starts_with('.') => Some(line.len() - number.len()),
        _ => None,
    }
}

/// Whether the run's content leaves no style open at its end.
fn can(glyphs: &Glyphs, run: &Run) -> bool {
    match run.style {
        Style::Code => (run.start..run.end).all(|at| glyphs.c(at) != Some('`') && !glyphs.is_linked(at)),
        // An address can't contain escapes.
        Style::Strong | Style::Emphasis => {
            let to = |at: usize| glyphs.all[at].link.map(|place| &glyphs.links[place].to);
            (run.start..run.end).filter_map(to).all(|to| !to.contains(['*', '\\']))
        }
    }
}

fn can_be_masked(link: &Link, label: &[Glyph]) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() && matches!(c, '\0'..'\u{2000}' | '\u{3040}'..'\u{FE00}' | '\u{20000}'..);
    let is_safe = |c: char| is_letter(c) || " ,;!?'\"-–—/&%+=$€£…’“”„«»".contains(c) || matches!(c, '\u{300}'..='\u{36F}');
    let is_dot = |at: usize| label[at].c == '.' && label.get(at + 1).is_none_or(|next| next.c == ' ');
    let is_colon = |at: usize| label[at].c == ':' && label.get(at + 1).is_none_or(|next| next.c == ' ');
    address::is_url(&link.to)
        && !link.to.contains(['(', ')', '\'', '"', '\\'])
        && (0..label.len()).all(|at| is_safe(label[at].c) || is_dot(at) || is_colon(at))
}

/// Whether an address without brackets is found: it extends to the next space, except for some signs at its end.
fn is_found(glyphs: &Glyphs, at: usize) -> bool {
    let end = glyphs.link_end(at);
    let text = glyphs.text(at, end);
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let mut behind = glyphs.all[end..].iter().map(|glyph| glyph.c).take_while(|c| !c.is_whitespace());
    behind.all(|c| ".,:;".contains(c)) && rest.chars().count() > 1 && !text.ends_with(['.', ',', ':', ';', '"', '\'', ']', ')'])
}

struct Markdown {
    /// Characters that would make a line a block.
    escapes: Vec<bool>,
    codes: Vec<bool>,
}

impl Syntax for Markdown {
    fn sign(&self, style: Style) -> &'static str {
        match style {
            Style::Strong => "**",
            Style::Emphasis => "*",
            Style::Code => "`",
        }
    }

    fn parts_signs(&self) -> bool {
        true
    }

    fn opens_link(&self, out: &mut Out, glyphs: &Glyphs, at: usize) {
        let is_bare = glyphs.all[at].link.is_some_and(|place| glyphs.links[place].bare);
        match (is_bare, is_bare && is_found(glyphs, at)) {
            (true, true) => {}
            (true, false) => out.markup("<"),
            (false, _) => out.markup("["),
        }
    }

    fn closes_link(&self, out: &mut Out, glyphs: &Glyphs, at: usize) {
        let Some(link) = glyphs.all[at - 1].link.map(|place| &glyphs.links[place]) else {
            return;
        };
        let start = at - link_length(glyphs, at);
        match (link.bare, link.bare && is_found(glyphs, start)) {
            (true, true) => {}
            (true, false) => out.markup(">"),
            (false, _) => {
                out.markup("](");
                out.markup(&link.to);
                out.markup(")");
            }
        }
    }

    fn writes(&self, out: &mut Out, glyphs: &Glyphs, at: usize) {
        let c = glyphs.all[at].c;
        let is_sign = "\\*_~`|[]<>".contains(c) || self.escapes[at] || is_emoji(glyphs, at);
        if is_sign && !glyphs.is_linked(at) && !self.codes[at] {
            out.markup("\\");
        }
        out.plain(c);
    }
}

/// The length of the link that ends before this position.
fn link_length(glyphs: &Glyphs, at: usize) -> usize {
    let link = glyphs.all[at - 1].link;
    glyphs.all[..at].iter().rev().take_while(|glyph| glyph.link == link).count()
}
