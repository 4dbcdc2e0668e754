//! A check and its result.

use crate::Failure;
use crate::style::{BAD, FAINT, GOOD, WARN, paint, say};
use serde::Serialize;

/// The status of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Good,
    /// It works, but should be changed.
    Warning,
    Bad,
    Skipped,
}

/// The result of a check, or why it was skipped.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) check: &'static str,
    pub(super) status: Status,
    pub(super) said: String,
    /// The next steps, one a line.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_one_text")]
    pub(super) next: Vec<String>,
}

fn as_one_text<S: serde::Serializer>(lines: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&lines.join("\n"))
}

impl Check {
    pub(super) fn good(check: &'static str, said: impl Into<String>) -> Self {
        Self { check, status: Status::Good, said: said.into(), next: Vec::new() }
    }

    pub(super) fn bad(check: &'static str, said: impl Into<String>, next: impl Into<String>) -> Self {
        Self::bad_each(check, said, vec![next.into()])
    }

    pub(super) fn bad_each(check: &'static str, said: impl Into<String>, next: Vec<String>) -> Self {
        Self { check, status: Status::Bad, said: said.into(), next }
    }

    pub(super) fn warning(check: &'static str, said: impl Into<String>, next: impl Into<String>) -> Self {
        Self { check, status: Status::Warning, said: said.into(), next: vec![next.into()] }
    }

    pub(super) fn skipped(check: &'static str, why: impl Into<String>) -> Self {
        Self { check, status: Status::Skipped, said: why.into(), next: Vec::new() }
    }

    pub(super) fn failed(check: &'static str, failure: Failure) -> Self {
        Self { check, status: Status::Bad, said: failure.message, next: failure.hint.into_iter().collect() }
    }

    pub(super) fn print(&self) {
        let mark = match self.status {
            Status::Good => paint(GOOD, "✓"),
            Status::Warning => paint(WARN, "!"),
            Status::Bad => paint(BAD, "✗"),
            Status::Skipped => paint(FAINT, "–"),
        };
        say!("{mark} {:<13} {}", self.check, self.said);
        for line in &self.next {
            say!("  {:<13} {}", "", paint(FAINT, line));
        }
    }
}
