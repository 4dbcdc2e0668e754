//! Writes that others were faster at, or in the way of: again, after a pause, so often.

use std::time::Duration;
use tidings_core::claim::decide::{AfterCommit, Committed, RecordedEffect, after_commit};
use tidings_core::telemetry::Metric;

/// How often others were faster, or in the way.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    reloads: u32,
    conflicts: u32,
}

/// What to do after a write.
#[derive(Debug)]
pub(crate) enum Next {
    /// It is written.
    Done,
    /// Its effect was there before.
    Finish(RecordedEffect),
    /// Read again, and write again. The pause is over.
    Again,
    /// Others were faster each time.
    Contended,
    /// It may be written or not, and why.
    Unknown(String),
}

impl Tries {
    /// What the answer means. Waits where a pause comes before the next try: less than the longest, so that those who were in
    /// one another's way aren't again.
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
