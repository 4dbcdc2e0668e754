//! Clocks that differ, and times in the wrong unit.

use super::attempt::Attempt;
use receiver::verify::Rejection;
use std::time::Duration;
use tidings_config::scheme::TimeUnit;
use tidings_config::time::Timestamp;

/// A time further away than this has the wrong unit: milliseconds read as seconds are thousands of years ahead, and
/// seconds read as milliseconds are in January 1970.
const PLAUSIBLE: Duration = Duration::from_secs(20 * 365 * 86_400);

/// The unit of the time, if it isn't the scheme's.
pub(super) fn other_unit(attempt: &Attempt) -> Option<String> {
    let unit = attempt.source.scheme.timestamp.as_ref()?.unit;
    let read_as = |unit: TimeUnit| {
        let timestamp = |a: &mut Attempt| {
            a.source.scheme.timestamp.iter_mut().for_each(|t| (t.unit, t.tolerance_seconds) = (unit, PLAUSIBLE.as_secs()));
        };
        attempt.with(timestamp).verify().is_ok()
    };
    let other = [TimeUnit::S, TimeUnit::Ms, TimeUnit::Rfc3339, TimeUnit::Utc]
        .into_iter()
        .filter(|other| *other != unit)
        .find(|other| read_as(*other));
    let (other, unit) = (name(other.filter(|_| !read_as(unit))?), name(unit));
    Some(format!("the timestamp is in {other}, but the scheme expects {unit}: set `timestamp.unit`"))
}

const fn name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::S => "seconds",
        TimeUnit::Ms => "milliseconds",
        TimeUnit::Rfc3339 => "RFC 3339",
        TimeUnit::Utc => "UTC without an offset",
    }
}

/// The likely cause of a difference in time. `None`: time isn't the problem.
pub(super) fn distance(attempt: &Attempt, rejection: &Rejection) -> Option<String> {
    let now = attempt.now;
    let off = |seconds: u64, sign: i64| {
        let ms = i64::try_from(seconds).ok()?.checked_mul(1_000 * sign)?;
        // In whole seconds, as it is printed.
        Timestamp::from_unix_s(Timestamp::from_unix_ms(now.unix_ms().checked_add(ms)?).unix_s())
    };
    if let Rejection::TooOld { age_seconds, .. } = rejection {
        let then = off(*age_seconds, -1)?;
        return Some(format!(
            "it was valid at {then}: for a captured request add --at {then}; if it was just sent, the clock here is ahead, or \
             the request was delayed by {age_seconds} s"
        ));
    }
    if let Rejection::TooFarAhead { ahead_seconds, .. } = rejection {
        let then = off(*ahead_seconds, 1)?;
        return Some(format!(
            "it was valid at {then}: the clock here ({now}) is {ahead_seconds} s behind the sender's; set it by NTP, or for a \
             captured request add --at {then}"
        ));
    }
    None
}
