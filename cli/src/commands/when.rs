//! A time as people write it: a point in time, or how long ago.

use std::str::FromStr;
use tidings_config::rules::Span;
use tidings_config::time::Timestamp;

/// A time as people write it.
#[derive(Clone, Copy, Debug)]
pub enum When {
    At(Timestamp),
    Ago(Span),
}

impl When {
    pub fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => now.minus(span.duration()),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ago = || text.parse().map(Self::Ago);
        let neither = |_| format!("{text:?} isn't a time; write it as 2026-11-20T15:00:00Z, or as 90s, 10m, 24h, 7d ago");
        Timestamp::parse_rfc3339(text).map_or_else(ago, |at| Ok(Self::At(at))).map_err(neither)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_point_in_time_or_a_span_before_now() {
        let now = Timestamp::parse_rfc3339("2026-11-24T12:00:00Z").unwrap();
        for (text, expected) in [("2h", "2026-11-24T10:00:00.000Z"), ("2026-11-20T15:30:00+01:00", "2026-11-20T14:30:00.000Z")] {
            assert_eq!(text.parse::<When>().unwrap().from(now).to_string(), expected, "{text}");
        }
        for bad in ["", "yesterday", "0s", "-2h", "2026-11-20"] {
            assert!(bad.parse::<When>().unwrap_err().contains("90s, 10m, 24h, 7d ago"), "{bad}");
        }
    }
}
