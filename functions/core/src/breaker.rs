//! A circuit breaker for a failing API or channel.
//!
//! ```text
//!            BREAKER_FAILURES in a row                BREAKER_PAUSE over
//!   closed ────────────────────────────▶ open ─────────────────────────────▶ one may try
//!      ▲                                   ▲                                    │    │
//!      └───────────────────────────────────┼──────────── it is answered ────────┘    │
//!                                          └──────────── it fails ───────────────────┘
//! ```

use tidings_config::limits::{BREAKER_FAILURES, BREAKER_PAUSE};
use tidings_config::time::Timestamp;

/// The breaker of one API or channel. Pure: the time is an argument.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breaker {
    /// Consecutive failures.
    failures: u32,
    open_until: Option<Timestamp>,
}

impl Breaker {
    /// Whether a fetch may be tried. After the pause, an open breaker allows a single fetch.
    pub fn allows(&mut self, now: Timestamp) -> bool {
        match self.open_until {
            Some(until) if now < until => false,
            Some(_) => {
                self.open_until = Some(now.plus(BREAKER_PAUSE));
                true
            }
            None => true,
        }
    }

    /// Opens it without waiting for more failures: the next call would fail as well. Returns whether it was closed.
    pub fn open(&mut self, now: Timestamp) -> bool {
        let opens = self.open_until.is_none();
        self.failures = self.failures.max(BREAKER_FAILURES);
        self.open_until = Some(now.plus(BREAKER_PAUSE));
        opens
    }

    pub fn answered(&mut self) {
        *self = Self::default();
    }

    /// Counts a failure. Returns whether it opens the breaker.
    pub fn failed(&mut self, now: Timestamp) -> bool {
        let opens = self.open_until.is_none();
        self.failures += 1;
        if self.failures < BREAKER_FAILURES {
            return false;
        }
        self.open_until = Some(now.plus(BREAKER_PAUSE));
        opens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

    #[test]
    fn consecutive_failures_open_the_breaker_and_a_response_resets_the_count() {
        let mut breaker = Breaker::default();
        for _ in 1..BREAKER_FAILURES {
            assert!(!breaker.failed(START));
        }
        breaker.answered();
        for _ in 1..BREAKER_FAILURES {
            assert!(!breaker.failed(START));
            assert!(breaker.allows(START));
        }
        assert!(breaker.failed(START), "the last failure opens it");
        assert!(!breaker.allows(START));
    }

    #[test]
    fn a_breaker_that_is_opened_at_once_closes_like_any_other() {
        let mut breaker = Breaker::default();
        assert!(breaker.open(START) && !breaker.open(START));
        assert!(!breaker.allows(START) && breaker.allows(START.plus(BREAKER_PAUSE)));
        breaker.answered();
        assert!(breaker.allows(START) && !breaker.failed(START));
    }

    #[test]
    fn after_the_pause_a_single_fetch_is_allowed() {
        let mut breaker = Breaker::default();
        let opened: Vec<bool> = (0..BREAKER_FAILURES).map(|_| breaker.failed(START)).collect();
        assert_eq!(opened.iter().position(|opened| *opened), Some(opened.len() - 1));
        let over = START.plus(BREAKER_PAUSE);
        assert!(!breaker.allows(Timestamp::from_unix_ms(over.unix_ms() - 1)));
        assert!(breaker.allows(over), "one");
        assert!(!breaker.allows(over), "no second fetch at the same time");
        assert!(!breaker.failed(over), "it was open before");
        assert!(!breaker.allows(over));
        let again = over.plus(BREAKER_PAUSE);
        assert!(breaker.allows(again));
        breaker.answered();
        assert!(breaker.allows(again) && breaker.allows(again));
    }
}
