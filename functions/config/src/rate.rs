//! How often requests may come: `rate` of a source, as token buckets.
//!
//! Promises: what is parsed is within its limits. A bucket is arithmetic alone: it knows no clock and no state.

use crate::limits::{MAX_RATE, MAX_RATE_BURST};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How often a source's requests may come. Each execution environment counts for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests of one address that can't be verified; of IPv6, of one /64. Authentic requests aren't counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_address: Option<Frequency>,
    /// Authentic requests. What can't be verified isn't counted: a stranger can't use it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_source: Option<Frequency>,
    /// Requests at once, after a pause. Left out: as many as the frequency's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = crate::limits::MAX_RATE_BURST))]
    pub burst: Option<u32>,
}

impl Rate {
    /// The bucket of each address.
    pub fn address_bucket(&self) -> Option<Bucket> {
        self.per_address.map(|frequency| self.bucket(frequency))
    }

    /// The bucket of the source.
    pub fn source_bucket(&self) -> Option<Bucket> {
        self.per_source.map(|frequency| self.bucket(frequency))
    }

    fn bucket(&self, frequency: Frequency) -> Bucket {
        Bucket { size: self.burst.unwrap_or(frequency.count), interval_ns: frequency.interval_ns() }
    }

    /// What is wrong with it, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.per_address.is_none() && self.per_source.is_none() {
            problems.push("`rate` limits nothing: it needs `per_address`, `per_source` or both".to_owned());
        }
        if let Some(burst) = self.burst.filter(|burst| !(1..=MAX_RATE_BURST).contains(burst)) {
            problems.push(format!("`burst` is {burst}, allowed: 1 to {MAX_RATE_BURST}"));
        }
        problems
    }
}

/// A token bucket, full at the beginning. A request takes a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Tokens of a full bucket.
    pub size: u32,
    /// Nanoseconds until the next token.
    pub interval_ns: i64,
}

/// A number of requests in a second or a minute: `20/s`, `600/m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(extend("pattern" = "^[1-9][0-9]{0,5}/[sm]$"))]
#[serde(try_from = "String", into = "String")]
pub struct Frequency {
    count: u32,
    per: Per,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
}

impl Per {
    const ALL: [Self; 2] = [Self::Second, Self::Minute];

    const fn letter(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
        }
    }

    const fn nanoseconds(self) -> i64 {
        match self {
            Self::Second => 1_000_000_000,
            Self::Minute => 60_000_000_000,
        }
    }
}

impl Frequency {
    /// Nanoseconds from one request to the next, without a remainder.
    fn interval_ns(self) -> i64 {
        self.per.nanoseconds() / i64::from(self.count)
    }
}

impl FromStr for Frequency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(count, letter)| {
            let per = Per::ALL.into_iter().find(|per| per.letter() == letter)?;
            let is_number = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
            Some(Self { count: count.parse().ok().filter(|_| is_number)?, per })
        });
        let allowed = |frequency: &Self| (1..=MAX_RATE).contains(&frequency.count);
        parsed.filter(allowed).ok_or_else(|| format!("{text:?} isn't a rate; write it as 20/s or 600/m, 1 to {MAX_RATE}"))
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per.letter())
    }
}

impl TryFrom<String> for Frequency {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Frequency> for String {
    fn from(frequency: Frequency) -> Self {
        frequency.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_parsed_as_they_are_written_and_no_others() {
        for (text, interval_ns) in [("20/s", 50_000_000), ("1/m", 60_000_000_000), ("100000/s", 10_000), ("7/s", 142_857_142)] {
            let frequency: Frequency = text.parse().unwrap();
            assert_eq!((frequency.interval_ns(), frequency.to_string().as_str()), (interval_ns, text));
        }
        for bad in ["", "20", "20/", "/s", "20/h", "0/s", "100001/s", "+1/s", "-1/s", "1.5/s", "20 /s", "20/s/s", "9999999999/s"]
        {
            assert!(bad.parse::<Frequency>().unwrap_err().contains("write it as 20/s"), "{bad}");
        }
    }

    #[test]
    fn a_burst_is_within_its_limits_and_a_rate_limits_something() {
        let rate = |burst| Rate { per_address: Some("20/s".parse().unwrap()), per_source: None, burst };
        for (burst, problems) in [(None, 0), (Some(0), 1), (Some(1), 0), (Some(MAX_RATE_BURST), 0), (Some(MAX_RATE_BURST + 1), 1)]
        {
            assert_eq!(rate(burst).problems().len(), problems, "{burst:?}");
        }
        assert_eq!(rate(None).address_bucket().map(|bucket| bucket.size), Some(20));
        assert_eq!(rate(Some(7)).address_bucket().map(|bucket| bucket.size), Some(7));
        assert_eq!(rate(None).source_bucket(), None);
        assert_eq!(Rate { per_address: None, ..rate(None) }.problems().len(), 1);
    }
}
