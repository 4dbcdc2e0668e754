//! A claim's position in a conversation's timeline, as the sort key of the claims table's index.

use super::ClaimKey;
use serde::Serialize;
use std::fmt;
use tidings_config::time::Timestamp;

/// The event's own time and its claim key: `2026-11-20T10:00:00.000Z#stripe#evt_1`. It sorts by time, then by key.
/// Only this module writes and parses the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TimelineKey(String);

impl TimelineKey {
    pub fn new(time: Timestamp, key: &ClaimKey) -> Self {
        Self(format!("{time}#{key}"))
    }

    /// A key as stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The event's own time. `None` if the stored text doesn't begin with one.
    pub fn time(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(self.0.split('#').next()?)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The smallest and the greatest text of the keys between two times, both included; `None` is unbounded. A blank
    /// sorts before every key, and `~` after every first character of a key.
    pub fn range(since: Option<Timestamp>, until: Option<Timestamp>) -> (String, String) {
        (since.map_or(" ".to_owned(), |since| since.to_string()), until.map_or("~".to_owned(), |until| format!("{until}~")))
    }
}

impl fmt::Display for TimelineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_key_keeps_its_stored_form_and_contains_its_time() {
        let time = Timestamp::from_unix_ms(1_795_168_800_250);
        let key = TimelineKey::new(time, &ClaimKey::new("stripe", "evt#1"));
        assert_eq!(key.as_str(), format!("{time}#stripe#evt#1"));
        assert_eq!(TimelineKey::stored(key.as_str().to_owned()).time(), Some(time));
        assert_eq!(TimelineKey::stored("later".to_owned()).time(), None);
    }

    #[test]
    fn a_range_includes_its_first_and_its_last_moment() {
        let at = |ms| TimelineKey::new(Timestamp::from_unix_ms(ms), &ClaimKey::new("s", "1"));
        let (from, to) = TimelineKey::range(Some(Timestamp::from_unix_ms(1_000)), Some(Timestamp::from_unix_ms(2_000)));
        let inside = |ms| (from.as_str()..=to.as_str()).contains(&at(ms).as_str());
        assert_eq!([999, 1_000, 2_000, 2_001].map(inside), [false, true, true, false]);
        let (from, to) = TimelineKey::range(None, None);
        assert!((from.as_str()..=to.as_str()).contains(&at(0).as_str()));
    }
}
