//! Tells of stopped requests once a minute for each source and reason, with their number: a flood costs no log.
//!
//! The number of the last minute is told with the next request of the source. If there is none before Lambda ends the
//! execution environment, it is lost: the metrics are a lower bound.

use super::Stop;
use std::collections::BTreeMap;
use tidings_config::limits::REFUSALS_WINDOW;
use tidings_config::time::Timestamp;

/// What wasn't told yet, by the source's place and the reason.
#[derive(Debug, Default)]
pub(super) struct Sampled(BTreeMap<(usize, Stop), Untold>);

#[derive(Debug)]
struct Untold {
    told: Timestamp,
    requests: u64,
}

impl Sampled {
    /// Counts one more. Returns how many to tell of now, if any.
    pub(super) fn count(&mut self, source: usize, why: Stop, now: Timestamp) -> Option<u64> {
        let first = !self.0.contains_key(&(source, why));
        let untold = self.0.entry((source, why)).or_insert(Untold { told: now, requests: 0 });
        untold.requests += 1;
        (first || untold.is_due(now)).then(|| untold.tell(now))
    }

    /// The reasons of a source whose last minute is over, and the requests that nobody was told of.
    pub(super) fn due(&mut self, source: usize, now: Timestamp) -> Vec<(Stop, u64)> {
        let of_source = self.0.iter_mut().filter(|((of, _), _)| *of == source);
        let due = of_source.filter(|(_, untold)| untold.requests > 0 && untold.is_due(now));
        due.map(|((_, why), untold)| (*why, untold.tell(now))).collect()
    }
}

impl Untold {
    fn is_due(&self, now: Timestamp) -> bool {
        now.distance(self.told) >= REFUSALS_WINDOW
    }

    fn tell(&mut self, now: Timestamp) -> u64 {
        self.told = now;
        std::mem::take(&mut self.requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_at_once_and_the_others_once_a_minute() {
        let mut sampled = Sampled::default();
        let window = i64::try_from(REFUSALS_WINDOW.as_millis()).unwrap();
        let at = |ms: i64| Timestamp::from_unix_ms(1_795_168_800_000 + ms);
        assert_eq!(sampled.count(0, Stop::AddressRate, at(0)), Some(1));
        assert_eq!(sampled.count(0, Stop::AddressRate, at(0)), None);
        assert_eq!(sampled.count(0, Stop::NotAllowed, at(0)), Some(1), "another reason");
        assert_eq!(sampled.count(1, Stop::AddressRate, at(0)), Some(1), "another source");
        assert_eq!(sampled.count(0, Stop::AddressRate, at(window - 1)), None);
        assert_eq!(sampled.due(0, at(window - 1)), []);
        assert_eq!(sampled.count(0, Stop::AddressRate, at(window)), Some(3));
        assert_eq!(sampled.count(0, Stop::AddressRate, at(window)), None);
        assert_eq!(sampled.due(0, at(2 * window)), [(Stop::AddressRate, 1)]);
        assert_eq!(sampled.due(0, at(9 * window)), [], "there were no others");
    }
}
