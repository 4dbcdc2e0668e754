//! A number that neither 64 bits nor a double hold: the digits as they were sent, and the double that is nearest.
//!
//! Its digits are what a text, a fact and `==` have, so two ids never become one. Arithmetic takes the double.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) struct Exact {
    digits: Arc<str>,
    double: f64,
}

impl Exact {
    /// `None`: a double holds it.
    pub(super) fn of(number: &serde_json::Number) -> Option<Self> {
        let digits = number.to_string();
        // Beyond a double's range it is infinite.
        let double = digits.parse::<f64>().ok()?;
        let held = double.is_finite() && Decimal::read(&digits) == Decimal::read(&format!("{double:e}"));
        (!held).then(|| Self { digits: digits.into(), double })
    }

    pub(super) fn digits(&self) -> &str {
        &self.digits
    }

    pub(super) fn double(&self) -> f64 {
        self.double
    }

    /// As JSON, with all its digits.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.digits).unwrap_or(serde_json::Value::Null)
    }

    /// Without its fraction, where it is written out. `None`: no `T` holds it.
    pub(super) fn whole<T: std::str::FromStr>(&self) -> Option<T> {
        if self.digits.contains(['e', 'E']) {
            return None;
        }
        self.digits.split('.').next()?.parse().ok()
    }

    /// Against another number, written as decimals. `None`: that is none.
    pub(super) fn compare(&self, other: &str) -> Option<Ordering> {
        let (ours, other) = (Decimal::read(&self.digits)?, Decimal::read(other)?);
        Some(ours.cmp(&other))
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.digits)
    }
}

/// A decimal number: its value is `0.d₁d₂d₃… · 10^exponent`, its first and last digits aren't 0. Zero has no digits.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    exponent: i64,
    digits: Vec<u8>,
}

impl Decimal {
    fn read(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        // A power that 64 bits don't hold is beyond any that matters, on its side.
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

    /// Without the sign.
    fn size(&self, other: &Self) -> Ordering {
        let zeros = (!self.digits.is_empty()).cmp(&!other.digits.is_empty());
        zeros.then(self.exponent.cmp(&other.exponent)).then_with(|| self.digits.cmp(&other.digits))
    }

    fn cmp(&self, other: &Self) -> Ordering {
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

    fn exact(text: &str) -> Option<Exact> {
        Exact::of(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn what_a_double_holds_needs_no_digits() {
        for text in ["1.5", "0.1", "1.50", "-0.0", "1e22", "1e23", "0e999999999999999999999", "5e-324", "0.30000000000000004"] {
            assert!(exact(text).is_none(), "{text}");
        }
        for text in [
            "340282366920938463463374607431768211455",
            "1700000000.123456781",
            "1e+400",
            "-1e+400",
            "1e-400",
            "0.1000000000000000000001",
        ] {
            assert_eq!(exact(text).map(|exact| exact.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn they_are_ordered_as_numbers() {
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
                assert_eq!(left.cmp(&right), n.cmp(&m), "{one} {other}");
            }
        }
        for (one, other) in [("1", "1.0"), ("100", "1e2"), ("0.001", "1e-3"), ("-0", "0"), ("12.50", "125E-1"), ("1e+2", "100")] {
            assert_eq!(Decimal::read(one), Decimal::read(other), "{one} {other}");
        }
        for no_number in ["", "-", "NaN", "inf", ".", "x"] {
            assert_eq!(Decimal::read(no_number), None, "{no_number}");
        }
    }
}
