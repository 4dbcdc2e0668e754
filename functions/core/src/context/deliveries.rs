//! Counts the events with one body: the bound on repetitions of a captured request.
//!
//! Only for sources with an event key that is partly unsigned (the provider's id of the delivery). The signed bytes
//! can be sent again with an invented id, and are then another event. The count is an item of its own for each
//! content and window of time. It changes in the transaction of each event's effect, so each event counts once,
//! however often it is delivered.

use super::{ItemKey, Place};
use serde::{Deserialize, Serialize};
use tidings_config::limits::{DELIVERIES_WINDOW, MAX_DELIVERIES_PER_BODY};
use tidings_config::time::Timestamp;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliveries {
    /// Events that had an effect.
    pub events: u32,
}

impl Deliveries {
    /// The place of the count at this time. `content_key` is the hash of the signed bytes.
    pub fn place(source: &str, content_key: &str, now: Timestamp) -> Place {
        Place::new(format!("{source}#{content_key}@{}", window(now)), ItemKey::Deliveries)
    }

    /// The count plus one. `None`: the limit is reached.
    #[must_use]
    pub fn with_one_more(self) -> Option<Self> {
        (self.events < MAX_DELIVERIES_PER_BODY).then(|| Self { events: self.events + 1 })
    }

    /// When the next window begins.
    pub fn again(now: Timestamp) -> Timestamp {
        let seconds = (window(now) + 1).saturating_mul(window_s());
        Timestamp::from_unix_s(seconds).unwrap_or(now)
    }

    /// When DynamoDB may delete it: after its window.
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
