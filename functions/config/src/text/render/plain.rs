//! Channels without markup: SMS, and unknown channels.

use super::breaks::Breaks;
use super::glyphs::Glyphs;
use super::out::Out;

/// The reader's client is unknown, so nothing is added.
pub(super) fn unknown(glyphs: &Glyphs) -> Out {
    let mut out = Out::default();
    for glyph in glyphs.written_out(|_, _| false).all {
        out.plain(glyph.c);
    }
    out
}

/// Phones link addresses, and so do the clients of other channels that take no markup. A character that breaks a link forces the message out of the GSM-7 alphabet, so it is
/// inserted only there.
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
