//! Limits the logging of refusals. Forged requests must not fill our log, which is billed by the byte.
//!
//! Promises: this container logs the first [`MAX_REFUSALS_LOGGED`] of each [`REFUSALS_WINDOW`], for any reason; the
//! next line has the number of the others. Metrics aren't affected.

use std::sync::Mutex;
use tidings_config::limits::{MAX_REFUSALS_LOGGED, REFUSALS_WINDOW};
use tidings_config::time::Timestamp;

/// The recently logged refusals.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Lately>);

#[derive(Debug, Default)]
struct Lately {
    since: Option<Timestamp>,
    logged: u32,
    unlogged: u64,
}

impl Refusals {
    /// Whether to log one more, and how many weren't logged before it.
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
    fn the_first_of_a_flood_are_logged_and_the_rest_is_counted() {
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
