//! Slack's mrkdwn: <https://docs.slack.dev/messaging/formatting-message-text>, WhatsApp's formatting: <https://faq.whatsapp.com/539178204879377>,
//! and Messenger's: <https://www.facebook.com/help/147348452522644>. They share the signs of [`markers`](super::markers).

use super::breaks::Breaks;
use super::glyphs::Glyphs;
use super::markers::{Markers, Run, Syntax, line_starts, settled, write};
use super::out::Out;
use crate::text::span::Style;

pub(super) fn slack(glyphs: &Glyphs) -> Out {
    let (glyphs, breaks, runs) = settled(glyphs.clone(), |glyphs| {
        let mut breaks = Breaks::none(glyphs);
        breaks.links(glyphs);
        breaks.mentions(glyphs);
        breaks.signs(glyphs, "#");
        breaks.emoji(glyphs);
        let runs = Markers { glyphs, bare_links: false }.runs(&mut breaks);
        // The sign of a quote works even if it is escaped.
        blocks(glyphs, &mut breaks, &runs, |line| line.starts_with('>'));
        (breaks, runs)
    });
    write(&glyphs, &breaks, &runs, &Slack)
}

pub(super) fn whatsapp(glyphs: &Glyphs) -> Out {
    bare(glyphs, |line| {
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        ["- ", "* ", "> ", "• "].iter().any(|start| line.starts_with(start)) || (number != line && number.starts_with(". "))
    })
}

/// Google Chat has WhatsApp's signs, and `<…>` for mentions and links: <https://developers.google.com/workspace/chat/format-messages>.
/// A `<` beside a sign may show the sign: the broken `<` comes after the signs were placed.
pub(super) fn google_chat(glyphs: &Glyphs) -> Out {
    let Out { text, shown } = whatsapp(glyphs);
    let broken = |text: String| text.replace('<', "<\u{2060}");
    Out { text: broken(text), shown: broken(shown) }
}

pub(super) fn messenger(glyphs: &Glyphs) -> Out {
    bare(glyphs, |_| false)
}

fn bare(glyphs: &Glyphs, is_block: impl Fn(&str) -> bool) -> Out {
    let (glyphs, breaks, runs) = settled(glyphs.written_out(|_, _| false), |glyphs| {
        let mut breaks = Breaks::none(glyphs);
        breaks.links(glyphs);
        let runs = Markers { glyphs, bare_links: true }.runs(&mut breaks);
        blocks(glyphs, &mut breaks, &runs, &is_block);
        (breaks, runs)
    });
    write(&glyphs, &breaks, &runs, &Bare)
}

/// Breaks lines that start like a list or a quote. A line with the sign of a style before it isn't affected.
fn blocks(glyphs: &Glyphs, breaks: &mut Breaks, runs: &[Run], is_block: impl Fn(&str) -> bool) {
    for (at, line) in line_starts(glyphs) {
        if is_block(&line) && !runs.iter().any(|run| run.start == at) {
            breaks.add(at);
        }
    }
}

const fn sign(style: Style) -> &'static str {
    match style {
        Style::Strong => "*",
        Style::Emphasis => "_",
        Style::Code => "`",
    }
}

struct Slack;

impl Syntax for Slack {
    fn sign(&self, style: Style) -> &'static str {
        sign(style)
    }

    fn parts_signs(&self) -> bool {
        false
    }

    fn opens_link(&self, out: &mut Out, glyphs: &Glyphs, at: usize) {
        let Some(link) = glyphs.all[at].link.map(|place| &glyphs.links[place]) else {
            return;
        };
        out.markup("<");
        if link.is_address() {
            return;
        }
        for c in link.to.chars() {
            match c {
                '&' => out.markup("&amp;"),
                '|' => out.markup("%7C"),
                other => out.markup(other.encode_utf8(&mut [0; 4])),
            }
        }
        out.markup("|");
    }

    fn closes_link(&self, out: &mut Out, _: &Glyphs, _: usize) {
        out.markup(">");
    }

    fn writes(&self, out: &mut Out, glyphs: &Glyphs, at: usize) {
        match glyphs.all[at].c {
            '&' => out.seen('&', "&amp;"),
            '<' => out.seen('<', "&lt;"),
            '>' => out.seen('>', "&gt;"),
            other => out.plain(other),
        }
    }
}

/// Syntax of channels that link bare addresses only.
struct Bare;

impl Syntax for Bare {
    fn sign(&self, style: Style) -> &'static str {
        sign(style)
    }

    fn parts_signs(&self) -> bool {
        false
    }

    fn opens_link(&self, out: &mut Out, glyphs: &Glyphs, at: usize) {
        out.before_link(glyphs, at);
    }

    fn closes_link(&self, out: &mut Out, glyphs: &Glyphs, at: usize) {
        out.behind_link(glyphs, at);
    }

    fn writes(&self, out: &mut Out, glyphs: &Glyphs, at: usize) {
        out.plain(glyphs.all[at].c);
    }
}
