//! Texts of the attacks: written out, or a text many times.

use serde::Deserialize;

/// A value that is tried.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Text {
    Whole(String),
    Repeated(Repeated),
}

/// A text many times, between two others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Repeated {
    #[serde(default)]
    before: String,
    text: String,
    times: usize,
    #[serde(default)]
    after: String,
}

/// The most characters of a value that are shown.
const SHOWN: usize = 60;

impl Text {
    pub(super) fn written(&self) -> String {
        match self {
            Self::Whole(text) => text.clone(),
            Self::Repeated(Repeated { before, text, times, after }) => format!("{before}{}{after}", text.repeat(*times)),
        }
    }

    /// For a reader: a long one by its parts.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Whole(text) if text.chars().count() <= SHOWN => format!("{text:?}"),
            Self::Whole(text) => format!("{:?} …", text.chars().take(SHOWN).collect::<String>()),
            Self::Repeated(Repeated { before, text, times, after }) => format!("{before:?} + {text:?} × {times} + {after:?}"),
        }
    }
}
