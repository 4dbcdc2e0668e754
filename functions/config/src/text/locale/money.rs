//! Amounts of money.

use super::number::{Marks, Pattern};
use super::{Decimal, Locale};
use std::fmt;

const NO_BREAK_SPACE: char = '\u{a0}';

/// A currency by its ISO 4217 code, in capitals. Any three letters are accepted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// `None`: the text isn't three Latin letters.
    pub fn parse(code: &str) -> Option<Self> {
        let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_alphabetic).then(|| Self(letters.map(|letter| letter.to_ascii_uppercase())))
    }

    /// The code: three capitals.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The number of decimals by ISO 4217. Default: 2.
    pub fn minor(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX" | b"UYI"
            | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            // Metals, units of account and "no currency" have no smaller unit.
            b"XAG" | b"XAU" | b"XBA" | b"XBB" | b"XBC" | b"XBD" | b"XDR" | b"XPD" | b"XPT" | b"XSU" | b"XTS" | b"XUA"
            | b"XXX" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Currency").field(&self.code()).finish()
    }
}

impl Locale {
    /// An amount in the currency's major unit, with at least the currency's decimals and all the amount's own:
    /// `0.0035` isn't shortened to `0.00`.
    pub fn money(&self, amount: &Decimal, currency: Currency) -> String {
        let pattern = Pattern::read(self.line("money"));
        let marks = Marks { decimal: self.line("money-decimal"), group: self.line("money-group"), minimum: self.min_grouping() };
        let digits = pattern.digits(&amount.whole().to_string(), &decimals(amount, currency), &marks);
        let symbol = self.0.line(currency.code()).unwrap_or(currency.code());
        let (before, after) = pattern.around(amount.is_negative());
        format!("{}{digits}{}", self.filled(&before, symbol, Digits::After), self.filled(&after, symbol, Digits::Before))
    }

    /// An amount's prefix or suffix, with the symbol and the sign. A symbol beside a digit that looks like a word is
    /// separated from it.
    fn filled(self, affix: &str, symbol: &str, digits: Digits) -> String {
        let apart = |edge: Option<char>| edge.is_some_and(|edge| !is_currency_sign(edge));
        let space_after = digits == Digits::After && affix.ends_with('¤') && apart(symbol.chars().next_back());
        let space_before = digits == Digits::Before && affix.starts_with('¤') && apart(symbol.chars().next());
        let mut text = String::new();
        text.extend(space_before.then_some(NO_BREAK_SPACE));
        for c in affix.chars() {
            match c {
                '¤' => text.push_str(symbol),
                '-' => text.push_str(self.line("minus")),
                other => text.push(other),
            }
        }
        text.extend(space_after.then_some(NO_BREAK_SPACE));
        text
    }
}

/// The side of an affix at which the digits are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Digits {
    Before,
    After,
}

/// The currency's decimals, and further ones if they aren't 0.
fn decimals(amount: &Decimal, currency: Currency) -> String {
    let mut digits = amount.fraction_digits();
    let least = usize::try_from(currency.minor()).unwrap_or_default();
    let used = digits.trim_end_matches('0').len();
    digits.truncate(used.max(least));
    while digits.len() < least {
        digits.push('0');
    }
    digits
}

/// The currency signs of Unicode's category Sc.
fn is_currency_sign(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '฿' | '៛' | '\u{20a0}'..='\u{20cf}' | '￠' | '￡' | '￥' | '￦')
}
