//! How many events have had one body: the bound on what whoever holds one captured request can repeat.
//!
//! Only of sources whose event key has a part that isn't signed, the provider's id of the delivery. The signed bytes can be sent again
//! under an id that somebody made up, and are another event then. The count is an item of its own, of one content and one window of
//! time, and changes in the transaction of each event's effect: so each event counts once, however often it comes.

use super::{ItemKey, Place};
use serde::{Deserialize, Serialize};
use tidings_config::limits::{DELIVERIES_WINDOW, MAX_DELIVERIES_PER_BODY};
use tidings_config::time::Timestamp;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliveries {
    /// Whose effect is in a context.
    pub events: u32,
}

impl Deliveries {
    /// Where they are counted at this time. `content_key` is the hash of the signed bytes.
    pub fn place(source: &str, content_key: &str, now: Timestamp) -> Place {
        Place::new(format!("{source}#{content_key}@{}", window(now)), ItemKey::Deliveries)
    }

    /// With one more. `None`: there have been as many as there may be.
    #[must_use]
    pub fn with_one_more(self) -> Option<Self> {
        (self.events < MAX_DELIVERIES_PER_BODY).then(|| Self { events: self.events + 1 })
    }

    /// When the next window begins.
    pub fn again(now: Timestamp) -> Timestamp {
        let seconds = (window(now) + 1).saturating_mul(window_s());
        Timestamp::from_unix_s(seconds).unwrap_or(now)
    }

    /// When DynamoDB may delete it: its window is over.
    pub fn expires(self, written: Timestamp) -> Timestamp {
        written.plus(DELIVERIES_WINDOW)
    }
}

fn window_s() -> i64 {
    i64::try_from(DELIVERIES_WINDOW.as_secs()).unwrap_or(i64::MAX)
}

fn window(now: Timestamp) -> i64 {
    now.unix_s().div_euclid(window_s())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_bound_holds_on_both_sides() {
        let last = Deliveries { events: MAX_DELIVERIES_PER_BODY - 1 }.with_one_more();
        assert_eq!(last, Some(Deliveries { events: MAX_DELIVERIES_PER_BODY }));
        assert_eq!(last.and_then(Deliveries::with_one_more), None);
    }

    #[test]
    fn a_window_is_a_place_of_its_own_and_its_item_outlives_it() {
        let now = Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap();
        let again = Deliveries::again(now);
        let place = |at| Deliveries::place("github", "sha256:00", at);
        assert!(now < again && again.since(now) <= DELIVERIES_WINDOW);
        let before = again.minus(Duration::from_millis(1));
        assert_eq!(place(now), place(before));
        assert_ne!(place(before), place(again));
        assert!(Deliveries::default().expires(now) >= again);
        for other in [Deliveries::place("gitlab", "sha256:00", now), Deliveries::place("github", "sha256:01", now)] {
            assert_ne!(other, place(now));
        }
    }
}
