//! A decimal number with the digits that it was written with.

use super::Currency;
use crate::limits::MAX_DECIMAL_DIGITS;
use std::fmt;

/// A decimal number with the decimals that it was written with: `1.0` differs from `1`, since plurals differ. Minus
/// zero is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// All digits as a whole number.
    digits: u128,
    /// How many of the digits are decimals.
    decimals: u32,
}

impl Decimal {
    /// Parses `1999`, `-0.50`, `.5`, `1e3`, `19.90`: the forms of JSON and most databases. `None`: the text isn't a
    /// number, or takes more than [`MAX_DECIMAL_DIGITS`] digits when it is written out.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut digits = 0_u128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
            digits = held(digits.checked_mul(10)?.checked_add(u128::from(digit))?)?;
        }
        let decimals = i64::try_from(fraction.len()).ok()?.checked_sub(power.parse::<i32>().ok()?.into())?;
        // A positive power of ten without decimals left makes the number longer.
        let longer = u32::try_from(decimals.min(0).unsigned_abs()).ok()?;
        if digits != 0 {
            digits = held(digits.checked_mul(10_u128.checked_pow(longer)?)?)?;
        }
        Some(Self { negative: negative && digits != 0, digits, decimals: u32::try_from(decimals.max(0)).ok()? })
            .filter(Self::is_short)
    }

    /// Converts an amount from the currency's smallest unit: `1999` of EUR is `19.99`, `1999` of JPY is `1999`.
    /// `None`: the result has too many decimals.
    pub fn from_minor_units(self, currency: Currency) -> Option<Self> {
        Some(Self { decimals: self.decimals.checked_add(currency.minor())?, ..self }).filter(Self::is_short)
    }

    /// Rounds half to even to at most this many decimals. For computed numbers; a received number is shown unchanged.
    #[must_use]
    pub fn rounded(self, decimals: u32) -> Self {
        let Some(unit) =
            self.decimals.checked_sub(decimals).filter(|dropped| *dropped > 0).and_then(|dropped| 10_u128.checked_pow(dropped))
        else {
            return self;
        };
        let (kept, rest, half) = (self.digits / unit, self.digits % unit, unit / 2);
        let up = rest > half || (rest == half && kept % 2 == 1);
        let digits = kept.saturating_add(u128::from(up));
        Self { negative: self.negative && digits != 0, digits, decimals }
    }

    pub fn is_zero(self) -> bool {
        self.digits == 0
    }

    pub(super) fn is_negative(self) -> bool {
        self.negative
    }

    /// Its whole part, without the sign.
    pub(super) fn whole(self) -> u128 {
        self.digits.checked_div(self.unit()).unwrap_or_default()
    }

    /// Its decimals as a whole number, and their count.
    pub(super) fn fraction(self) -> (u128, usize) {
        (self.digits.checked_rem(self.unit()).unwrap_or_default(), usize::try_from(self.decimals).unwrap_or_default())
    }

    /// Its decimals as written.
    pub(super) fn fraction_digits(self) -> String {
        match self.fraction() {
            (_, 0) => String::new(),
            (fraction, decimals) => format!("{fraction:0decimals$}"),
        }
    }

    fn unit(self) -> u128 {
        10_u128.saturating_pow(self.decimals)
    }

    fn is_short(&self) -> bool {
        self.decimals <= MAX_DECIMAL_DIGITS
    }
}

/// `None`: it has more digits than allowed.
fn held(digits: u128) -> Option<u128> {
    (digits < 10_u128.pow(MAX_DECIMAL_DIGITS)).then_some(digits)
}

/// Written without an exponent.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, fraction) = (if self.negative { "-" } else { "" }, self.fraction_digits());
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{fraction}", self.whole())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> Option<String> {
        Decimal::parse(text).map(|number| number.to_string())
    }

    #[test]
    fn a_number_keeps_its_written_digits() {
        for (written, value) in [
            ("1999", "1999"),
            ("-0.50", "-0.50"),
            ("+7", "7"),
            (".5", "0.5"),
            ("007", "7"),
            ("1e3", "1000"),
            ("1.25E+1", "12.5"),
            ("1.50e-3", "0.00150"),
            ("-0", "0"),
            ("-0.00", "0.00"),
            ("0e999", "0"),
            ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
            ("0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"),
        ] {
            assert_eq!(printed(written).as_deref(), Some(value), "{written}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_number_or_too_long_is_none() {
        let long = "9".repeat(10_000);
        for text in [
            "",
            "-",
            ".",
            "5.",
            "1,5",
            "1 000",
            "0x10",
            "NaN",
            "inf",
            "1e",
            "1e1.5",
            "--1",
            "１",
            "1e400",
            "1e-400",
            "1e99999999999",
            &long,
        ] {
            assert_eq!(printed(text), None, "{text}");
        }
        assert_eq!(printed(&format!("1{}", "0".repeat(38))), None, "39 digits");
        assert_eq!(printed(&format!("0.{}1", "0".repeat(38))), None, "39 decimals");
    }

    #[test]
    fn a_computed_number_is_rounded_half_to_even() {
        for (written, decimals, value) in [
            ("0.125", 2, "0.12"),
            ("0.135", 2, "0.14"),
            ("2.5", 0, "2"),
            ("3.5", 0, "4"),
            ("-0.004", 2, "0.00"),
            ("-0.006", 2, "-0.01"),
            ("9.999", 2, "10.00"),
            ("19.9", 2, "19.9"),
            ("0.30000000000000004", 2, "0.30"),
        ] {
            assert_eq!(Decimal::parse(written).unwrap().rounded(decimals).to_string(), value, "{written}");
        }
    }

    #[test]
    fn the_smallest_unit_of_a_currency_is_that_of_iso_4217() {
        let of = |written: &str, code: &str| {
            let currency = Currency::parse(code).unwrap();
            Decimal::parse(written).unwrap().from_minor_units(currency).map(|amount| amount.to_string())
        };
        assert_eq!(of("1999", "eur").as_deref(), Some("19.99"));
        assert_eq!(of("-5", "USD").as_deref(), Some("-0.05"));
        assert_eq!(of("1999", "jpy").as_deref(), Some("1999"));
        assert_eq!(of("1500", "KWD").as_deref(), Some("1.500"));
        assert_eq!(of("0.00000000000000000000000000000000000001", "EUR"), None);
    }
}
