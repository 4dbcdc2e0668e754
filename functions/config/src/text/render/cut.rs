//! Cuts a text that exceeds its channel's limit at a word, with a mark.

use super::glyphs::{Glyph, Glyphs, Source, Styles};
use super::gsm;
use super::out::Out;
use super::{Limit, Write};
use crate::limits::MAX_EXACT_VALUE_CHARS;
use std::collections::BTreeSet;
use unicode_segmentation::UnicodeSegmentation;

/// The part that fits, and whether the text was cut.
pub(super) fn fit(glyphs: &Glyphs, limit: &Limit, write: Write) -> (Out, bool) {
    // Each character takes at least one unit on every channel.
    let all = (glyphs.all.len() <= limit.units).then(|| write(glyphs));
    if let Some(all) = all.filter(|all| limit.takes(all)) {
        return (all, false);
    }
    let exact = exact(glyphs);
    let glyphs = &glyphs.beginning(limit.units + 1);
    let places = Places::of(glyphs, &exact, limit);
    let graphemes = best(glyphs, &places.graphemes, limit, write);
    let words = best(glyphs, &places.words, limit, write);
    match (words, graphemes) {
        // A long word, or a script without spaces.
        (Some((word, _)), Some((grapheme, out))) if word < grapheme / 2 => (out, true),
        (Some((_, out)), _) | (None, Some((_, out))) => (out, true),
        (None, None) => (write(&cut(glyphs, 0, limit)), true),
    }
}

/// Positions where a text can be cut: none inside a link or exact data.
struct Places {
    words: Vec<usize>,
    graphemes: Vec<usize>,
}

impl Places {
    fn of(glyphs: &Glyphs, exact: &BTreeSet<usize>, limit: &Limit) -> Self {
        let end = glyphs.all.len().min(limit.units);
        let is_free = |at: usize| match (glyphs.all.get(at.wrapping_sub(1)), glyphs.all.get(at)) {
            (Some(before), Some(after)) => {
                let in_link = before.link.is_some() && before.link == after.link;
                let in_data = before.whole.is_some_and(|value| exact.contains(&value)) && before.whole == after.whole;
                !in_link && !in_data
            }
            (None, _) | (_, None) => true,
        };
        let mut graphemes = vec![];
        let mut at = 0;
        for grapheme in glyphs.text(0, end).graphemes(true) {
            at += grapheme.chars().count();
            if is_free(at) {
                graphemes.push(at);
            }
        }
        let is_edge = |at: usize| glyphs.c(at).is_none_or(char::is_whitespace) || glyphs.all[at].link != glyphs.all[at - 1].link;
        let words = graphemes.iter().copied().filter(|at| is_edge(*at)).collect();
        Self { words, graphemes }
    }
}

/// The values that are shown whole or not at all: a number, a code, an address, or anything short. A longer value with
/// spaces or letters of any other script than ASCII is what somebody wrote, whatever its field is called.
fn exact(glyphs: &Glyphs) -> BTreeSet<usize> {
    let is_exact = |value: &[Glyph]| value.len() <= MAX_EXACT_VALUE_CHARS || value.iter().all(|glyph| glyph.c.is_ascii_graphic());
    let values = glyphs.all.chunk_by(|one, next| one.whole == next.whole);
    values.filter(|value| is_exact(value)).filter_map(|value| value[0].whole).collect()
}

/// The last position at which the text fits. The length nearly always grows with the position, so the result of the
/// binary search is checked again.
fn best(glyphs: &Glyphs, places: &[usize], limit: &Limit, write: Write) -> Option<(usize, Out)> {
    let fits = |at: usize| Some(write(&cut(glyphs, at, limit))).filter(|out| limit.takes(out));
    let first_too_long = places.partition_point(|at| fits(*at).is_some());
    places[..first_too_long].iter().rev().find_map(|at| Some((*at, fits(*at)?)))
}

/// The text up to a position, and the mark.
fn cut(glyphs: &Glyphs, at: usize, limit: &Limit) -> Glyphs {
    let mut kept = glyphs.beginning(at);
    while kept.all.pop_if(|glyph| glyph.c.is_whitespace()).is_some() {}
    let is_gsm = limit.alphabet_counts && gsm::is_gsm(&kept.text(0, kept.all.len()));
    let ends_link = kept.all.last().is_some_and(|glyph| glyph.link.is_some());
    let mark = if is_gsm { "..." } else { "…" };
    for c in ends_link.then_some(' ').into_iter().chain(mark.chars()) {
        kept.all.push(Glyph { c, source: Source::Words, styles: Styles::NONE, link: None, whole: None });
    }
    kept
}
