//! Selects the form of a word for a number, by CLDR's cardinal rules: `v = 0 and i % 10 = 2..4 and i % 100 != 12..14`.

use super::{Decimal, Locale};
use crate::words;

words! {
    /// The plural forms that languages have. Each language has `other`; Polish has one, few, many and other.
    PluralCategory {
        Zero = "zero",
        One = "one",
        Two = "two",
        Few = "few",
        Many = "many",
        Other = "other",
    }
}

impl Locale {
    /// The form for a number as written: `1` and `1.0` differ in English. The sign is ignored.
    pub fn plural(&self, number: &Decimal) -> PluralCategory {
        let matching = |category: &&PluralCategory| self.rule(**category).is_some_and(|rule| matches(rule, *number));
        PluralCategory::ALL.iter().find(matching).copied().unwrap_or(PluralCategory::Other)
    }

    /// The forms that the language has: a text needs words for each.
    pub fn plurals(self) -> impl Iterator<Item = PluralCategory> {
        let all = PluralCategory::ALL.iter().copied();
        all.filter(move |category| *category == PluralCategory::Other || self.rule(*category).is_some())
    }

    fn rule(self, category: PluralCategory) -> Option<&'static str> {
        self.0.line(&format!("plural-{category}"))
    }
}

fn matches(rule: &str, number: Decimal) -> bool {
    rule.split(" or ").any(|all| all.split(" and ").all(|relation| holds(relation, number).unwrap_or(false)))
}

/// Evaluates one relation: an operand, optionally its remainder, and a list of values. `None`: the relation is unknown.
pub(super) fn holds(relation: &str, number: Decimal) -> Option<bool> {
    let mut words = relation.split_whitespace();
    let operand = operand(words.next()?, number)?;
    let (remainder, is) = match words.next()? {
        "%" => (Some(words.next()?.parse().ok()?), words.next()?),
        is => (None, is),
    };
    let value = operand.and_then(|value| remainder.map_or(Some(value), |by| value.checked_rem(by)));
    let among = words.next()?.split(',').any(|range| value.is_some_and(|value| within(range, value)));
    match is {
        "=" => Some(among),
        "!=" => Some(!among),
        _ => None,
    }
}

/// An operand's value. The inner `None`: the value isn't whole, so it is in no list.
fn operand(name: &str, number: Decimal) -> Option<Option<u128>> {
    let (fraction, decimals) = number.fraction();
    let value = match name {
        "n" if fraction != 0 => return Some(None),
        "n" | "i" => number.whole(),
        // The written decimals: their count and their value.
        "v" => u128::try_from(decimals).ok()?,
        "f" => fraction,
        // The same without trailing zeros.
        "w" => u128::try_from(number.fraction_digits().trim_end_matches('0').len()).ok()?,
        "t" => number.fraction_digits().trim_end_matches('0').parse().unwrap_or(0),
        // The exponent of a number such as `2 million`: we write all digits.
        "c" | "e" => 0,
        _ => return None,
    };
    Some(Some(value))
}

fn within(range: &str, value: u128) -> bool {
    let (from, to) = range.split_once("..").unwrap_or((range, range));
    let bound = |text: &str| text.parse::<u128>().ok();
    bound(from).zip(bound(to)).is_some_and(|(from, to)| (from..=to).contains(&value))
}
