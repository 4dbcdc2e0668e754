//! Telegram's MarkdownV2: <https://core.telegram.org/bots/api#markdownv2-style>.
//!
//! Every sign of its markup can be escaped, everywhere. Telegram finds mentions, addresses, hashtags and commands
//! after it removes the escapes, so only an invisible character prevents them.

use super::address;
use super::breaks::Breaks;
use super::glyphs::{Glyphs, Link};
use super::nested::{Syntax, write};
use super::out::Out;
use crate::text::span::Style;

/// Escaped outside code and addresses, including the backslash itself.
const SIGNS: &str = "_*[]()~`>#+-=|{}.!\\";

pub(super) fn telegram(glyphs: &Glyphs) -> Out {
    // Telegram accepts inline links to the web, and finds mail addresses and phone numbers itself.
    let glyphs = glyphs.written_out(|link, _| address::is_url(&link.to));
    let mut breaks = Breaks::none(&glyphs);
    breaks.links(&glyphs);
    breaks.mentions(&glyphs);
    breaks.signs(&glyphs, "#/$");
    write(&glyphs, &breaks, &MarkdownV2)
}

struct MarkdownV2;

impl Syntax for MarkdownV2 {
    fn opens(&self, style: Style) -> &'static str {
        match style {
            Style::Strong => "*",
            Style::Emphasis => "_",
            Style::Code => "`",
        }
    }

    fn closes(&self, style: Style) -> &'static str {
        self.opens(style)
    }

    fn opens_link(&self, _: &Link) -> String {
        "[".to_owned()
    }

    fn closes_link(&self, link: &Link) -> String {
        format!("]({})", escaped(&link.to, ")\\"))
    }

    fn writes(&self, out: &mut Out, glyphs: &Glyphs, at: usize) {
        let glyph = &glyphs.all[at];
        let signs = if glyph.styles.has(Style::Code) { "`\\" } else { SIGNS };
        let mut utf8 = [0; 4];
        out.seen(glyph.c, &escaped(glyph.c.encode_utf8(&mut utf8), signs));
    }

    fn styles_code(&self) -> bool {
        false
    }
}

pub(super) fn escaped(text: &str, signs: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if signs.contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
