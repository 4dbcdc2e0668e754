//! Dates and times of a time zone, by CLDR's patterns: `d. MMMM y`, `h:mm a`.

use super::Locale;
use crate::time::{Timestamp, Zone};
use crate::words;

words! {
    /// The style of a date.
    DateStyle {
        /// 20.11.26
        Short = "short",
        /// 20.11.2026
        Medium = "medium",
        /// 20. November 2026
        Long = "long",
        /// Freitag, 20. November 2026
        Full = "full",
        /// 15:30, or 3:30 PM in locales that use it.
        Time = "time",
        /// 20.11.2026, 15:30
        Datetime = "datetime",
    }
}

impl Locale {
    /// The date and time in the zone. A time outside the calendar, beyond about the year 9999, is printed as
    /// [`Timestamp`] prints it.
    pub fn date(&self, at: Timestamp, zone: &Zone, style: DateStyle) -> String {
        let Some(there) = zone.civil(at) else {
            return at.to_string();
        };
        match style {
            DateStyle::Short | DateStyle::Medium | DateStyle::Long | DateStyle::Full | DateStyle::Time => {
                self.dated(style, there)
            }
            DateStyle::Datetime => {
                let (date, time) = (self.dated(DateStyle::Medium, there), self.dated(DateStyle::Time, there));
                self.line(style.as_str()).replace("{1}", &date).replace("{0}", &time)
            }
        }
    }

    fn dated(self, style: DateStyle, there: jiff::civil::DateTime) -> String {
        let mut text = String::new();
        let mut rest = self.line(style.as_str());
        while let Some(first) = rest.chars().next() {
            let length = match first {
                // Quoted words; two apostrophes are one.
                '\'' => {
                    let words = rest.get(1..).and_then(|quoted| quoted.split('\'').next()).unwrap_or_default();
                    text.push_str(if words.is_empty() { "'" } else { words });
                    words.len().saturating_add(2)
                }
                'a'..='z' | 'A'..='Z' => {
                    let length = rest.len().saturating_sub(rest.trim_start_matches(first).len());
                    text.push_str(&self.field(first, length, there));
                    length
                }
                other => {
                    text.push(other);
                    other.len_utf8()
                }
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        text
    }

    /// The value of a pattern's letter. `tests/locale/data.mjs` allows no other letter in the data.
    fn field(self, letter: char, length: usize, there: jiff::civil::DateTime) -> String {
        let number = |number: i16| format!("{number:0length$}");
        let (month, weekday) = (index(there.month()).saturating_sub(1), index(there.weekday().to_sunday_zero_offset()));
        let hour = there.hour();
        let half_day = match hour.rem_euclid(12) {
            0 => 12,
            other => other,
        };
        match (letter, length) {
            ('G', _) => self.line("era").to_owned(),
            ('y', 2) => number(there.year().rem_euclid(100)),
            ('y', _) => number(there.year()),
            ('M', 3) => self.nth("months-short", month),
            ('M', 4) => self.nth("months", month),
            ('M', _) => number(there.month().into()),
            ('d', _) => number(there.day().into()),
            ('E', 4) => self.nth("days", weekday),
            ('E', _) => self.nth("days-short", weekday),
            ('H', _) => number(hour.into()),
            ('h', _) => number(half_day.into()),
            ('m', _) => number(there.minute().into()),
            ('a', _) => self.nth("halves", usize::from(hour >= 12)),
            ('B', _) => self.nth("parts", index(hour)),
            (_, _) => String::new(),
        }
    }

    fn nth(self, key: &str, at: usize) -> String {
        self.line(key).split('\t').nth(at).unwrap_or_default().to_owned()
    }
}

fn index(number: i8) -> usize {
    usize::try_from(number).unwrap_or_default()
}
