//! A duration as people write it: `90s`, `10m`, `24h`, `7d`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("pattern" = "^0*[1-9][0-9]*[smhd]$"))]
#[serde(try_from = "String", into = "String")]
pub struct Span(Duration);

/// Longest first: a duration is written in the largest unit that divides it.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl Span {
    /// A duration in whole seconds; fractions are dropped.
    pub const fn new(duration: Duration) -> Self {
        Self(Duration::from_secs(duration.as_secs()))
    }

    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = UNITS.iter().find_map(|(unit, seconds)| {
            let number: u64 = text.strip_suffix(*unit)?.parse().ok()?;
            number.checked_mul(*seconds)
        });
        match parsed {
            Some(seconds) if seconds > 0 => Ok(Self(Duration::from_secs(seconds))),
            Some(_) | None => Err(format!("{text:?} isn't a duration; write it as 90s, 10m, 24h, 7d")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (unit, size) = UNITS.iter().find(|(_, size)| seconds.is_multiple_of(*size)).unwrap_or(&('s', 1));
        write!(f, "{}{unit}", seconds / size)
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed_as_they_are_written() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("24h", 86_400), ("7d", 604_800)] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.duration(), Duration::from_secs(seconds), "{text}");
            assert_eq!(span.to_string().parse(), Ok(span), "{text}");
        }
        assert_eq!("3600s".parse::<Span>().unwrap().to_string(), "1h");
        for bad in ["", "1", "h", "0s", "-1h", "1.5h", "1h30m", "99999999999999999999d", "20000000000000000d"] {
            assert!(bad.parse::<Span>().unwrap_err().contains("as 90s"), "{bad}");
        }
    }
}
