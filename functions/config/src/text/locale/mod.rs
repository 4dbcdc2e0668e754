//! How a language writes numbers, money, dates and plurals.
//!
//! Promises: every given digit is printed, and no other; the output follows Unicode's CLDR, with Latin digits and the
//! Gregorian calendar. Never: a float, a panic, a download, work before the first text that needs it. An unknown
//! language is `None`, and so is a number that is too long ([`Decimal::parse`]): the caller then shows the received
//! text.
//!
//! The data is `cldr.txt`, made by `tests/locale/run` ([decision 43](../../../../../docs/decisions/0043-languages.md)).

mod data;
mod date;
mod decimal;
mod money;
mod number;
mod plural;
#[cfg(test)]
mod tests;

pub use date::DateStyle;
pub use decimal::Decimal;
pub use money::Currency;
pub use plural::PluralCategory;

use std::fmt;

/// A language, with a region if the region differs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Locale(data::Block);

impl Locale {
    /// Finds a locale by a tag as people, phones and platforms write it: `de`, `de-AT`, `de_AT`, `zh-Hant-HK`,
    /// `pt-br`, `en_US.UTF-8`. A region without differences is dropped: `de-DE` is `de`. `None`: the language or the
    /// script is unknown.
    pub fn named(tag: &str) -> Option<Self> {
        let tag = Tag::parse(tag)?;
        let Tag { language, script, region } = &tag;
        let both = script.as_ref().zip(region.as_ref());
        let candidates = [
            both.map(|(script, region)| format!("{language}-{script}-{region}")),
            region.as_ref().map(|region| format!("{language}-{region}")),
            script.as_ref().map(|script| format!("{language}-{script}")),
            Some(language.clone()),
        ];
        let found = candidates.into_iter().flatten().filter_map(|name| data::find(&name)).map(Self);
        let mut written_so = found.filter(|locale| script.as_ref().is_none_or(|script| locale.line("script") == script));
        written_so.next()
    }

    /// Its tag in our data.
    pub fn tag(self) -> &'static str {
        self.0.tag
    }

    /// Every language, and every region that differs from its language.
    #[cfg(test)]
    fn all() -> impl Iterator<Item = Self> {
        data::all().map(Self)
    }

    fn line(self, key: &str) -> &'static str {
        self.0.line(key).unwrap_or_default()
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Locale").field(&self.0.tag).finish()
    }
}

/// The parts of a BCP 47 tag that matter here, in their usual case.
struct Tag {
    language: String,
    script: Option<String>,
    region: Option<String>,
}

impl Tag {
    fn parse(text: &str) -> Option<Self> {
        // POSIX adds a character set and a variant.
        let text = text.split(['.', '@']).next()?;
        let mut parts = text.split(['-', '_']);
        let language = parts.next().filter(|part| matches!(part.len(), 2 | 3) && letters(part))?;
        let mut tag = Self { language: language.to_ascii_lowercase(), script: None, region: None };
        // A part of one letter begins an extension, which doesn't matter here.
        for part in parts.take_while(|part| part.len() > 1) {
            match part.len() {
                4 if letters(part) && tag.script.is_none() && tag.region.is_none() => tag.script = Some(title(part)),
                2 if letters(part) && tag.region.is_none() => tag.region = Some(part.to_ascii_uppercase()),
                3 if part.bytes().all(|byte| byte.is_ascii_digit()) && tag.region.is_none() => tag.region = Some(part.to_owned()),
                _ => {}
            }
        }
        Some(tag)
    }
}

fn letters(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn title(part: &str) -> String {
    let mut title = part.to_ascii_lowercase();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}
