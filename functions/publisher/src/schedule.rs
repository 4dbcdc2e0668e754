//! What follows from an attempt: done, again at a time, or never again. Pure.

use crate::delivery::AttemptResult;
use crate::endpoint::Health;
use crate::limits::{MAX_JITTER_PERCENT, MAX_RETRY_AFTER, SCHEDULE};
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_core::ports::{Answered, CallError};

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    Retry {
        due: Timestamp,
    },
    GiveUp,
    /// The endpoint wants no more webhooks.
    Gone,
}

/// What an attempt came to.
pub fn result(answer: &Result<Answered, CallError>) -> AttemptResult {
    match answer {
        Ok(answered) if (200..300).contains(&answered.status) => AttemptResult::Delivered,
        Ok(_) => AttemptResult::Refused,
        Err(CallError::NotSent(_)) => AttemptResult::NotSent,
        Err(CallError::NoAnswer(_)) => AttemptResult::NoAnswer,
        Err(CallError::Forbidden(_)) => AttemptResult::NotAllowed,
    }
}

/// What it says about the endpoint.
pub fn health(answer: &Result<Answered, CallError>) -> Health {
    match answer {
        Ok(answered) if (200..300).contains(&answered.status) => Health::Succeeded,
        Ok(answered) if answered.status == GONE => Health::Gone,
        Ok(_) | Err(_) => Health::Failed,
    }
}

const GONE: u16 = 410;

/// What an attempt came to, at whatever it was made: its record, what it says about the endpoint or sink, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    pub result: AttemptResult,
    /// `None`: it says nothing about the endpoint or sink.
    pub health: Option<Health>,
    pub means: Means,
    pub status: Option<u16>,
    pub reason: Option<String>,
    /// The body of the answer.
    pub answer: Vec<u8>,
}

/// What follows for the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    Done,
    /// By the schedule, but not before this time.
    Again {
        after: Option<Duration>,
    },
    Never,
    /// The endpoint wants no more webhooks.
    Gone,
}

impl Came {
    /// What an endpoint's answer comes to.
    pub fn of(answer: &Result<Answered, CallError>, now: Timestamp) -> Self {
        let (status, reason, body) = match answer {
            Ok(answered) => (Some(answered.status), None, answered.body.clone()),
            Err(error) => (None, Some(error.to_string()), Vec::new()),
        };
        let means = match answer {
            Ok(answered) if (200..300).contains(&answered.status) => Means::Done,
            Ok(answered) if answered.status == GONE => Means::Gone,
            // A retry doesn't help: the address is wrong.
            Err(CallError::Forbidden(_)) => Means::Never,
            Ok(answered) => Means::Again { after: retry_after(answered, now) },
            Err(CallError::NotSent(_) | CallError::NoAnswer(_)) => Means::Again { after: None },
        };
        Self { result: result(answer), health: Some(health(answer)), means, status, reason, answer: body }
    }
}

/// `failures`: attempts of this schedule, the present one included. `jitter`: from 0 to 1.
pub fn verdict(means: Means, failures: usize, now: Timestamp, jitter: f64) -> Verdict {
    match means {
        Means::Done => Verdict::Delivered,
        Means::Gone => Verdict::Gone,
        Means::Never => Verdict::GiveUp,
        Means::Again { after } => match failures.checked_sub(1).and_then(|n| SCHEDULE.get(n)) {
            None => Verdict::GiveUp,
            Some(step) => {
                let jitter = step.mul_f64(jitter.clamp(0.0, 1.0) * f64::from(MAX_JITTER_PERCENT) / 100.0);
                Verdict::Retry { due: now.plus((*step + jitter).max(after.unwrap_or_default())) }
            }
        },
    }
}

/// The time of `Retry-After`, in seconds or as a date, up to [`MAX_RETRY_AFTER`]. Any answer may have it.
fn retry_after(answered: &Answered, now: Timestamp) -> Option<Duration> {
    let (_, value) = answered.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let value = value.trim();
    let time = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        // Too many digits for a number are still a long time.
        Err(_) if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => MAX_RETRY_AFTER,
        Err(_) => Timestamp::parse_http_date(value)?.since(now),
    };
    Some(time.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(answer: &Result<Answered, CallError>, failures: usize, now: Timestamp, jitter: f64) -> Verdict {
        super::verdict(Came::of(answer, now).means, failures, now, jitter)
    }

    const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

    fn answered(status: u16, headers: &[(&str, &str)]) -> Result<Answered, CallError> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Ok(Answered { status, headers, body: Vec::new() })
    }

    fn in_seconds(verdict: Verdict) -> Option<u64> {
        match verdict {
            Verdict::Retry { due } => Some(due.since(NOW).as_secs()),
            Verdict::Delivered | Verdict::GiveUp | Verdict::Gone => None,
        }
    }

    #[test]
    fn a_failed_attempt_is_repeated_by_the_schedule_and_then_given_up() {
        let expected = [60, 300, 1_800, 7_200, 28_800, 86_400];
        for answer in [answered(500, &[]), answered(404, &[]), answered(301, &[]), Err(CallError::NoAnswer(String::new()))] {
            for (n, seconds) in expected.iter().enumerate() {
                assert_eq!(in_seconds(verdict(&answer, n + 1, NOW, 0.0)), Some(*seconds));
                let late = in_seconds(verdict(&answer, n + 1, NOW, 1.0)).unwrap();
                assert_eq!(late, seconds + seconds / 10, "with all jitter");
            }
            assert_eq!(verdict(&answer, expected.len() + 1, NOW, 0.0), Verdict::GiveUp);
        }
    }

    #[test]
    fn every_2xx_is_delivered_and_410_ends_the_endpoint() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(
                (verdict(&answered(status, &[]), 1, NOW, 0.0), health(&answered(status, &[]))),
                (Verdict::Delivered, Health::Succeeded)
            );
        }
        assert_eq!((verdict(&answered(410, &[]), 1, NOW, 0.0), health(&answered(410, &[]))), (Verdict::Gone, Health::Gone));
        for status in [199, 300, 400, 429, 500, 503] {
            assert_eq!(health(&answered(status, &[])), Health::Failed);
        }
    }

    #[test]
    fn an_address_that_is_not_allowed_is_not_tried_again() {
        let forbidden = Err(CallError::Forbidden("the address isn't public".to_owned()));
        assert_eq!((verdict(&forbidden, 1, NOW, 0.5), result(&forbidden)), (Verdict::GiveUp, AttemptResult::NotAllowed));
    }

    #[test]
    fn retry_after_makes_the_time_longer_up_to_its_bound_and_never_shorter() {
        let date = "Fri, 20 Nov 2026 11:00:00 GMT";
        assert_eq!(NOW.to_string(), "2026-11-20T10:00:00.000Z");
        for (value, seconds) in [
            ("0", 60),
            ("59", 60),
            ("61", 61),
            ("3600", 3_600),
            ("86400", 86_400),
            ("86401", 86_400),
            ("99999999999999999999999", 86_400),
            (date, 3_600),
            ("Fri, 20 Nov 2026 09:00:00 GMT", 60),
            ("soon", 60),
            ("", 60),
            ("-1", 60),
            ("1.5", 60),
            (" 120 ", 120),
        ] {
            for status in [429, 503, 500] {
                let answer = answered(status, &[("Retry-After", value)]);
                assert_eq!(in_seconds(verdict(&answer, 1, NOW, 0.0)), Some(seconds), "{value:?}");
            }
        }
    }
}
