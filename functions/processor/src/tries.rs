//! Retries writes that conflicted with others, with pauses and a limit.

use std::time::Duration;
use tidings_core::claim::decide::{AfterCommit, Committed, RecordedEffect, after_commit};
use tidings_core::telemetry::Metric;

/// The number of conflicts so far.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    reloads: u32,
    conflicts: u32,
}

/// The next step after a write.
#[derive(Debug)]
pub(crate) enum Next {
    /// It is written.
    Done,
    /// Its effect existed before.
    Finish(RecordedEffect),
    /// Read again, and write again. The pause is over.
    Again,
    /// Other writes won in every try.
    Contended,
    /// It may be written or not; the cause is given.
    Unknown(String),
}

impl Tries {
    /// The next step after this result. Waits before a retry: a random part of the longest pause, so that conflicting
    /// writers don't conflict again.
    pub(crate) async fn after(&mut self, committed: Committed) -> Next {
        let Self { reloads, conflicts } = *self;
        match &committed {
            Committed::ContextMoved => self.reloads += 1,
            Committed::Contended => self.conflicts += 1,
            Committed::Yes | Committed::Before(_) | Committed::Unknown(_) => {}
        }
        match after_commit(committed, reloads, conflicts) {
            AfterCommit::Done => Next::Done,
            AfterCommit::Finish(effect) => Next::Finish(effect),
            AfterCommit::Retry { pause } => {
                Metric::Conflicts.measure(1);
                if pause > Duration::ZERO {
                    tokio::time::sleep(pause.mul_f64(fastrand::f64())).await;
                }
                Next::Again
            }
            AfterCommit::Contended => Next::Contended,
            AfterCommit::Unknown(cause) => Next::Unknown(cause),
        }
    }
}
