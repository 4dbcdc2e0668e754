//! Channels without markup: SMS, and whatever isn't known.

use super::breaks::Breaks;
use super::glyphs::Glyphs;
use super::out::Out;

/// Nothing is known of who reads it: nothing is added.
pub(super) fn unknown(glyphs: &Glyphs) -> Out {
    let mut out = Out::default();
    for glyph in glyphs.written_out(|_, _| false).all {
        out.plain(glyph.c);
    }
    out
}

/// Telephones make links of addresses. A character that breaks one costs the message its GSM-7 alphabet, so it stands only there.
pub(super) fn sms(glyphs: &Glyphs) -> Out {
    let mut glyphs = glyphs.written_out(|_, _| false);
    glyphs.keep_code(&[]);
    let mut breaks = Breaks::none(&glyphs);
    breaks.links(&glyphs);
    let mut out = Out::default();
    let link = |at: usize| glyphs.all.get(at).and_then(|glyph| glyph.link);
    for (at, glyph) in glyphs.all.iter().enumerate() {
        let before = at.checked_sub(1).and_then(link);
        if before.is_some() && before != link(at) {
            out.behind_link(&glyphs, at);
        }
        if link(at).is_some() && before != link(at) {
            out.before_link(&glyphs, at);
        }
        out.joiner(&breaks, at);
        out.plain(glyph.c);
    }
    out
}
