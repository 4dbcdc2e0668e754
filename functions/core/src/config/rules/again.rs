//! Whether a join that has come to an end opens again, as people write it: `each`, `after 7d`.

use super::Span;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^(each|after 0*[1-9][0-9]*[smhd])$"))]
#[serde(try_from = "String", into = "String")]
pub enum Again {
    /// A key has one end.
    #[default]
    Never,
    /// For what happens after an end.
    Each,
    /// For what happens that long after an end.
    After(Span),
}

impl Again {
    pub const fn is_never(&self) -> bool {
        matches!(self, Self::Never)
    }

    /// How long it stays shut after an end. `None`: for good.
    pub const fn span(self) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::Each => Some(Duration::ZERO),
            Self::After(span) => Some(span.duration()),
        }
    }
}

impl FromStr for Again {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("after ")) {
            ("each", _) => Ok(Self::Each),
            (_, Some(span)) => span.parse().map(Self::After),
            (_, None) => Err(format!("{text:?} doesn't say when a join opens again; as in each, after 7d")),
        }
    }
}

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Each => f.write_str("each"),
            Self::After(span) => write!(f, "after {span}"),
        }
    }
}

impl TryFrom<String> for Again {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Again> for String {
    fn from(again: Again) -> Self {
        again.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        for (text, span) in [("each", 0), ("after 90s", 90), ("after 7d", 7 * 86_400)] {
            let again: Again = text.parse().unwrap();
            assert_eq!((again.to_string().as_str(), again.span()), (text, Some(Duration::from_secs(span))));
        }
        assert_eq!(Again::default().span(), None);
        for (bad, said) in [
            ("", "as in each, after 7d"),
            ("never", "as in each, after 7d"),
            ("after7d", "as in each, after 7d"),
            ("after 0d", "as in 90s"),
            ("after a week", "as in 90s"),
        ] {
            assert!(bad.parse::<Again>().unwrap_err().contains(said), "{bad}");
        }
    }
}
