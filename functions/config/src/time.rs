//! Points in time, and clocks.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, schemars::JsonSchema)]
#[schemars(with = "String", description = "A time in UTC, as RFC 3339 with milliseconds.", extend("format" = "date-time"))]
pub struct Timestamp(i64);

/// 0000-01-01T00:00:00.000Z.
pub const MIN_RFC3339: Timestamp = Timestamp(-62_167_219_200_000);

/// 9999-12-30T22:00:00.000Z: the last whole second that `jiff` parses. It leaves room for every offset.
pub const MAX_RFC3339: Timestamp = Timestamp(253_402_207_200_000);

/// Numbers from this on are milliseconds: as seconds it would be the year 5138.
const FIRST_MS: i64 = 100_000_000_000;

impl Timestamp {
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// `None`: the milliseconds don't fit.
    pub const fn from_unix_s(seconds: i64) -> Option<Self> {
        match seconds.checked_mul(1_000) {
            Some(ms) => Some(Self(ms)),
            None => None,
        }
    }

    /// Whether RFC 3339 can write it, with a year of four digits. A time outside this range couldn't be parsed again,
    /// so it must not leave the process.
    pub const fn is_rfc3339(self) -> bool {
        MIN_RFC3339.0 <= self.0 && self.0 <= MAX_RFC3339.0
    }

    /// Parses RFC 3339 with any offset. `None`: the text is something else.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_millisecond()))
    }

    /// Parses RFC 3339 and its common variants: a space for the `T`, ` UTC`, ` -0700`, and the format of e-mail.
    /// `None`: the text is something else, or has no offset, which leaves the time unknown.
    pub fn parse_written(text: &str) -> Option<Self> {
        let text = text.trim();
        let in_utc = [" UTC", " GMT", "UTC", "GMT"].iter().find_map(|utc| text.strip_suffix(utc)).map(|time| format!("{time}Z"));
        let closed_up = || {
            let (time, offset) = text.rsplit_once(' ').filter(|(_, offset)| offset.starts_with(['+', '-']))?;
            Self::parse_rfc3339(&format!("{time}{offset}"))
        };
        Self::parse_rfc3339(text)
            .or_else(|| Self::parse_rfc3339(&in_utc?))
            .or_else(closed_up)
            .or_else(|| Self::parse_http_date(text))
    }

    /// Parses a time as events contain it: seconds or milliseconds since 1970, a fraction being dropped, or as
    /// [`Self::parse_written`]. `None`: the text is something else, or has no offset.
    pub fn parse_in_event(text: &str) -> Option<Self> {
        let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
        match whole.parse::<i64>() {
            Ok(number) if number.abs() < FIRST_MS => Self::from_unix_s(number),
            Ok(ms) => Some(Self::from_unix_ms(ms)).filter(|at| at.is_rfc3339()),
            Err(_) => Self::parse_written(text),
        }
    }

    /// As [`Self::parse_written`]; a date and a time without an offset are in UTC.
    pub fn parse_utc(text: &str) -> Option<Self> {
        let civil = || text.trim().parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
        Self::parse_written(text).or_else(|| Some(Self(civil()?.timestamp().as_millisecond())))
    }

    /// Parses the format of the HTTP header `Date`. `None`: the text is something else.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
        parsed.ok().map(|t| Self(t.as_millisecond()))
    }

    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    pub const fn unix_s(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The absolute difference of the two times.
    pub fn distance(self, other: Self) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }

    /// The time since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Milliseconds, as in logs and metrics.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom(format!("not an RFC 3339 time: {text:?}")))
    }
}

/// A time zone by its IANA name, from a database in the binary: Lambda doesn't promise one in its image.
#[derive(Clone, Debug)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// `None`: the zone doesn't exist.
    pub fn named(name: &str) -> Option<Self> {
        jiff::tz::TimeZone::get(name).ok().map(Self)
    }

    /// The zone's offset from UTC at that time, in milliseconds.
    pub fn offset_ms(&self, at: Timestamp) -> Option<i64> {
        let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
        Some(i64::from(self.0.to_offset(at).seconds()) * 1_000)
    }

    /// The calendar date and time in the zone. `None`: the time is outside the calendar's years.
    pub(crate) fn civil(&self, at: Timestamp) -> Option<jiff::civil::DateTime> {
        Some(jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned(self.0.clone()).datetime())
    }

    /// The next change of the offset after `at`.
    pub fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
        self.0.following(at).next().map(|change| Timestamp(change.timestamp().as_millisecond()))
    }
}

/// A clock. Logic never reads the wall clock.
pub trait Clock: Send + Sync + fmt::Debug {
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_an_event_is_seconds_milliseconds_or_a_text_with_an_offset() {
        let noon = Timestamp::parse_rfc3339("2026-12-24T12:00:00Z");
        for text in ["2026-12-24T13:00:00+01:00", "2026-12-24 12:00:00 UTC", "1798113600", "1798113600000", "1798113600.5"] {
            assert_eq!(Timestamp::parse_in_event(text), noon, "{text}");
        }
        for text in ["", "2026-12-24", "2026-12-24T12:00:00", "tomorrow", "9223372036854775807"] {
            assert_eq!(Timestamp::parse_in_event(text), None, "{text}");
        }
        let (seconds, ms) = ("99999999999", "100000000000");
        assert_eq!(Timestamp::parse_in_event(seconds).map(Timestamp::unix_s), Some(99_999_999_999));
        assert_eq!(Timestamp::parse_in_event(ms).map(Timestamp::unix_ms), Some(100_000_000_000));
    }

    #[test]
    fn times_are_written_as_rfc3339_with_milliseconds() {
        let t = Timestamp::parse_rfc3339("2026-11-20T15:30:00+01:00").unwrap();
        assert_eq!(t.to_string(), "2026-11-20T14:30:00.000Z");
        assert_eq!(Timestamp::parse_rfc3339(&t.to_string()), Some(t));
    }

    #[test]
    fn a_zone_knows_its_offset_and_its_next_change() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let berlin = Zone::named("Europe/Berlin").expect("the database is part of the binary");
        assert!(Zone::named("Europe/Atlantis").is_none() && Zone::named("-05:00").is_none());
        for (now, hours) in [("2026-11-20T22:30:00Z", 1), ("2026-07-20T22:30:00Z", 2), ("2150-07-20T22:30:00Z", 2)] {
            assert_eq!(berlin.offset_ms(at(now)), Some(hours * 3_600_000), "{now}");
        }
        assert_eq!(berlin.next_change(at("2026-03-28T20:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
        assert_eq!(berlin.next_change(at("2026-03-29T01:00:00Z")), Some(at("2026-10-25T01:00:00Z")), "after it");
        assert_eq!(Zone::named("UTC").unwrap().next_change(at("2026-03-28T20:00:00Z")), None);
    }

    #[test]
    fn a_time_with_a_four_digit_year_is_parsed_as_it_is_written() {
        for (ms, text) in [(MIN_RFC3339, "0000-01-01T00:00:00.000Z"), (MAX_RFC3339, "9999-12-30T22:00:00.000Z")] {
            assert!(ms.is_rfc3339());
            assert_eq!((ms.to_string().as_str(), Timestamp::parse_rfc3339(text)), (text, Some(ms)));
        }
        for outside in [MIN_RFC3339.unix_ms() - 1, MAX_RFC3339.unix_ms() + 1, 1_795_168_800_000_000, i64::MAX, i64::MIN] {
            assert!(!Timestamp::from_unix_ms(outside).is_rfc3339(), "{outside}");
        }
    }

    #[test]
    fn no_time_overflows() {
        assert_eq!(Timestamp::from_unix_s(i64::MAX), None);
        let far = Timestamp::from_unix_ms(i64::MAX);
        assert_eq!(far.plus(Duration::from_secs(1)), far);
        let long_ago = Timestamp::from_unix_ms(i64::MIN);
        assert_eq!(long_ago.minus(Duration::from_secs(1)), long_ago);
        assert_eq!(Timestamp::from_unix_ms(i64::MIN).since(far), Duration::ZERO);
        assert!(far.to_string().ends_with("ms"));
    }
}
