//! The signing time, and its allowed distance from our clock.

use super::Rejection;
use std::time::Duration;
use tidings_config::limits::MAX_SIGNED_AHEAD;
use tidings_config::scheme::{SignedTimestamp, TimeUnit};
use tidings_config::time::Timestamp;

/// Refuses a signature that is too old (a replay) or too far ahead (for a later replay). The bound itself is allowed.
/// A wide tolerance is for retries, which come late and never early.
pub(super) fn check(spec: &SignedTimestamp, text: String, now: Timestamp) -> Result<(), Rejection> {
    let signed = parse(spec.unit, &text).ok_or(Rejection::MalformedTimestamp)?;
    let (distance, past) = (signed.distance(now), signed < now);
    let most = Duration::from_secs(spec.tolerance_seconds);
    let most = if past { most } else { most.min(MAX_SIGNED_AHEAD) };
    let (seconds, tolerance_seconds) = (distance.as_secs(), most.as_secs());
    if distance <= most {
        Ok(())
    } else if past {
        Err(Rejection::TooOld { age_seconds: seconds, tolerance_seconds })
    } else {
        Err(Rejection::TooFarAhead { ahead_seconds: seconds, tolerance_seconds })
    }
}

/// Parses a time in this unit. Digits only: no sign, no fraction, no space.
pub(super) fn parse(unit: TimeUnit, text: &str) -> Option<Timestamp> {
    let digits = || text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    match unit {
        TimeUnit::S => Timestamp::from_unix_s(digits()?),
        TimeUnit::Ms => digits().map(Timestamp::from_unix_ms),
        TimeUnit::Rfc3339 => Timestamp::parse_rfc3339(text),
        TimeUnit::Utc => Timestamp::parse_utc(text),
    }
}

/// Writes a time in this unit.
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
    use tidings_config::Reference;
    use tidings_config::limits::MAX_TOLERANCE;

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
    fn a_wide_tolerance_applies_to_late_requests_only() {
        let tolerance_seconds = MAX_TOLERANCE.as_secs();
        let spec = SignedTimestamp { from: Reference::Header("t".into()), unit: TimeUnit::S, tolerance_seconds };
        let now = Timestamp::from_unix_ms(1_795_168_800_000);
        let at = |offset: i64| check(&spec, (now.unix_s() + offset).to_string(), now);
        let (wide, ahead) = (tolerance_seconds as i64, MAX_SIGNED_AHEAD.as_secs() as i64);
        assert_eq!(at(-wide), Ok(()));
        assert_eq!(at(-wide - 1), Err(Rejection::TooOld { age_seconds: tolerance_seconds + 1, tolerance_seconds }));
        assert_eq!(at(ahead), Ok(()));
        assert!(matches!(at(ahead + 1), Err(Rejection::TooFarAhead { .. })));
    }

    #[test]
    fn only_plain_digits_are_a_number() {
        for odd in ["", "-1", "+1", "1.0", " 1", "1e3", "99999999999999999999", "one"] {
            assert_eq!(parse(TimeUnit::S, odd), None, "{odd:?}");
        }
        assert_eq!(parse(TimeUnit::S, "9223372036854775807"), None, "more milliseconds than there are");
    }
}
