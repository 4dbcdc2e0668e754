//! Invisible characters that keep a text from becoming a link, a mention or an emoji. Links are broken in prose only:
//! an address in the author's words or in data arrives unchanged.

use super::glyphs::{Glyphs, Source, Styles};

/// A word joiner without width. No channel continues markup, a mention or an address across it.
pub(super) const JOINER: char = '\u{2060}';

/// A zero-width space, which ends a word. No address continues across it.
pub(super) const END: char = '\u{200B}';

/// The positions before which a [`JOINER`] is inserted.
#[derive(Debug)]
pub(super) struct Breaks(Vec<bool>);

impl Breaks {
    pub(super) fn none(glyphs: &Glyphs) -> Self {
        Self(vec![false; glyphs.all.len() + 1])
    }

    pub(super) fn at(&self, at: usize) -> bool {
        self.0.get(at).copied().unwrap_or(false)
    }

    pub(super) fn add(&mut self, at: usize) {
        if let Some(place) = self.0.get_mut(at) {
            *place = true;
        }
    }

    /// Breaks links that clients detect: `https://…`, `evil.example/x`, `mailto:…`, `somebody@evil.example`.
    pub(super) fn links(&mut self, glyphs: &Glyphs) {
        let is_prose = prose_words(glyphs);
        for (at, glyph) in glyphs.all.iter().enumerate().filter(|(_, glyph)| glyph.link.is_none()) {
            match glyph.c {
                '.' if is_prose[at] && (is_domain(glyphs, at) || is_number(glyphs, at)) => {
                    self.add(at + 1);
                }
                ':' if is_scheme(glyphs, at) => self.add(at + 1),
                _ => {}
            }
        }
    }

    /// Breaks `@somebody`, unless it is in the middle of a word, as in a mail address.
    pub(super) fn mentions(&mut self, glyphs: &Glyphs) {
        for (at, _) in glyphs.all.iter().enumerate().filter(|(_, glyph)| glyph.c == '@' && glyph.link.is_none()) {
            if !glyphs.before(at).is_some_and(char::is_alphanumeric) && glyphs.c(at + 1).is_some_and(is_word) {
                self.add(at + 1);
            }
        }
    }

    /// Breaks signs in prose that turn the next word into a link: `#channel`, `/command`, `$USD`.
    pub(super) fn signs(&mut self, glyphs: &Glyphs, signs: &str) {
        for (at, glyph) in glyphs.all.iter().enumerate().filter(|(_, glyph)| signs.contains(glyph.c) && glyph.link.is_none()) {
            let starts = !glyphs.before(at).is_some_and(|c| c.is_alphanumeric() || (c == '/' && glyph.c == '/'));
            let mut name = glyphs.all[at + 1..].iter().map(|glyph| glyph.c).take_while(|c| is_word(*c));
            let is_name = match glyph.c {
                // `#` before a number is common in texts.
                '#' => name.any(char::is_alphabetic),
                '$' => name.next().is_some_and(|c| c.is_ascii_uppercase()),
                _ => name.next().is_some_and(|c| c.is_ascii()),
            };
            if starts && is_name && glyphs.has_prose(at, at + 2) {
                self.add(at + 1);
            }
        }
    }

    /// Breaks `:smile:`.
    pub(super) fn emoji(&mut self, glyphs: &Glyphs) {
        for at in 0..glyphs.all.len() {
            if is_emoji(glyphs, at) {
                self.add(at + 1);
            }
        }
    }
}

/// The characters of words that contain prose.
fn prose_words(glyphs: &Glyphs) -> Vec<bool> {
    let mut words = Vec::with_capacity(glyphs.all.len());
    for word in glyphs.all.split_inclusive(|glyph| glyph.c.is_whitespace() || glyph.link.is_some()) {
        let is_prose = word.iter().any(|glyph| glyph.source == Source::Prose && !glyph.c.is_whitespace());
        words.extend(word.iter().map(|_| is_prose));
    }
    words
}

/// Whether a name is between colons here. Hours and minutes aren't names: except for two, emoji names contain a letter.
pub(super) fn is_emoji(glyphs: &Glyphs, at: usize) -> bool {
    if glyphs.c(at) != Some(':') || glyphs.is_linked(at) {
        return false;
    }
    let is_name = |c: char| c.is_alphanumeric() || "_+-'".contains(c);
    let name: String = glyphs.all[at + 1..].iter().map(|glyph| glyph.c).take_while(|c| is_name(*c)).collect();
    let is_one = name == "100" || name == "1234" || name.contains(|c: char| c.is_alphabetic() || "+-".contains(c));
    is_one && glyphs.c(at + 1 + name.chars().count()) == Some(':')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a dot is between a label and a possible top-level domain.
fn is_domain(glyphs: &Glyphs, dot: usize) -> bool {
    // The sign of a style counts as a label too.
    let is_styled =
        |at: usize| at == 0 || glyphs.all[at - 1].styles != glyphs.all[at].styles || glyphs.all[at - 1].c.is_whitespace();
    (glyphs.before(dot).is_some_and(|c| is_word(c) || c == '-') || (is_styled(dot) && glyphs.all[dot].styles != Styles::NONE))
        && glyphs.c(dot + 1).is_some_and(char::is_alphabetic)
        && glyphs.c(dot + 2).is_some_and(|c| c.is_alphanumeric() || c == '-')
}

/// The first dot of an IPv4 address.
fn is_number(glyphs: &Glyphs, dot: usize) -> bool {
    let from = dot - glyphs.all[..dot].iter().rev().take_while(|glyph| glyph.c.is_ascii_digit()).count();
    let quad: String =
        glyphs.all[from..].iter().map(|glyph| glyph.c).take_while(|c| c.is_ascii_digit() || *c == '.').take(16).collect();
    let parts: Vec<_> = quad.trim_end_matches('.').split('.').collect();
    glyphs.before(from) != Some('.') && parts.len() == 4 && parts.iter().all(|part| (1..=3).contains(&part.len()))
}

/// Whether a colon makes an address of its neighbours.
fn is_scheme(glyphs: &Glyphs, colon: usize) -> bool {
    let from = colon
        - glyphs.all[..colon].iter().rev().take_while(|glyph| glyph.c.is_ascii_alphanumeric() && glyph.link.is_none()).count();
    let scheme = glyphs.text(from, colon).to_ascii_lowercase();
    if glyphs.reads(colon, "://") && glyphs.c(colon + 3).is_some_and(|c| !c.is_whitespace()) {
        // Data is a link only if all of it is an address.
        let is_web = || scheme.ends_with("http") || scheme.ends_with("https");
        let is_data = || {
            glyphs.all[from..colon]
                .iter()
                .any(|glyph| glyph.source == Source::Data && !glyph.styles.has(crate::text::Style::Code))
        };
        return glyphs.has_prose(from, colon + 4) || (is_web() && is_data());
    }
    ["mailto", "tel", "sms"].iter().any(|known| scheme.ends_with(known))
        && glyphs.c(colon + 1).is_some_and(|c| !c.is_whitespace())
        && glyphs.has_prose(from, colon + 2)
}
