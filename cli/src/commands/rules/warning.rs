//! The findings in rules that the build accepts, and their places in the file.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

/// Something that the build accepts and that is probably an error.
#[derive(Debug, Serialize)]
pub(super) struct Warning {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) message: String,
    /// It may be intended: it doesn't fail the check.
    #[serde(skip)]
    pub(super) is_note: bool,
    /// Set if a place may have no value.
    #[serde(flatten)]
    absent: Option<Absent>,
}

/// The places of the entries of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Places {
    pub(super) conversations: Vec<Spanned<IgnoredAny>>,
    pub(super) rules: Vec<Spanned<IgnoredAny>>,
    pub(super) joins: Vec<Spanned<IgnoredAny>>,
}

impl Places {
    /// The places of a file that was parsed successfully before.
    pub(super) fn of(text: &str) -> Self {
        serde_saphyr::from_str(text).unwrap_or_default()
    }
}

impl Warning {
    pub(super) fn at(places: &[Spanned<IgnoredAny>], index: usize, message: String) -> Self {
        let (line, column) = places.get(index).map_or((1, 1), |place| (place.referenced.line(), place.referenced.column()));
        Self { line, column, message, is_note: false, absent: None }
    }

    /// The same, as a note.
    pub(super) fn noted(self, is_note: bool) -> Self {
        Self { is_note, ..self }
    }

    pub(super) fn of_a_place(self, absent: Absent) -> Self {
        Self { absent: Some(absent), ..self }
    }
}

/// The JSON fields for a place that may have no value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Absent {
    /// The name of the rule or join; `None` for an entry of `conversations`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<String>,
    /// As in `set.carrier`, `all[0].by`, `conversations[2]`.
    pub(super) field: String,
    /// As in `data.order.carrier`, if one place is the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    pub(super) reason: Reason,
    /// The name of an event that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sample: Option<String>,
    /// Number of known events that show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) without: Option<usize>,
    /// Number of known events that the part is evaluated for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) of: Option<usize>,
    /// The schema that allows it, as in `orders/order.shipped/1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schema: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reason {
    Missing,
    Null,
    Type,
    Value,
}
