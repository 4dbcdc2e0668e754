//! The share of the events that have a line of their own: parameter `LogSampling`.
//!
//! Promises: an event that is chosen has the lines of both functions, because the choice follows from its claim key. What
//! failed is always logged; nothing here decides about it. A process has one share, which [`set`](Sampling::set) takes
//! from its settings.

use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU8, Ordering};

const ALL: u8 = 100;

static SHARE: AtomicU8 = AtomicU8::new(ALL);

/// A percentage of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling(u8);

impl Sampling {
    /// Every event has lines.
    pub const FULL: Self = Self(ALL);

    /// `None`: more than 100.
    pub const fn percent(percent: u8) -> Option<Self> {
        if percent <= ALL { Some(Self(percent)) } else { None }
    }

    /// Chooses by this share from now on, in the whole process. `init` does it; a test of its own process may.
    pub fn set(self) {
        SHARE.store(self.0, Ordering::Relaxed);
    }

    fn chooses(self, claim_key: &str) -> bool {
        match self.0 {
            0 => false,
            ALL.. => true,
            share => {
                let hash = Sha256::digest(claim_key.as_bytes());
                // Two of its bytes: a bias of 36 in 65,536.
                u16::from_be_bytes([hash[0], hash[1]]) % u16::from(ALL) < u16::from(share)
            }
        }
    }
}

/// Whether an event that went well has its line.
pub fn is_sampled(claim_key: &str) -> bool {
    Sampling(SHARE.load(Ordering::Relaxed)).chooses(claim_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_events_is_chosen_and_always_the_same_ones() {
        let keys: Vec<String> = (0..10_000).map(|n| format!("stripe#evt_{n}")).collect();
        let chosen = |percent: u8| {
            let sampling = Sampling::percent(percent).expect("a percentage");
            keys.iter().filter(|key| sampling.chooses(key)).cloned().collect::<Vec<_>>()
        };
        assert_eq!((chosen(0).len(), chosen(100).len()), (0, keys.len()));
        for percent in [1, 10, 50, 99] {
            let share = chosen(percent).len().abs_diff(usize::from(percent) * 100);
            assert!(share < 200, "{percent} %: {} of 10,000", chosen(percent).len());
            assert_eq!(chosen(percent), chosen(percent));
        }
        let (tenth, half) = (chosen(10), chosen(50));
        assert!(tenth.iter().all(|key| half.contains(key)), "a larger share has the events of a smaller one");
        assert_eq!(Sampling::percent(101), None);
    }
}
