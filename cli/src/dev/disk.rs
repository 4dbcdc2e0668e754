//! Whether durable data can be written. A failed write is reported once on standard error, and so is the next
//! successful one. In between, nothing is accepted.

use crate::{Failure, style};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The kind of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Claims and contexts.
    Tables,
    /// Events, timers, dead letters and actions.
    Queues,
}

impl Part {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Tables => "claims and contexts",
            Self::Queues => "the queues",
        }
    }
}

#[derive(Debug, Default)]
struct Writes {
    fail: AtomicBool,
    /// Number of failures since the start.
    failed: AtomicU64,
}

/// The state of both kinds.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    tables: Writes,
    queues: Writes,
}

impl Disk {
    const fn writes(&self, part: Part) -> &Writes {
        match part {
            Part::Tables => &self.tables,
            Part::Queues => &self.queues,
        }
    }

    pub(crate) fn failed(&self, part: Part, cause: &str) {
        let writes = self.writes(part);
        writes.failed.fetch_add(1, Ordering::SeqCst);
        if !writes.fail.swap(true, Ordering::SeqCst) {
            let failure = Failure::new(format!("can't write {}: {cause}", part.as_str()));
            style::failure(&failure.hint("webhooks are answered 503, and nothing is processed, until the disk has space again"));
        }
    }

    pub(crate) fn wrote(&self, part: Part) {
        let writes = self.writes(part);
        if writes.fail.load(Ordering::SeqCst) && writes.fail.swap(false, Ordering::SeqCst) {
            style::note(&format!("{} can be written again: processing continues", part.as_str()));
        }
    }

    /// Whether the latest write failed.
    pub(crate) fn fails(&self, part: Part) -> bool {
        self.writes(part).fail.load(Ordering::SeqCst)
    }

    /// Number of failed writes, to compare with an earlier number.
    pub(crate) fn failures(&self) -> u64 {
        [&self.tables, &self.queues].map(|writes| writes.failed.load(Ordering::SeqCst)).iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_fails_and_recovers_by_its_own_writes() {
        let disk = Disk::default();
        disk.failed(Part::Tables, "full");
        disk.wrote(Part::Queues);
        assert_eq!([Part::Tables, Part::Queues].map(|part| disk.fails(part)), [true, false]);
        disk.failed(Part::Tables, "full");
        disk.wrote(Part::Tables);
        assert!(!disk.fails(Part::Tables));
        assert_eq!(disk.failures(), 2);
    }
}
