//! Whether a join opens again after it ended: `each`, `after 7d`.

use super::Span;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^(each|after 0*[1-9][0-9]*[smhd])$"))]
#[serde(try_from = "String", into = "String")]
pub enum Again {
    /// A join ends once for each key.
    #[default]
    Never,
    /// The join opens again for events after its end.
    Each,
    /// The join opens again for events this long after its end.
    After(Span),
}

impl Again {
    pub const fn is_never(&self) -> bool {
        matches!(self, Self::Never)
    }

    /// How long the join stays closed after it ended. `None`: it never opens again.
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
            (_, None) => Err(format!("{text:?} isn't a value for when a join opens again; write it as each, after 7d")),
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
    fn a_value_is_parsed_as_it_is_written() {
        for (text, span) in [("each", 0), ("after 90s", 90), ("after 7d", 7 * 86_400)] {
            let again: Again = text.parse().unwrap();
            assert_eq!((again.to_string().as_str(), again.span()), (text, Some(Duration::from_secs(span))));
        }
        assert_eq!(Again::default().span(), None);
        for (bad, said) in [
            ("", "as each, after 7d"),
            ("never", "as each, after 7d"),
            ("after7d", "as each, after 7d"),
            ("after 0d", "as 90s"),
            ("after a week", "as 90s"),
        ] {
            assert!(bad.parse::<Again>().unwrap_err().contains(said), "{bad}");
        }
    }
}
