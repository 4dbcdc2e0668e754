//! HTML, for the web and for mail: <https://html.spec.whatwg.org/multipage/syntax.html>.
//!
//! A browser doesn't link addresses in a text; a mail client does.

use super::breaks::Breaks;
use super::glyphs::{Glyphs, Link};
use super::nested::{Syntax, write};
use super::out::Out;
use crate::text::span::Style;

pub(super) fn web(glyphs: &Glyphs) -> Out {
    write(glyphs, &Breaks::none(glyphs), &Html)
}

pub(super) fn email(glyphs: &Glyphs) -> Out {
    let mut breaks = Breaks::none(glyphs);
    breaks.links(glyphs);
    write(glyphs, &breaks, &Html)
}

struct Html;

impl Syntax for Html {
    fn opens(&self, style: Style) -> &'static str {
        match style {
            Style::Strong => "<strong>",
            Style::Emphasis => "<em>",
            Style::Code => "<code>",
        }
    }

    fn closes(&self, style: Style) -> &'static str {
        match style {
            Style::Strong => "</strong>",
            Style::Emphasis => "</em>",
            Style::Code => "</code>",
        }
    }

    fn opens_link(&self, link: &Link) -> String {
        let to: String = link.to.chars().map(|c| entity(c).map_or_else(|| c.to_string(), str::to_owned)).collect();
        format!("<a href=\"{to}\" rel=\"noopener nofollow\">")
    }

    fn closes_link(&self, _: &Link) -> String {
        "</a>".to_owned()
    }

    fn writes(&self, out: &mut Out, glyphs: &Glyphs, at: usize) {
        let c = glyphs.all[at].c;
        match (c, glyphs.before(at)) {
            ('\n', _) => out.seen(c, "<br>"),
            // A browser shows one of several spaces, and none at a line's start.
            (' ', None | Some('\n' | ' ')) => out.seen(c, "&nbsp;"),
            _ => match entity(c) {
                Some(entity) => out.seen(c, entity),
                None => out.plain(c),
            },
        }
    }

    fn styles_code(&self) -> bool {
        true
    }
}

const fn entity(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    }
}
