//! A number whose digits a double wouldn't keep: its digits as received, and the nearest double.
//!
//! Texts, facts and `==` use its digits, so two ids never become equal, and a price of 19.90 keeps its digits.
//! Arithmetic uses the double.

use super::decimal::Decimal;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) struct Exact {
    digits: Arc<str>,
    double: f64,
    /// Whether the double in its shortest form is the same number.
    held: bool,
}

impl Exact {
    /// `None`: a double is written with the same digits and compares as they do.
    pub(super) fn of(number: &serde_json::Number) -> Option<Self> {
        let digits = number.to_string();
        // Beyond a double's range it is infinite.
        let double = digits.parse::<f64>().ok()?;
        let decimal = Decimal::read(&digits);
        let held = double.is_finite() && decimal == Decimal::read(&format!("{double:e}"));
        let spelled = !has_exponent(&digits) && written(double).is_none_or(|written| written.to_string() != digits);
        let plain = held && !spelled && decimal == Decimal::of(double);
        (!plain).then(|| Self { digits: digits.into(), double, held })
    }

    pub(super) fn digits(&self) -> &str {
        &self.digits
    }

    pub(super) fn double(&self) -> f64 {
        self.double
    }

    pub(super) fn decimal(&self) -> Option<Decimal> {
        Decimal::read(&self.digits)
    }

    /// As JSON, with all digits. With an exponent in its digits: as the double, if that is the same number.
    pub(super) fn json(&self) -> serde_json::Value {
        let same = written(self.double).filter(|_| self.held && has_exponent(&self.digits));
        same.map_or_else(|| serde_json::from_str(&self.digits).unwrap_or(serde_json::Value::Null), serde_json::Value::Number)
    }

    /// As `string(x)`, with its digits. A whole number that a double can hold has no fraction of zeros: `10` for 10.00.
    pub(super) fn text(&self) -> String {
        if self.held && (has_exponent(&self.digits) || self.double.fract() == 0.0) {
            self.double.to_string()
        } else {
            self.digits.as_ref().to_owned()
        }
    }

    /// Without its fraction. `None`: it doesn't fit into `T`.
    pub(super) fn truncated<T: std::str::FromStr>(&self) -> Option<T> {
        if has_exponent(&self.digits) {
            return None;
        }
        self.digits.split('.').next()?.parse().ok()
    }
}

/// A number written as a double, if it has a fraction or exponent and a double is the same number: 19.9 for 19.90.
/// Use it if the value matters and not the notation. A whole number without a fraction is unchanged.
pub fn shortest(number: &serde_json::Number) -> serde_json::Number {
    let is_spelled_as_one = number.to_string().contains(['.', 'e', 'E']);
    let held = Exact::of(number).filter(|exact| exact.held && is_spelled_as_one);
    held.and_then(|exact| written(exact.double)).unwrap_or_else(|| number.clone())
}

fn has_exponent(digits: &str) -> bool {
    digits.contains(['e', 'E'])
}

fn written(double: f64) -> Option<serde_json::Number> {
    serde_json::Number::from_f64(double)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Option<Exact> {
        Exact::of(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_number_written_like_a_double_needs_no_digits() {
        for text in ["1.5", "0.1", "10.0", "-0.0", "1e22", "0e999999999999999999999", "5e-324", "0.30000000000000004"] {
            assert!(exact(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_number_that_no_double_holds_keeps_all_its_digits() {
        for text in [
            "340282366920938463463374607431768211455",
            "1700000000.123456781",
            "1e+400",
            "-1e+400",
            "1e-400",
            "0.1000000000000000000001",
        ] {
            let exact = exact(text).unwrap();
            assert_eq!((exact.json().to_string().as_str(), exact.text().as_str()), (text, text));
        }
    }

    #[test]
    fn a_number_that_a_double_holds_keeps_its_notation() {
        for (sent, json, text) in [
            ("19.90", "19.90", "19.90"),
            ("1.10", "1.10", "1.10"),
            ("-0.50", "-0.50", "-0.50"),
            ("10.00", "10.00", "10"),
            // The double's exact value differs from the received one here.
            ("1e23", "1e23", "100000000000000000000000"),
            ("9223372036854776000.0", "9223372036854776000.0", "9223372036854776000"),
        ] {
            let exact = exact(sent).unwrap();
            assert_eq!((exact.json().to_string().replace('+', "").as_str(), exact.text().as_str()), (json, text));
        }
        for (sent, short) in [
            ("19.90", "19.9"),
            ("10.00", "10.0"),
            ("10", "10"),
            ("1.5", "1.5"),
            ("0.1000000000000000000001", "0.1000000000000000000001"),
        ] {
            assert_eq!(shortest(&serde_json::from_str(sent).unwrap()).to_string(), short);
        }
    }
}
