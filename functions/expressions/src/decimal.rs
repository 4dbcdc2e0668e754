//! Decimal numbers as written, independent of their type. Used to compare numbers and to decide whether they are whole.
//!
//! The digits are never converted to another number, so none is lost.

use std::cmp::Ordering;

/// From this value on (2^53), a double may stand for several whole numbers.
const DOUBLES_ARE_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A decimal number with the value `0.d₁d₂d₃… · 10^exponent`. Its first and last digits aren't 0. Zero has no digits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    exponent: i64,
    digits: Vec<u8>,
}

/// The digits of a whole number in any notation: `2` for `2`, `2.0`, `20e-1`. `None`: it has a fraction or more than
/// `most` digits, or isn't a number.
pub fn whole(text: &str, most: usize) -> Option<String> {
    Decimal::read(text)?.whole(most)
}

impl Decimal {
    /// Parses JSON's notation. `None`: it isn't a number.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, fraction)| (whole, Some(fraction)));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let power_digits = power.strip_prefix(['+', '-']).unwrap_or(power);
        if !are_digits(whole) || !fraction.is_none_or(are_digits) || !are_digits(power_digits) {
            return None;
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.unwrap_or_default().bytes()).collect();
        // An exponent beyond 64 bits is beyond every other number.
        let power = power.strip_prefix('+').unwrap_or(power);
        let power = power.parse().unwrap_or(if power.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 });
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..zeros);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
        let zero = digits.is_empty();
        Some(Self { negative: negative && !zero, exponent: if zero { 0 } else { point.saturating_add(power) }, digits })
    }

    /// The shortest decimal number whose nearest double is this one, which is how it was written. If doubles are
    /// further apart than whole numbers: the double's exact value. `None`: it isn't finite.
    pub(super) fn of(double: f64) -> Option<Self> {
        match double.is_finite() {
            true if double.abs() < DOUBLES_ARE_WHOLE => Self::read(&format!("{double:e}")),
            true => Self::read(&format!("{double:.0}")),
            false => None,
        }
    }

    /// Its digits with the sign. `None`: it has a fraction, or more than `most` digits.
    pub(super) fn whole(&self, most: usize) -> Option<String> {
        if self.digits.is_empty() {
            return Some("0".to_owned());
        }
        let length = usize::try_from(self.exponent).ok().filter(|length| (self.digits.len()..=most).contains(length))?;
        let digits = self.digits.iter().map(|digit| char::from(*digit)).chain(std::iter::repeat('0')).take(length);
        Some(self.negative.then_some('-').into_iter().chain(digits).collect())
    }

    /// Compares without the sign.
    fn size(&self, other: &Self) -> Ordering {
        let zeros = (!self.digits.is_empty()).cmp(&!other.digits.is_empty());
        zeros.then(self.exponent.cmp(&other.exponent)).then_with(|| self.digits.cmp(&other.digits))
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.size(other),
            (true, true) => other.size(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_ordered_as_numbers() {
        let ordered = [
            "-1e400",
            "-340282366920938463463374607431768211456",
            "-340282366920938463463374607431768211455",
            "-5",
            "-0.1",
            "0",
            "1e-400",
            "0.1",
            "0.1000000000000000000001",
            "1",
            "9.99999999999999999999",
            "10",
            "1700000000.123456781",
            "1700000000.123456782",
            "340282366920938463463374607431768211455",
            "3402823669209384634633746074317682114550",
            "1e99999999999999999999",
        ];
        for (n, one) in ordered.iter().enumerate() {
            for (m, other) in ordered.iter().enumerate() {
                let (left, right) = (Decimal::read(one).unwrap(), Decimal::read(other).unwrap());
                assert_eq!(left.compare(&right), n.cmp(&m), "{one} {other}");
            }
        }
        for (one, other) in [("1", "1.0"), ("100", "1e2"), ("0.001", "1e-3"), ("-0", "0"), ("12.50", "125E-1"), ("1e+2", "100")] {
            assert_eq!(Decimal::read(one), Decimal::read(other), "{one} {other}");
        }
        for no_number in
            ["", "-", "NaN", "inf", ".", "x", "1.", ".5", "1e", "1e+", "e1", "--1", "1-", " 1", "+1", "1_000", "1e1.5"]
        {
            assert_eq!(Decimal::read(no_number), None, "{no_number}");
        }
    }

    #[test]
    fn a_whole_number_is_recognised_in_every_notation() {
        for (text, digits) in [
            ("2", "2"),
            ("2.0", "2"),
            ("2e0", "2"),
            ("20e-1", "2"),
            ("-1.50e3", "-1500"),
            ("-0.0", "0"),
            ("0e999999999999999999999", "0"),
            ("007", "7"),
            ("340282366920938463463374607431768211455.0", "340282366920938463463374607431768211455"),
        ] {
            assert_eq!(whole(text, 39).as_deref(), Some(digits), "{text}");
        }
        for text in ["2.5", "1e-1", "1e400", "1e99999999999999999999", "two", ""] {
            assert_eq!(whole(text, 39), None, "{text}");
        }
        assert_eq!((whole("1e3", 4).as_deref(), whole("1e3", 3)), (Some("1000"), None));
    }

    #[test]
    fn a_double_is_its_shortest_decimal_or_its_exact_value() {
        for (double, written) in [
            (0.1, "0.1"),
            (-2.50, "-2.5"),
            (5e-324, "5e-324"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (9_223_372_036_854_775_808.0, "9223372036854775808"),
            (-1e23, "-99999999999999991611392"),
        ] {
            assert_eq!(Decimal::of(double), Decimal::read(written), "{written}");
        }
        assert_eq!((Decimal::of(f64::NAN), Decimal::of(f64::INFINITY)), (None, None));
    }
}
