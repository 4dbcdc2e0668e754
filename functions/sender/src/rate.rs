//! Rates: token buckets of this process. A channel's rate is divided by the number of processes, since none knows of the
//! others.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;
use tidings_config::limits::MAX_RECIPIENTS_KNOWN;
use tidings_config::time::Timestamp;
use tidings_outgoing::Limits;

/// A recipient's bucket is kept for so long without a message.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// The buckets. Pure: the time is an argument.
#[derive(Debug)]
pub(crate) struct Rates {
    processes: f64,
    channels: BTreeMap<String, Bucket>,
    recipients: BTreeMap<(String, String), Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

/// So many messages a second, and so many at once.
#[derive(Clone, Copy, Debug)]
struct Rate {
    per_second: f64,
    at_once: f64,
}

impl Bucket {
    /// The time until it has a token; zero: now.
    fn wait(&mut self, rate: Rate, now: Timestamp) -> Duration {
        self.tokens = (self.tokens + now.since(self.at).as_secs_f64() * rate.per_second).min(rate.at_once);
        self.at = now;
        Duration::from_secs_f64(((1.0 - self.tokens) / rate.per_second).max(0.0))
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self::shared_by(NonZeroU32::MIN)
    }
}

impl Rates {
    pub(crate) fn shared_by(processes: NonZeroU32) -> Self {
        Self { processes: f64::from(processes.get()), channels: BTreeMap::new(), recipients: BTreeMap::new() }
    }

    /// Takes a token of the channel and one of the recipient. Errors: how long it must wait; nothing is taken then.
    pub(crate) fn take(&mut self, channel: &str, recipient: &str, limits: &Limits, now: Timestamp) -> Result<(), Duration> {
        let of_channel = limits.per_second.map(|per_second| {
            let per_second = (f64::from(per_second.max(1)) / self.processes).max(0.1);
            Rate { per_second, at_once: per_second.max(1.0) }
        });
        let of_recipient = limits.per_recipient.map(|rate| {
            let (messages, seconds) = (f64::from(rate.messages.max(1)), f64::from(rate.seconds.max(1)));
            Rate { per_second: messages / seconds, at_once: messages }
        });
        if self.recipients.len() >= MAX_RECIPIENTS_KNOWN {
            // A bucket that wasn't used for so long is full again, or nearly.
            self.recipients.retain(|_, bucket| now.since(bucket.at) < FORGOTTEN_AFTER);
        }
        let full = |rate: Rate| Bucket { tokens: rate.at_once, at: now };
        let key = (channel.to_owned(), recipient.to_owned());
        let channel = of_channel.map(|rate| (self.channels.entry(channel.to_owned()).or_insert_with(|| full(rate)), rate));
        let recipient = of_recipient.map(|rate| (self.recipients.entry(key).or_insert_with(|| full(rate)), rate));
        let mut taken: Vec<(&mut Bucket, Rate)> = channel.into_iter().chain(recipient).collect();
        let wait = taken.iter_mut().map(|(bucket, rate)| bucket.wait(*rate, now)).max().unwrap_or_default();
        if wait > Duration::ZERO {
            return Err(wait);
        }
        taken.into_iter().for_each(|(bucket, _)| bucket.tokens -= 1.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_outgoing::Rate as Written;

    const START: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

    fn limits(per_second: Option<u32>, per_recipient: Option<(u32, u32)>) -> Limits {
        let per_recipient = per_recipient.map(|(messages, seconds)| Written { messages, seconds });
        Limits { per_second, per_recipient, ..Limits::default() }
    }

    fn taken(rates: &mut Rates, recipient: &str, limits: &Limits, now: Timestamp, times: u32) -> u32 {
        (0..times).filter(|_| rates.take("telegram", recipient, limits, now).is_ok()).count().try_into().unwrap()
    }

    #[test]
    fn a_channel_has_its_rate_in_all_processes_together() {
        let mut rates = Rates::shared_by(NonZeroU32::new(3).unwrap());
        let limits = limits(Some(30), None);
        assert_eq!(taken(&mut rates, "a", &limits, START, 50), 10);
        assert_eq!(taken(&mut rates, "b", &limits, START.plus(Duration::from_millis(500)), 50), 5);
        assert_eq!(taken(&mut rates, "b", &limits, START.plus(Duration::from_secs(3_600)), 50), 10, "an hour's aren't saved");
    }

    #[test]
    fn a_recipient_waits_alone() {
        let (mut rates, limits) = (Rates::default(), limits(None, Some((1, 2))));
        assert_eq!(taken(&mut rates, "a", &limits, START, 5), 1);
        assert_eq!(rates.take("telegram", "a", &limits, START), Err(Duration::from_secs(2)));
        assert_eq!(taken(&mut rates, "b", &limits, START, 5), 1);
        assert!(rates.take("other", "a", &limits, START).is_ok(), "another channel's recipient");
        assert_eq!(taken(&mut rates, "a", &limits, START.plus(Duration::from_secs(2)), 5), 1);
    }

    #[test]
    fn what_is_known_of_recipients_is_bounded() {
        let (mut rates, limits) = (Rates::default(), limits(None, Some((1, 1))));
        for n in 0..3 * MAX_RECIPIENTS_KNOWN {
            let now = START.plus(Duration::from_secs(n as u64));
            assert!(rates.take("telegram", &n.to_string(), &limits, now).is_ok());
        }
        assert!(rates.recipients.len() <= MAX_RECIPIENTS_KNOWN);
        assert!(rates.take("telegram", "x", &Limits::default(), START).is_ok(), "no limit");
    }
}
