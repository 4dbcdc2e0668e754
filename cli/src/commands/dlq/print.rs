//! Prints the results of the `dlq` commands for people.

use super::dead::WalkSummary;
use super::group::Group;
use crate::Failure;
use crate::style::{BAD, FAINT, GOOD, NAME, STRONG, WARN, count, paint, say};
use crate::target::Place;
use serde::Serialize;
use tidings_config::time::Timestamp;

pub(super) fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::new(error.to_string()))
}

pub(super) fn when(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

/// Prints the reasons, the most frequent first, and what to do next.
pub(super) fn groups(groups: &[Group], walked: &WalkSummary, at: &Place) {
    for Group { reason, messages, sources, first, last, too_old, example } in groups {
        say!("{} {}", paint(BAD, format!("{messages:>6}")), paint(STRONG, reason));
        let sources = sources.iter().cloned().collect::<Vec<_>>().join(", ");
        say!("       {}  {} to {}", paint(NAME, sources), when(*first), when(*last));
        if let Some(example) = example {
            say!("       {}", paint(FAINT, at.command(&format!("tidings dlq show '{example}'"))));
        }
        if *too_old > 0 {
            say!("       {}", paint(WARN, format!("{too_old} were received too long ago to be redriven")));
        }
    }
    let cut = if walked.stopped { ", and there are more" } else { "" };
    match walked.matched {
        0 => say!("{} ({} read{cut})", paint(GOOD, "nothing"), walked.seen),
        n => say!("{}, {} ({} read{cut})", count(n, "message"), count(groups.len(), "reason"), walked.seen),
    }
}
