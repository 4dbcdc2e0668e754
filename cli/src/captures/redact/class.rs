//! What stays of a character when it is replaced: whatever makes a text fail by a length, a script, a width or a direction.

use icu_properties::CodePointMapData;
use icu_properties::props::{BidiClass, EastAsianWidth, GeneralCategory, Script};

/// Two characters of one class take as many bytes and columns, are of one script and direction, and are both letters, digits,
/// capitals or small letters.
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

/// Characters that stand together in Unicode, among which another one is looked for; then among more.
const NEIGHBOURS: [u32; 2] = [128, 8_192];

/// Another character of its class. Where there is none nearby, it is the only one of its class, and stays.
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

/// Whether it is the same again, and as long, when it was written in the other case in between.
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
