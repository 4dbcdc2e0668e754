//! Money, numbers, dates and plurals as a language writes them. For now English, and German as far as the tests need it.

use crate::claim::words;
use crate::time::{Timestamp, Zone};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A language that there is data for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locale(&'static str);

words! {
    DateStyle {
        Short = "short",
        Medium = "medium",
        Long = "long",
        Full = "full",
        Time = "time",
        /// A medium date and the time.
        DateTime = "datetime",
    }
}

words! {
    PluralCategory {
        Zero = "zero",
        One = "one",
        Two = "two",
        Few = "few",
        Many = "many",
        Other = "other",
    }
}

/// An exact decimal number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: String,
    scale: usize,
}

impl Decimal {
    /// `None`: it is no number.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let power: i32 = power.parse().ok().filter(|power| (-64..=64).contains(power))?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = format!("{whole}{fraction}");
        if whole.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut scale = i32::try_from(fraction.len()).ok()? - power;
        while scale < 0 {
            digits.push('0');
            scale += 1;
        }
        Some(Self { negative, digits, scale: usize::try_from(scale).ok()? })
    }

    fn written(&self, decimals: Option<usize>, group: char, point: char) -> String {
        let mut digits = self.digits.clone();
        let scale = decimals.unwrap_or(self.scale);
        for _ in self.scale..scale {
            digits.push('0');
        }
        for n in (scale..self.scale).rev() {
            let dropped = digits.pop();
            if n == scale && dropped > Some('4') {
                let raised = digits.parse::<u128>().unwrap_or(0) + 1;
                digits = format!("{raised:0width$}", width = digits.len());
            }
        }
        while digits.len() <= scale {
            digits.insert(0, '0');
        }
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let mut text = String::from(if self.negative { "-" } else { "" });
        for (n, digit) in whole.chars().enumerate() {
            if n > 0 && (whole.len() - n).is_multiple_of(3) {
                text.push(group);
            }
            text.push(digit);
        }
        if scale > 0 {
            text.push(point);
            text.push_str(fraction);
        }
        text
    }
}

/// ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Any three letters.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphabetic).then(|| Self(bytes.map(|b| b.to_ascii_uppercase())))
    }

    /// How many decimals it has.
    pub fn minor(self) -> u32 {
        match &self.0 {
            b"JPY" | b"KRW" => 0,
            _ => 2,
        }
    }
}

impl Locale {
    /// `de-AT` falls back to `de`. `None`: a language without data.
    pub fn named(tag: &str) -> Option<Self> {
        match tag.split('-').next()?.to_ascii_lowercase().as_str() {
            "en" => Some(Self("en")),
            "de" => Some(Self("de")),
            _ => None,
        }
    }

    pub fn tag(self) -> &'static str {
        self.0
    }

    fn signs(self) -> (char, char) {
        if self.0 == "de" { ('.', ',') } else { (',', '.') }
    }

    pub fn number(&self, n: &Decimal) -> String {
        let (group, point) = self.signs();
        n.written(None, group, point)
    }

    /// `amount` is in major units.
    pub fn money(&self, amount: &Decimal, currency: Currency) -> String {
        let (group, point) = self.signs();
        let code = String::from_utf8_lossy(&currency.0);
        let symbol = match &currency.0 {
            b"EUR" => "€",
            b"USD" => "$",
            b"JPY" => "¥",
            _ => &code,
        };
        let amount = amount.written(usize::try_from(currency.minor()).ok(), group, point);
        if self.0 == "de" { format!("{amount}\u{A0}{symbol}") } else { format!("{symbol}{amount}") }
    }

    pub fn date(&self, at: Timestamp, zone: &Zone, style: DateStyle) -> String {
        let form = match (style, self.0) {
            (DateStyle::Short, "de") => "%d.%m.%y",
            (DateStyle::Short, _) => "%-m/%-d/%y",
            (DateStyle::Medium, "de") => "%d.%m.%Y",
            (DateStyle::Medium, _) => "%b %-d, %Y",
            (DateStyle::Long, _) => "%B %-d, %Y",
            (DateStyle::Full, _) => "%A, %B %-d, %Y",
            (DateStyle::Time, "de") => "%H:%M",
            (DateStyle::Time, _) => "%-I:%M %p",
            (DateStyle::DateTime, "de") => "%d.%m.%Y, %H:%M",
            (DateStyle::DateTime, _) => "%b %-d, %Y, %-I:%M %p",
        };
        zone.written(at, form).unwrap_or_else(|| at.to_string())
    }

    pub fn plural(&self, n: &Decimal) -> PluralCategory {
        if n.written(None, ',', '.') == "1" { PluralCategory::One } else { PluralCategory::Other }
    }
}
