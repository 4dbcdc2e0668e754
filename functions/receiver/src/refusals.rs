//! Which refusals are written down. Whoever sends forged requests mustn't write our log, which is paid for by the byte.
//!
//! Promises: of each [`REFUSALS_WINDOW`] the first [`MAX_REFUSALS_LOGGED`] of this container, whatever their reason; how many
//! weren't, in the next line. What is counted doesn't depend on it.

use std::sync::Mutex;
use tidings_config::limits::{MAX_REFUSALS_LOGGED, REFUSALS_WINDOW};
use tidings_config::time::Timestamp;

/// What was written down lately.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Lately>);

#[derive(Debug, Default)]
struct Lately {
    since: Option<Timestamp>,
    logged: u32,
    unlogged: u64,
}

impl Refusals {
    /// Whether to write down one more: with how many weren't before it.
    pub(crate) fn admit(&self, now: Timestamp) -> Option<u64> {
        let mut lately = self.0.lock().expect("nothing panics while it holds this");
        if lately.since.is_none_or(|since| now.distance(since) >= REFUSALS_WINDOW) {
            lately.since = Some(now);
            lately.logged = 0;
        }
        if lately.logged >= MAX_REFUSALS_LOGGED {
            lately.unlogged += 1;
            return None;
        }
        lately.logged += 1;
        Some(std::mem::take(&mut lately.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flood_the_first_are_written_down_and_the_rest_is_counted() {
        let refusals = Refusals::default();
        let at = |ms: i64| Timestamp::from_unix_ms(1_795_168_800_000 + ms);
        for n in 0..MAX_REFUSALS_LOGGED {
            assert_eq!(refusals.admit(at(0)), Some(0), "{n}");
        }
        let end = i64::try_from(REFUSALS_WINDOW.as_millis()).unwrap();
        assert_eq!((refusals.admit(at(0)), refusals.admit(at(end - 1))), (None, None));
        assert_eq!((refusals.admit(at(end)), refusals.admit(at(end))), (Some(2), Some(0)));
    }
}
