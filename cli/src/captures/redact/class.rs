//! Properties of a character that its replacement keeps: those that make a text fail by length, script, width or
//! direction.

use icu_properties::CodePointMapData;
use icu_properties::props::{BidiClass, EastAsianWidth, GeneralCategory, Script};

/// Two characters of one class have the same number of bytes and columns, the same script and direction, and the same
/// kind: letter, digit, capital or small letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    bytes: usize,
    category: GeneralCategory,
    script: Script,
    direction: BidiClass,
    is_wide: bool,
    is_uppercase: bool,
    is_lowercase: bool,
}

impl Class {
    pub(super) fn of(c: char) -> Self {
        Self {
            bytes: c.len_utf8(),
            category: CodePointMapData::<GeneralCategory>::new().get(c),
            script: CodePointMapData::<Script>::new().get(c),
            direction: CodePointMapData::<BidiClass>::new().get(c),
            is_wide: [EastAsianWidth::Wide, EastAsianWidth::Fullwidth]
                .contains(&CodePointMapData::<EastAsianWidth>::new().get(c)),
            is_uppercase: c.is_uppercase(),
            is_lowercase: c.is_lowercase(),
        }
    }
}

/// Sizes of the Unicode ranges in which another character is searched: first the smaller range, then the larger.
const NEIGHBOURS: [u32; 2] = [128, 8_192];

/// Another character of the same class. A character without one in its range is returned unchanged.
pub(super) fn of_its_class(c: char, random: u8) -> char {
    let class = Class::of(c);
    let alike = |many: u32| -> Vec<char> {
        let first = u32::from(c) / many * many;
        let neighbours = (first..first + many).filter_map(char::from_u32);
        neighbours.filter(|other| *other != c && Class::of(*other) == class && has_one_case_back(*other)).collect()
    };
    let alike = NEIGHBOURS.into_iter().map(alike).find(|alike| !alike.is_empty()).unwrap_or_default();
    if alike.is_empty() { c } else { alike[usize::from(random) % alike.len()] }
}

/// Whether a conversion to the other case and back returns the same character, with the same length.
fn has_one_case_back(c: char) -> bool {
    let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
    let mut upper = c.to_uppercase();
    upper.len() == 1
        && upper
            .next()
            .is_some_and(|upper| upper.len_utf8() == c.len_utf8() && (upper == c || lower(upper) == c || lower(c) != c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_another_of_its_class_or_is_the_only_one() {
        let (mut all, mut alone) = (0, Vec::new());
        for c in ('\u{80}'..=char::MAX).filter(|c| c.is_alphanumeric() && (*c < '\u{3000}' || u32::from(*c) % 97 == 0)) {
            let other = of_its_class(c, 77);
            assert_eq!(Class::of(other), Class::of(c), "{c:?} {other:?}");
            all += 1;
            alone.extend((other == c).then_some(c));
        }
        assert!(alone.len() * 50 < all, "{} of {all} stay: {alone:?}", alone.len());
    }
}
