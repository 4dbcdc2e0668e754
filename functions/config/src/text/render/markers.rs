//! Markup without an escape: `*bold*`, `_italic_`, `~strike~` and `` `code` `` of Slack, WhatsApp and Messenger.
//!
//! A sign opens a style if no word is before it and no space after it; it closes one if no space is before it and no
//! word after it, on the same line. Therefore most signs in values do nothing: `PO*77`, `a_b_c`, `~5`. Joiners
//! separate a pair that would be markup. A style that its own content would close early isn't written: the visible
//! text takes precedence over its style.

use super::breaks::{Breaks, JOINER};
use super::glyphs::{Glyphs, Styles};
use super::invisible::is_invisible;
use super::out::Out;
use crate::text::span::Style;

const SIGNS: [char; 4] = ['*', '_', '~', '`'];

/// A style that is written, from its first character to the position after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) style: Style,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it is part of a link's label.
    pub(super) in_link: bool,
}

const fn sign(style: Style) -> char {
    match style {
        Style::Strong => '*',
        Style::Emphasis => '_',
        Style::Code => '`',
    }
}

/// The runs of all styles by line, outer before inner. Code is never nested. A run that can't be nested is dropped:
/// the later of two that overlap, and one that starts in a link and ends elsewhere.
pub(super) fn runs(glyphs: &Glyphs, can: impl Fn(&Run) -> bool) -> Vec<Run> {
    let mut runs: Vec<Run> = vec![];
    for style in [Style::Strong, Style::Emphasis, Style::Code] {
        let mut start = None;
        for at in 0..=glyphs.all.len() {
            let is_in = glyphs.all.get(at).is_some_and(|glyph| {
                glyph.c != '\n' && glyph.styles.has(style) && (style == Style::Code || !glyph.styles.has(Style::Code))
            });
            match (start, is_in) {
                (None, true) => start = Some(at),
                (Some(from), false) => {
                    runs.extend(run(glyphs, style, from, at).filter(&can));
                    start = None;
                }
                (None, false) | (Some(_), true) => {}
            }
        }
    }
    runs.sort_by_key(|run| (run.start, run.in_link, std::cmp::Reverse(run.end)));
    let (mut written, mut open): (Vec<Run>, Vec<Run>) = (vec![], vec![]);
    for run in runs {
        open.retain(|other| run.start < other.end);
        // In a label nothing can be inserted between two signs.
        let follows = run.in_link && written.iter().rev().take(3).any(|other| other.in_link && other.end == run.start);
        if !follows && open.iter().all(|other| run.end <= other.end) {
            open.push(run);
            written.push(run);
        }
    }
    written
}

/// The text with code only where it can be written, and the runs that are written; `plan` decides both. Elsewhere
/// addresses are links.
pub(super) fn settled(mut glyphs: Glyphs, plan: impl Fn(&Glyphs) -> (Breaks, Vec<Run>)) -> (Glyphs, Breaks, Vec<Run>) {
    loop {
        let (breaks, runs) = plan(&glyphs);
        let code = runs.iter().filter(|run| run.style == Style::Code).map(|run| (run.start, run.end));
        if !glyphs.keep_code(&code.collect::<Vec<_>>()) {
            return (glyphs, breaks, runs);
        }
    }
}

/// The run without spaces at its edges. `None`: nothing is left, or it can't be nested with a link.
fn run(glyphs: &Glyphs, style: Style, start: usize, end: usize) -> Option<Run> {
    let is_space = |at: &usize| glyphs.c(*at).is_none_or(|c| c.is_whitespace() || is_invisible(c));
    let start = start + (start..end).take_while(is_space).count();
    let end = end - (start..end).rev().take_while(is_space).count();
    let link = |at: usize| glyphs.all.get(at).and_then(|glyph| glyph.link);
    let cuts = |at: usize| at > 0 && link(at).is_some() && link(at - 1) == link(at);
    let in_link = cuts(start) || cuts(end);
    let can = start < end && (!in_link || (start..end).all(|at| link(at).is_some() && link(at) == link(start)));
    can.then_some(Run { style, start, end, in_link })
}

/// How a channel writes the text between its signs.
pub(super) trait Syntax {
    fn sign(&self, style: Style) -> &'static str;
    /// Whether a closing sign and an opening sign need a separator.
    fn parts_signs(&self) -> bool;
    fn opens_link(&self, out: &mut Out, glyphs: &Glyphs, at: usize);
    /// Ends a link. `at` is the position after it.
    fn closes_link(&self, out: &mut Out, glyphs: &Glyphs, at: usize);
    fn writes(&self, out: &mut Out, glyphs: &Glyphs, at: usize);
}

pub(super) fn write(glyphs: &Glyphs, breaks: &Breaks, runs: &[Run], syntax: &impl Syntax) -> Out {
    let mut out = Out::default();
    let (mut open, mut next): (Vec<Run>, _) = (vec![], runs.iter().peekable());
    let link = |at: usize| glyphs.all.get(at).and_then(|glyph| glyph.link);
    for at in 0..=glyphs.all.len() {
        let before = at.checked_sub(1).and_then(link);
        while let Some(run) = open.pop_if(|run| run.end == at && run.in_link) {
            out.markup(syntax.sign(run.style));
        }
        if before.is_some() && before != link(at) {
            syntax.closes_link(&mut out, glyphs, at);
        }
        let mut closed = false;
        while let Some(run) = open.pop_if(|run| run.end == at) {
            out.markup(syntax.sign(run.style));
            closed = true;
        }
        let opens = next.peek().is_some_and(|run| run.start == at);
        if breaks.at(at) || (closed && opens && syntax.parts_signs()) {
            out.plain(JOINER);
        }
        while let Some(run) = next.next_if(|run| run.start == at && !run.in_link) {
            out.markup(syntax.sign(run.style));
            open.push(*run);
        }
        if link(at).is_some() && before != link(at) {
            syntax.opens_link(&mut out, glyphs, at);
        }
        while let Some(run) = next.next_if(|run| run.start == at) {
            out.markup(syntax.sign(run.style));
            open.push(*run);
        }
        if at < glyphs.all.len() {
            syntax.writes(&mut out, glyphs, at);
        }
    }
    out
}

/// The starts of the lines after leading spaces, and the beginning of each.
pub(super) fn line_starts(glyphs: &Glyphs) -> Vec<(usize, String)> {
    let mut starts = vec![];
    for at in (0..glyphs.all.len()).filter(|at| glyphs.before(*at).is_none_or(|c| c == '\n')) {
        let at = at + glyphs.all[at..].iter().take_while(|glyph| glyph.c == ' ').count();
        starts.push((at, glyphs.all[at..].iter().map(|glyph| glyph.c).take_while(|c| *c != '\n').take(16).collect()));
    }
    starts
}

/// The rules of a channel without escapes.
pub(super) struct Markers<'a> {
    pub(super) glyphs: &'a Glyphs,
    /// Whether an address can't have markup directly around it.
    pub(super) bare_links: bool,
}

impl Markers<'_> {
    /// The styles that can be written. `breaks` has the breaks found so far, and receives those of signs that would
    /// form a pair.
    pub(super) fn runs(&self, breaks: &mut Breaks) -> Vec<Run> {
        let runs = runs(self.glyphs, |run| self.can(run, breaks));
        let mut written = vec![Styles::NONE; self.glyphs.all.len()];
        for run in &runs {
            for styles in &mut written[run.start..run.end] {
                *styles = styles.with(run.style);
            }
        }
        let mut start = 0;
        while start <= self.glyphs.all.len() {
            let end = start + self.glyphs.all[start..].iter().take_while(|glyph| glyph.c != '\n').count();
            for sign in SIGNS {
                self.take_apart(sign, start, end, &written, breaks);
            }
            start = end + 1;
        }
        self.take_fences_apart(breaks);
        runs
    }

    /// Whether the position is in an address that is shown unchanged and contains no signs.
    fn is_opaque(&self, at: usize) -> bool {
        let link = self.glyphs.all[at].link.map(|place| &self.glyphs.links[place]);
        link.is_some_and(|link| self.bare_links || link.is_address())
    }

    /// Whether a word is next to a position. The end of an address has a separator.
    fn is_word(&self, at: usize, next: usize) -> bool {
        let link = self.glyphs.all[at].link;
        self.glyphs.all.get(next).is_some_and(|next| next.c.is_alphanumeric() && next.link == link)
    }

    fn can(&self, run: &Run, breaks: &Breaks) -> bool {
        let glyphs = self.glyphs;
        let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !SIGNS.contains(&c) && !is_invisible(c));
        let is_content = |at: usize| glyphs.c(at).is_some_and(|c| !SIGNS.contains(&c) && !is_invisible(c));
        // The separator of an address would be between a sign and its word.
        let is_address = |at: usize| self.bare_links && glyphs.is_linked(at);
        let sign = sign(run.style);
        // An opening sign after another style's closing sign isn't reliable.
        let follows = run.start > 0
            && [Style::Strong, Style::Emphasis, Style::Code]
                .into_iter()
                .any(|style| glyphs.all[run.start - 1].styles.has(style) && !glyphs.all[run.start].styles.has(style));
        let closes_early = |at: usize| match run.style {
            Style::Code => true,
            Style::Strong | Style::Emphasis => {
                !(at > run.start && at + 1 < run.end && self.is_word(at, at - 1) && self.is_word(at, at + 1))
            }
        };
        !run.in_link
            && !follows
            && is_edge(glyphs.before(run.start))
            && is_edge(glyphs.c(run.end))
            && is_content(run.start)
            && is_content(run.end - 1)
            && !breaks.at(run.start)
            && !breaks.at(run.end)
            && ![run.start.saturating_sub(1), run.start, run.end - 1, run.end].into_iter().any(is_address)
            && !(run.style == Style::Code && (run.start..run.end).any(|at| glyphs.is_linked(at)))
            && !(run.start..run.end)
                .any(|at| glyphs.c(at) == Some(sign) && (self.bare_links || !self.is_opaque(at)) && closes_early(at))
    }

    /// Inserts joiners at the signs of a line that a client could take for a pair.
    fn take_apart(&self, sign: char, start: usize, end: usize, written: &[Styles], breaks: &mut Breaks) {
        let glyphs = self.glyphs;
        let style = [Style::Strong, Style::Emphasis, Style::Code].into_iter().find(|style| self::sign(*style) == sign);
        let styled = |at: usize| style.is_some_and(|style| written[at].has(style));
        let is_code = sign == '`';
        let opens = |at: usize| {
            let is_free = is_code || at == start || !self.is_word(at, at - 1);
            is_free && at + 1 < end && glyphs.c(at + 1).is_some_and(|c| !c.is_whitespace())
        };
        let closes = |at: usize| {
            let is_free = is_code || at + 1 == end || !self.is_word(at, at + 1);
            is_free && at > start && glyphs.before(at).is_some_and(|c| !c.is_whitespace())
        };
        let is_sign = |at: &usize| glyphs.c(*at) == Some(sign) && (self.bare_links || !self.is_opaque(*at));
        let first = (start..end).find(|at| styled(*at) || (is_sign(at) && opens(*at)));
        let last = (start..end).rev().find(|at| styled(*at) || (is_sign(at) && closes(*at)));
        let (Some(first), Some(last)) = (first, last) else {
            return;
        };
        for at in (start..end).filter(is_sign) {
            let is_one = (opens(at) && at < last) || (closes(at) && at > first);
            if is_one && !self.is_opaque(at) && !written[at].has(Style::Code) {
                breaks.add(at);
                breaks.add(at + 1);
            }
        }
    }

    /// Breaks three backticks, which start a code block.
    fn take_fences_apart(&self, breaks: &mut Breaks) {
        let starts: Vec<_> = (0..self.glyphs.all.len()).filter(|at| self.glyphs.reads(*at, "```")).collect();
        if starts.len() > 1 {
            for at in starts {
                for at in at..at + 4 {
                    breaks.add(at);
                }
            }
        }
    }
}
