//! Limits the fetches that requests can cause by naming an address. Requests may be forged.
//!
//! Promises: a burst of [`MAX_KEY_FETCHES`], then one fetch in each [`KEY_FETCH_INTERVAL`]. A flood of invented
//! addresses can use these up, so there is a reserve that it can't use: an address that was turned away and is named
//! again, as a genuine one is with every retry, is fetched from the reserve. Memory is bounded.

use std::collections::VecDeque;
use std::time::Duration;
use tidings_config::limits::{
    KEY_FETCH_INTERVAL, KEY_RESERVE_INTERVAL, MAX_KEY_FETCHES, MAX_RESERVED_KEY_FETCHES, MAX_TURNED_AWAY, TURNED_AWAY_FOR,
};
use tidings_config::time::Timestamp;

/// The budget of one source.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    common: Bucket,
    reserve: Bucket,
    /// Addresses that found no budget, with the time, the oldest first.
    turned_away: VecDeque<(String, Timestamp)>,
}

impl Default for Budget {
    fn default() -> Self {
        let common = Bucket::new(MAX_KEY_FETCHES, KEY_FETCH_INTERVAL);
        Self { common, reserve: Bucket::new(MAX_RESERVED_KEY_FETCHES, KEY_RESERVE_INTERVAL), turned_away: VecDeque::new() }
    }
}

impl Budget {
    /// Whether this address may be fetched now.
    pub(super) fn take(&mut self, url: &str, now: Timestamp) -> bool {
        if self.common.take(now) {
            return true;
        }
        let before = self.turned_away.iter().find(|(known, _)| known == url).map(|(_, at)| *at);
        if before.is_some_and(|at| now.since(at) >= TURNED_AWAY_FOR) {
            return self.reserve.take(now);
        }
        if before.is_none() {
            self.turned_away.push_back((url.to_owned(), now));
            if self.turned_away.len() > MAX_TURNED_AWAY {
                self.turned_away.pop_front();
            }
        }
        false
    }
}

/// A token bucket.
#[derive(Clone, Debug)]
struct Bucket {
    most: u32,
    each: Duration,
    tokens: u32,
    /// When the last token was added.
    filled: Option<Timestamp>,
}

impl Bucket {
    const fn new(most: u32, each: Duration) -> Self {
        Self { most, each, tokens: most, filled: None }
    }

    fn take(&mut self, now: Timestamp) -> bool {
        let filled = *self.filled.get_or_insert(now);
        let whole = now.since(filled).as_millis() / self.each.as_millis();
        let back = u32::try_from(whole).unwrap_or(u32::MAX).min(self.most);
        if back > 0 {
            self.tokens = self.tokens.saturating_add(back).min(self.most);
            let passed = u32::try_from(whole).unwrap_or(u32::MAX);
            self.filled = Some(if self.tokens == self.most { now } else { filled.plus(self.each * passed) });
        }
        let has = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

    fn spend(budget: &mut Budget, now: Timestamp) -> u32 {
        (0..1_000).map(|n| u32::from(budget.take(&format!("{now}/{n}"), now))).sum()
    }

    #[test]
    fn a_burst_is_allowed_and_then_one_in_each_interval() {
        let mut budget = Budget::default();
        assert_eq!(spend(&mut budget, START), MAX_KEY_FETCHES);
        let before = KEY_FETCH_INTERVAL - Duration::from_millis(1);
        assert_eq!(spend(&mut budget, START.plus(before)), 0);
        assert_eq!(spend(&mut budget, START.plus(KEY_FETCH_INTERVAL)), 1);
        assert_eq!(spend(&mut budget, START.plus(KEY_FETCH_INTERVAL + before)), 0);
        assert_eq!(spend(&mut budget, START.plus(KEY_FETCH_INTERVAL * 4)), 3);
        assert_eq!(spend(&mut budget, START.plus(KEY_FETCH_INTERVAL * 1_000)), MAX_KEY_FETCHES);
    }

    #[test]
    fn an_address_that_returns_after_a_refusal_uses_the_reserve() {
        let mut budget = Budget::default();
        spend(&mut budget, START);
        assert!(!budget.take("genuine", START));
        let early = START.plus(TURNED_AWAY_FOR - Duration::from_millis(1));
        assert!(!budget.take("genuine", early), "a burst of one address is one flood");
        let again = START.plus(TURNED_AWAY_FOR);
        assert_eq!(spend(&mut budget, again), 0, "new addresses can't use the reserve");
        assert!(!budget.take("genuine", again), "newer ones displaced it");
        let mut budget = Budget::default();
        spend(&mut budget, START);
        budget.take("genuine", START);
        assert!(budget.take("genuine", again));
        let of_reserve = (1..10).filter(|_| budget.take("genuine", again)).count();
        assert_eq!(of_reserve, MAX_RESERVED_KEY_FETCHES as usize - 1);
    }

    #[test]
    fn a_clock_that_goes_back_adds_no_tokens() {
        let mut budget = Budget::default();
        spend(&mut budget, START);
        assert_eq!(spend(&mut budget, START.minus(Duration::from_secs(3_600))), 0);
    }
}
