//! The time of signing, and how far it may be from our clock.

use super::Rejection;
use tidings_core::config::scheme::{SignedTimestamp, TimeUnit};
use tidings_core::time::Timestamp;

/// Refuses what was signed too long ago (a replay) or too far ahead (to be replayed later). The bound itself is allowed.
pub(super) fn check(spec: &SignedTimestamp, text: String, now: Timestamp) -> Result<(), Rejection> {
    let signed = parse(spec.unit, &text).ok_or(Rejection::MalformedTimestamp)?;
    let tolerance_seconds = spec.tolerance_seconds;
    let distance = signed.distance(now);
    let seconds = distance.as_secs();
    if distance <= std::time::Duration::from_secs(tolerance_seconds) {
        Ok(())
    } else if signed < now {
        Err(Rejection::TooOld { age_seconds: seconds, tolerance_seconds })
    } else {
        Err(Rejection::TooFarAhead { ahead_seconds: seconds, tolerance_seconds })
    }
}

/// A time as its unit writes it. Digits only: no sign, no fraction, no space.
pub(super) fn parse(unit: TimeUnit, text: &str) -> Option<Timestamp> {
    let digits = || text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    match unit {
        TimeUnit::S => Timestamp::from_unix_s(digits()?),
        TimeUnit::Ms => digits().map(Timestamp::from_unix_ms),
        TimeUnit::Rfc3339 => Timestamp::parse_rfc3339(text),
        TimeUnit::Utc => Timestamp::parse_utc(text),
    }
}

/// A time as its unit writes it.
pub(super) fn write(unit: TimeUnit, time: Timestamp) -> String {
    match unit {
        TimeUnit::S => time.unix_s().to_string(),
        TimeUnit::Ms => time.unix_ms().to_string(),
        TimeUnit::Rfc3339 | TimeUnit::Utc => time.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tidings_core::config::Reference;

    #[test]
    fn the_tolerance_holds_both_ways_and_to_the_millisecond() {
        let spec = SignedTimestamp { from: Reference::Header("t".into()), unit: TimeUnit::Ms, tolerance_seconds: 300 };
        let now = Timestamp::from_unix_ms(1_795_168_800_000);
        let bound = Duration::from_secs(300).as_millis() as i64;
        let at = |offset: i64| check(&spec, (now.unix_ms() + offset).to_string(), now);
        assert_eq!(at(-bound), Ok(()));
        assert_eq!(at(bound), Ok(()));
        assert_eq!(at(-bound - 1), Err(Rejection::TooOld { age_seconds: 300, tolerance_seconds: 300 }));
        assert_eq!(at(bound + 1), Err(Rejection::TooFarAhead { ahead_seconds: 300, tolerance_seconds: 300 }));
    }

    #[test]
    fn only_plain_digits_are_a_number() {
        for odd in ["", "-1", "+1", "1.0", " 1", "1e3", "99999999999999999999", "one"] {
            assert_eq!(parse(TimeUnit::S, odd), None, "{odd:?}");
        }
        assert_eq!(parse(TimeUnit::S, "9223372036854775807"), None, "more milliseconds than there are");
    }
}
