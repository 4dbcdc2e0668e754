//! Rendering for channels whose markup nests and whose escapes always work: Telegram, HTML.

use super::breaks::Breaks;
use super::glyphs::{Glyphs, Link};
use super::out::Out;
use crate::text::span::Style;

/// How a channel writes.
pub(super) trait Syntax {
    fn opens(&self, style: Style) -> &'static str;
    fn closes(&self, style: Style) -> &'static str;
    fn opens_link(&self, link: &Link) -> String;
    fn closes_link(&self, link: &Link) -> String;
    /// Writes the character at this position.
    fn writes(&self, out: &mut Out, glyphs: &Glyphs, at: usize);
    /// Whether code may contain other styles.
    fn styles_code(&self) -> bool;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Link(usize),
    Style(Style),
}

pub(super) fn write(glyphs: &Glyphs, breaks: &Breaks, syntax: &impl Syntax) -> Out {
    let mut out = Out::default();
    let mut open: Vec<Element> = vec![];
    for at in 0..=glyphs.all.len() {
        let wanted = elements(glyphs, at, syntax.styles_code());
        let is_wanted = |element: &Element| wanted.contains(element);
        // A link encloses its styles; no style continues across its edge.
        let link_changes =
            wanted.iter().chain(&open).any(|e| matches!(e, Element::Link(_)) && !(open.contains(e) && is_wanted(e)));
        let kept = if link_changes { 0 } else { open.iter().take_while(|element| is_wanted(element)).count() };
        for element in open.drain(kept..).rev() {
            match element {
                Element::Style(style) => out.markup(syntax.closes(style)),
                Element::Link(place) => out.markup(&syntax.closes_link(&glyphs.links[place])),
            }
        }
        out.joiner(breaks, at);
        for element in wanted {
            if open.contains(&element) {
                continue;
            }
            match element {
                Element::Style(style) => out.markup(syntax.opens(style)),
                Element::Link(place) => out.markup(&syntax.opens_link(&glyphs.links[place])),
            }
            open.push(element);
        }
        if at < glyphs.all.len() {
            syntax.writes(&mut out, glyphs, at);
        }
    }
    out
}

/// The elements around this position, from the outside to the inside.
fn elements(glyphs: &Glyphs, at: usize, styles_code: bool) -> Vec<Element> {
    let Some(glyph) = glyphs.all.get(at) else {
        return vec![];
    };
    let is_alone = glyph.styles.has(Style::Code) && !styles_code;
    let styles = [Style::Strong, Style::Emphasis, Style::Code].into_iter().filter(|style| glyph.styles.has(*style));
    let styles = styles.filter(|style| !is_alone || *style == Style::Code);
    glyph.link.map(Element::Link).into_iter().chain(styles.map(Element::Style)).collect()
}
