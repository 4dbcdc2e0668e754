//! Writes the current time in the format of another one.

use std::time::Duration;
use tidings_config::scheme::TimeUnit;
use tidings_config::time::Timestamp;

/// `None`: the old text doesn't have its unit's format.
pub(super) fn like(old: &str, unit: TimeUnit, now: Timestamp) -> Option<String> {
    let old = old.trim();
    match unit {
        TimeUnit::S => {
            let (seconds, fraction) = old.split_once('.').unwrap_or((old, ""));
            let is_written_so = !seconds.is_empty() && all_digits(seconds) && all_digits(fraction);
            is_written_so.then(|| format!("{}{}", now.unix_s(), fraction_like(fraction, now)))
        }
        TimeUnit::Ms => (!old.is_empty() && all_digits(old)).then(|| now.unix_ms().to_string()),
        TimeUnit::Rfc3339 | TimeUnit::Utc => date_like(old, now),
    }
}

/// With the separator, the fraction's digits and the offset of the old one.
fn date_like(old: &str, now: Timestamp) -> Option<String> {
    /// `2026-11-20T10:00:00`
    const SECONDS: usize = 19;
    let (head, tail) = old.split_at_checked(SECONDS)?;
    let separator = head.get(10..11)?;
    let is_date = head.bytes().enumerate().all(|(n, byte)| match n {
        4 | 7 => byte == b'-',
        10 => true,
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    if !is_date {
        return None;
    }
    let rest = tail.strip_prefix('.').unwrap_or("");
    let fraction = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
    let zone = if tail.starts_with('.') { &rest[fraction.len()..] } else { tail };
    let there = shifted(now, zone.trim())?;
    let text = there.to_string();
    let (date, time) = (text.get(..10)?, text.get(11..SECONDS)?);
    Some(format!("{date}{separator}{time}{}{zone}", fraction_like(fraction, now)))
}

/// As many fraction digits as the old one has.
fn fraction_like(old: &str, now: Timestamp) -> String {
    if old.is_empty() {
        return String::new();
    }
    let ms = format!("{:03}", now.unix_ms().rem_euclid(1_000));
    format!(".{:0<width$}", &ms[..ms.len().min(old.len())], width = old.len())
}

/// The local time in a zone: `Z`, `UTC`, `+01:00`, `-0700` or none.
fn shifted(now: Timestamp, zone: &str) -> Option<Timestamp> {
    let (sign, offset) = match zone.chars().next() {
        Some(sign @ ('+' | '-')) => (sign, zone[1..].replace(':', "")),
        Some(_) | None => return Some(now),
    };
    let minutes = match offset.len() {
        2 => offset.parse::<u64>().ok()? * 60,
        4 => offset[..2].parse::<u64>().ok()? * 60 + offset[2..].parse::<u64>().ok()?,
        _ => return None,
    };
    let offset = Duration::from_secs(minutes * 60);
    Some(if sign == '+' { now.plus(offset) } else { now.minus(offset) })
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_time_is_written_as_the_old_one() {
        let now = Timestamp::parse_rfc3339("2026-11-30T07:08:09.123Z").unwrap();
        for (old, unit, new) in [
            ("1795168800", TimeUnit::S, Some("1796022489")),
            ("1795180202.418239", TimeUnit::S, Some("1796022489.123000")),
            ("1795180202.4", TimeUnit::S, Some("1796022489.1")),
            ("1795168800000", TimeUnit::Ms, Some("1796022489123")),
            ("2026-11-20T10:00:00Z", TimeUnit::Rfc3339, Some("2026-11-30T07:08:09Z")),
            ("2026-11-20T10:00:06.120Z", TimeUnit::Rfc3339, Some("2026-11-30T07:08:09.123Z")),
            ("2026-11-20T11:00:04+01:00", TimeUnit::Rfc3339, Some("2026-11-30T08:08:09+01:00")),
            ("2026-11-20 11:00:04 -0730", TimeUnit::Rfc3339, Some("2026-11-29 23:38:09 -0730")),
            ("2026-11-20 11:00:04 UTC", TimeUnit::Rfc3339, Some("2026-11-30 07:08:09 UTC")),
            ("2026-11-20 10:00:00", TimeUnit::Utc, Some("2026-11-30 07:08:09")),
            ("yesterday", TimeUnit::S, None),
            ("Fri, 20 Nov 2026 10:00:00 GMT", TimeUnit::Rfc3339, None),
        ] {
            assert_eq!(like(old, unit, now).as_deref(), new, "{old}");
        }
    }
}
