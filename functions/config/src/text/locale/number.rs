//! Numbers, by CLDR's patterns: `#,##0.###`, `¤#,##0.00;¤-#,##0.00`.

use super::{Decimal, Locale};

impl Locale {
    /// A number with every decimal that it was written with, and the language's separators.
    pub fn number(&self, number: &Decimal) -> String {
        let pattern = Pattern::read(self.line("number"));
        let marks = Marks { decimal: self.line("decimal"), group: self.line("group"), minimum: self.min_grouping() };
        let (before, after) = pattern.around(number.is_negative());
        let digits = pattern.digits(&number.whole().to_string(), &number.fraction_digits(), &marks);
        let minus = self.line("minus");
        format!("{}{digits}{}", before.replace('-', minus), after.replace('-', minus))
    }

    /// The fewest digits before the first group separator, if digits are grouped: 2 in Spanish, which writes 1234 and 12.345.
    pub(super) fn min_grouping(self) -> usize {
        self.line("min-grouping").parse().unwrap_or(1)
    }
}

pub(super) struct Marks {
    pub(super) decimal: &'static str,
    pub(super) group: &'static str,
    pub(super) minimum: usize,
}

/// The affixes of positive and negative numbers, and the grouping of digits.
pub(super) struct Pattern {
    positive: (&'static str, &'static str),
    negative: Option<(&'static str, &'static str)>,
    first_group: usize,
    next_groups: usize,
}

impl Pattern {
    pub(super) fn read(pattern: &'static str) -> Self {
        let (positive, negative) =
            pattern.split_once(';').map_or((pattern, None), |(positive, negative)| (positive, Some(negative)));
        let (before, digits, after) = parted(positive);
        let mut groups = digits.split('.').next().unwrap_or_default().rsplit(',').map(str::len);
        let first_group = groups.next().unwrap_or(3);
        // The last piece is the rest after the groups: `#,##0` has one group, `#,##,##0` two.
        let next_groups = groups.next().filter(|_| groups.next().is_some()).unwrap_or(first_group);
        let negative = negative.map(|negative| {
            let (before, _, after) = parted(negative);
            (before, after)
        });
        Self { positive: (before, after), negative, first_group, next_groups }
    }

    /// The texts before and after the digits. `-` stands for the minus sign.
    pub(super) fn around(&self, negative: bool) -> (String, String) {
        let (before, after) = self.positive;
        match (negative, self.negative) {
            (false, _) => (before.to_owned(), after.to_owned()),
            (true, Some((before, after))) => (before.to_owned(), after.to_owned()),
            (true, None) => (format!("-{before}"), after.to_owned()),
        }
    }

    pub(super) fn digits(&self, whole: &str, fraction: &str, marks: &Marks) -> String {
        let mut text = String::with_capacity(whole.len() * 2 + fraction.len());
        let grouped = whole.len() >= self.first_group.saturating_add(marks.minimum);
        for (at, digit) in whole.chars().enumerate() {
            let left = whole.len().saturating_sub(at);
            if at > 0 && grouped && self.starts_a_group(left) {
                text.push_str(marks.group);
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push_str(marks.decimal);
            text.push_str(fraction);
        }
        text
    }

    fn starts_a_group(&self, left: usize) -> bool {
        left.checked_sub(self.first_group).is_some_and(|beyond| beyond.checked_rem(self.next_groups) == Some(0))
    }
}

/// The text before the digits, the digits, and the text after them.
fn parted(pattern: &'static str) -> (&'static str, &'static str, &'static str) {
    let digits = ['#', '0'];
    let start = pattern.find(digits).unwrap_or_default();
    let end = pattern.rfind(digits).map_or(start, |last| last.saturating_add(1));
    let part = |range: std::ops::Range<usize>| pattern.get(range).unwrap_or_default();
    (part(0..start), part(start..end), part(end..pattern.len()))
}
