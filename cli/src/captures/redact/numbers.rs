//! Pseudonyms of numbers: they have the same number of digits, and are on the same side of every number that a rule
//! compares with. So each comparison has the same result. A sum of pseudonyms isn't the pseudonym of the sum.

use super::pseudonyms::Pseudonyms;

/// Numbers of at least this length keep their first digits: in a telephone number, the country code.
const LONG_NUMBER: usize = 10;

/// Number of digits that a long number keeps.
const KEPT_DIGITS: usize = 2;

/// Numbers with more digits are replaced digit by digit.
const MAX_DIGITS: usize = 30;

/// Up to this range, a permutation assigns the pseudonyms, so that each number has one.
const MAX_PERMUTED: u128 = 10_000;

/// Further tries to find a number that isn't in use.
const MAX_TRIES: u32 = 64;

/// A number without its sign: its digits, and the number of digits after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decimal {
    digits: u128,
    scale: usize,
}

impl Decimal {
    /// `None`: it has an exponent or too many digits. It isn't compared with anything here.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('-');
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{}", fraction.trim_end_matches('0'));
        let is_fit = digits.len() <= MAX_DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
        let scale = digits.len().checked_sub(whole.len())?;
        Some(Self { digits: digits.parse().ok().filter(|_| is_fit)?, scale })
    }

    /// The next lower and the next higher number with `scale` digits after the point, both without the point.
    fn neighbours(self, scale: usize) -> Option<(u128, u128)> {
        let power = |n: usize| 10_u128.checked_pow(u32::try_from(n).ok()?);
        if let Some(more) = scale.checked_sub(self.scale) {
            let exact = self.digits.checked_mul(power(more)?)?;
            return Some((exact.saturating_sub(1), exact.checked_add(1)?));
        }
        let divisor = power(self.scale - scale)?;
        Some((self.digits / divisor, self.digits.div_ceil(divisor)))
    }
}

impl Pseudonyms {
    /// Replaces the digits of a text as one number, and keeps the characters between them. The exponent of a JSON
    /// number is kept.
    pub(super) fn number(&mut self, text: &str) -> String {
        let (mantissa, exponent) = text.split_at(text.find(['e', 'E']).unwrap_or(text.len()));
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let fraction = mantissa.trim_start_matches('-').split_once('.');
        let scale = fraction.filter(|(whole, rest)| format!("{whole}{rest}") == digits).map_or(0, |(_, rest)| rest.len());
        let pseudonym = self.digits(&digits, scale);
        let mut new = pseudonym.chars();
        let number: String = mantissa.chars().map(|c| if c.is_ascii_digit() { new.next().unwrap_or(c) } else { c }).collect();
        number + exponent
    }

    /// Replaces a number that consists of digits, the last `scale` of them after its point. Leading zeros and the
    /// number zero are kept.
    pub(super) fn digits(&mut self, digits: &str, scale: usize) -> String {
        let (zeros, significant) = digits.split_at(digits.len() - digits.trim_start_matches('0').len());
        if significant.is_empty() {
            return digits.to_owned();
        }
        let of = format!("number {significant} {scale}");
        let known = self.given.get(&of).cloned();
        let pseudonym = known.unwrap_or_else(|| {
            let pseudonym = self.choose(significant, scale);
            self.taken.insert(pseudonym.clone());
            self.given.insert(of, pseudonym.clone());
            pseudonym
        });
        format!("{zeros}{pseudonym}")
    }

    fn choose(&self, digits: &str, scale: usize) -> String {
        let Some(number) = digits.parse::<u128>().ok().filter(|_| digits.len() <= MAX_DIGITS) else {
            let mut random = self.stream("digits", digits, 0);
            let mut digit = |n: usize, was: char| if n < KEPT_DIGITS { was } else { char::from(b'0' + random() % 10) };
            return digits.chars().enumerate().map(|(n, was)| digit(n, was)).collect();
        };
        let all = alike(digits.len(), number);
        let narrow = self.on_its_side(all, number, scale);
        // If rules allow only this number, the limits of the rules are ignored.
        let (low, high) = if narrow.0 == narrow.1 { all } else { narrow };
        let many = high - low + 1;
        if many <= MAX_PERMUTED {
            return (low + self.permuted(number - low, many, &format!("{low} {high} {scale}"))).to_string();
        }
        let tries = (0..MAX_TRIES).map(|n| {
            let mut random = self.stream("number", digits, n);
            low + u128::from_be_bytes(std::array::from_fn(|_| random())) % many
        });
        let tries: Vec<String> = tries.filter(|new| *new != number).map(|new| new.to_string()).collect();
        tries.iter().find(|new| !self.taken.contains(*new)).or(tries.first()).cloned().unwrap_or_default()
    }

    fn on_its_side(&self, (mut low, mut high): (u128, u128), number: u128, scale: usize) -> (u128, u128) {
        // A number that fits an integer type of a program still fits it.
        let integers = [1 << 63, 1 << 64].map(|least| (least - 1, least));
        for (below, above) in self.bounds.iter().filter_map(|bound| bound.neighbours(scale)).chain(integers) {
            if number >= above {
                low = low.max(above);
            } else if number <= below {
                high = high.min(below);
            }
        }
        (low, high)
    }

    /// Another number of `0..many`, different for each number. Sattolo's algorithm makes a permutation without fixed
    /// points.
    fn permuted(&self, number: u128, many: u128, what: &str) -> u128 {
        let mut random = self.stream("permutation", what, 0);
        let mut all: Vec<u128> = (0..many).collect();
        for n in (1..all.len()).rev() {
            let other = u64::from_be_bytes(std::array::from_fn(|_| random()));
            all.swap(n, usize::try_from(other % n as u64).unwrap_or_default());
        }
        usize::try_from(number).ok().and_then(|n| all.get(n).copied()).unwrap_or(number)
    }
}

/// The least and the greatest number with as many digits. For a long number, the first digits are the same too.
fn alike(length: usize, number: u128) -> (u128, u128) {
    let power = |n: usize| 10_u128.pow(u32::try_from(n).unwrap_or_default());
    if length < LONG_NUMBER {
        return (power(length - 1), power(length) - 1);
    }
    let step = power(length - KEPT_DIGITS);
    let low = number / step * step;
    (low, low + step - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, HashSet};

    fn with(bounds: &[&str]) -> Pseudonyms {
        let bounds: BTreeSet<Decimal> = bounds.iter().map(|bound| Decimal::of(bound).unwrap()).collect();
        Pseudonyms::new(HashSet::new(), bounds).unwrap()
    }

    #[test]
    fn a_telephone_number_is_the_same_however_it_is_written() {
        let mut pseudonyms = with(&[]);
        let plain = pseudonyms.number("491713920012");
        assert!(plain.starts_with("49") && plain.len() == 12 && plain != "491713920012");
        for written in ["+49 171 392-0012", "0049 (171) 3920012"] {
            let digits: String = pseudonyms.number(written).chars().filter(char::is_ascii_digit).collect();
            assert_eq!(digits.trim_start_matches('0'), plain, "{written}");
        }
    }

    #[test]
    fn leading_zeros_sign_and_exponent_stay() {
        let mut pseudonyms = with(&[]);
        for (text, begins) in [("007", "00"), ("-0.0512", "-0.0"), ("-12.50", "-"), ("1", "")] {
            let new = pseudonyms.number(text);
            let zeros = |text: &str| text.trim_start_matches('-').chars().take_while(|c| "0.".contains(*c)).count();
            assert_eq!((zeros(&new), new.len()), (zeros(text), text.len()), "{text}: {new}");
            assert!(new != text && new.starts_with(begins), "{text}: {new}");
        }
        let (large, small) = (pseudonyms.number("1.25e300"), pseudonyms.number("7E-12"));
        assert!(large.ends_with("e300") && small.ends_with("E-12") && large != "1.25e300", "{large} {small}");
        assert!(large.parse::<serde_json::Number>().is_ok());
        assert_eq!(pseudonyms.number("0.00"), "0.00");
    }

    #[test]
    fn a_number_stays_on_the_side_of_every_number_that_a_rule_compares_with() {
        let mut pseudonyms = with(&["5000", "50.0", "7", "2.5", "250"]);
        for number in [1001_u32, 4999, 5001, 9999, 49_999, 123_456, 251, 249, 100] {
            let new: u32 = pseudonyms.number(&number.to_string()).parse().unwrap();
            for bound in [7, 50, 250, 5000] {
                assert_eq!(new.cmp(&bound), number.cmp(&bound), "{number}: {new}, {bound}");
            }
            assert_ne!(new, number);
        }
        for number in ["49.90", "50.01", "2.51", "2.49", "7.01", "49.99"] {
            let new = pseudonyms.number(number);
            for bound in [2.5_f64, 7.0, 50.0] {
                let side = |text: &str| text.parse::<f64>().unwrap().total_cmp(&bound);
                assert_eq!(side(&new), side(number), "{number}: {new}, {bound}");
            }
        }
    }

    #[test]
    fn an_integer_still_fits_its_type() {
        let mut pseudonyms = with(&[]);
        for text in ["9223372036854775807", "9199999999999999999", "18446744073709551615"] {
            let new = pseudonyms.number(text);
            assert_eq!(new.parse::<i64>().is_ok(), text.parse::<i64>().is_ok(), "{text}: {new}");
            assert!(new.parse::<u64>().is_ok() && new != text, "{text}: {new}");
        }
        assert_eq!(pseudonyms.number(&"9".repeat(60)).len(), 60);
    }
}
