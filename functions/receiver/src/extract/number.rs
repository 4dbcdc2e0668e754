//! Numbers and times as providers write them in events. Signed timestamps are parsed more strictly: [`crate::verify`].

use std::borrow::Cow;
use tidings_config::scheme::TimeUnit;
use tidings_config::time::Timestamp;

/// An unsigned number without a fraction, in any notation: `2`, `2.0`, `1e3`. It is read digit by digit, so it is exact.
pub(super) fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if integer.is_empty() || !are_digits(integer) || !are_digits(fraction) {
        return None;
    }
    let all = format!("{integer}{fraction}");
    let all = all.trim_start_matches('0');
    let zeros = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    match usize::try_from(zeros) {
        _ if all.is_empty() => Some(0),
        Ok(zeros) if all.len() + zeros <= 20 => format!("{all}{}", "0".repeat(zeros)).parse().ok(),
        Ok(_) => None,
        Err(_) => {
            let cut = usize::try_from(zeros.unsigned_abs()).ok()?;
            let (head, tail) = all.split_at(all.len().checked_sub(cut)?);
            if tail.bytes().all(|byte| byte == b'0') && !head.is_empty() { head.parse().ok() } else { None }
        }
    }
}

/// A time in this unit.
pub(super) fn time(unit: TimeUnit, text: &str) -> Option<Timestamp> {
    match unit {
        TimeUnit::S => thousandths(text).map(Timestamp::from_unix_ms),
        TimeUnit::Ms => whole(parted(text)?.0).and_then(|ms| i64::try_from(ms).ok()).map(Timestamp::from_unix_ms),
        TimeUnit::Rfc3339 => Timestamp::parse_written(&to_nanoseconds(text)),
        TimeUnit::Utc => Timestamp::parse_utc(&to_nanoseconds(text)),
    }
}

/// The text without digits of the second behind the ninth, which no parser takes.
fn to_nanoseconds(text: &str) -> Cow<'_, str> {
    let Some(point) = text.find(['.', ',']) else { return Cow::Borrowed(text) };
    let fraction = &text[point + 1..];
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        0..=9 => Cow::Borrowed(text),
        _ => Cow::Owned([&text[..=point], &fraction[..9], &fraction[digits..]].concat()),
    }
}

/// Seconds to milliseconds; further decimals are dropped: `1795975000.000200`.
fn thousandths(text: &str) -> Option<i64> {
    let (seconds, fraction) = parted(text)?;
    let ms: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    i64::try_from(whole(seconds)?).ok()?.checked_mul(1_000)?.checked_add(ms)
}

/// The text before and after the decimal point. A number with an exponent isn't split.
fn parted(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    match text.split_once('.') {
        Some((whole, fraction)) if !text.contains(['e', 'E']) => {
            fraction.bytes().all(|byte| byte.is_ascii_digit()).then_some((whole, fraction))
        }
        Some(_) | None => Some((text, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_numbers_are_read_in_every_notation() {
        for (text, number) in [
            ("0", Some(0)),
            ("2", Some(2)),
            ("2.0", Some(2)),
            ("1000.000", Some(1_000)),
            ("1e3", Some(1_000)),
            ("1.5E1", Some(15)),
            ("1500e-2", Some(15)),
            ("007", Some(7)),
            ("0.0", Some(0)),
            (" 7 ", Some(7)),
            ("9007199254740993.0", Some(9_007_199_254_740_993)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("2.5", None),
            ("15e-1", None),
            ("1e-1", None),
            ("1e99999999999", None),
            ("1e400", None),
            ("-1", None),
            ("+1", None),
            ("v4", None),
            ("", None),
            (".", None),
            ("1.", Some(1)),
            ("1e", None),
            ("0x10", None),
        ] {
            assert_eq!(whole(text), number, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_whole_number_is_itself(number in any::<u64>(), zeros in 0..6_usize) {
            prop_assert_eq!(whole(&number.to_string()), Some(number));
            prop_assert_eq!(whole(&format!("{number}.{}", "0".repeat(zeros))), Some(number));
        }

        #[test]
        fn no_text_panics(text in "[0-9.eE+-]{0,12}|.*") {
            whole(&text);
            for unit in [TimeUnit::S, TimeUnit::Ms, TimeUnit::Rfc3339, TimeUnit::Utc] {
                time(unit, &text);
            }
        }
    }

    #[test]
    fn each_unit_reads_what_providers_write() {
        let at = "2026-11-29T18:03:20.123Z";
        for (unit, text) in [
            (TimeUnit::S, "1795975400.123456"),
            (TimeUnit::Ms, "1795975400123"),
            (TimeUnit::Ms, "1795975400123.0"),
            (TimeUnit::Ms, "1.795975400123E12"),
            (TimeUnit::Rfc3339, "2026-11-29T18:03:20.123456Z"),
            (TimeUnit::Rfc3339, "2026-11-29T18:03:20.123456789Z"),
            (TimeUnit::Rfc3339, "2026-11-29T18:03:20.123456789012345Z"),
            (TimeUnit::Rfc3339, "2026-11-29 19:03:20.1234567890123456789 +01:00"),
            (TimeUnit::Utc, "2026-11-29T18:03:20.1234567890"),
            (TimeUnit::Rfc3339, "2026-11-29 18:03:20.123 UTC"),
            (TimeUnit::Rfc3339, "2026-11-29 10:03:20.123 -0800"),
            (TimeUnit::Rfc3339, "2026-11-29 19:03:20.123 +01:00"),
            (TimeUnit::Rfc3339, "2026-11-29T19:03:20,123+0100"),
            (TimeUnit::Utc, "2026-11-29T18:03:20.123"),
            (TimeUnit::Utc, "2026-11-29 18:03:20.123"),
            (TimeUnit::Utc, "2026-11-29T19:03:20.123+01:00"),
        ] {
            assert_eq!(time(unit, text).map(|time| time.to_string()).as_deref(), Some(at), "{text}");
        }
        assert_eq!(time(TimeUnit::S, "1795975400.0").map(Timestamp::unix_ms), Some(1_795_975_400_000));
        assert_eq!(time(TimeUnit::S, "1.7959754E9").map(Timestamp::unix_ms), Some(1_795_975_400_000));
        let whole_seconds = time(TimeUnit::Rfc3339, "Sun, 29 Nov 2026 18:03:20 GMT").map(Timestamp::unix_ms);
        assert_eq!(whole_seconds, Some(1_795_975_400_000));
        // Without an offset the time is unknown.
        assert_eq!(time(TimeUnit::Rfc3339, "2026-11-29 18:03:20"), None);
        for text in ["", "soon", "-5", "1795975400.12x", "2026-13-01T00:00:00Z"] {
            for unit in [TimeUnit::S, TimeUnit::Ms, TimeUnit::Rfc3339, TimeUnit::Utc] {
                assert_eq!(time(unit, text), None, "{text}");
            }
        }
    }
}
