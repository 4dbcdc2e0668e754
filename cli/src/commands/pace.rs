//! Limits the rate of repeated work, and shows its progress.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;
use tokio::time::Instant;

/// This number a second, on average.
pub(crate) struct Pace {
    rate: u32,
    started: Instant,
    done: usize,
}

impl Pace {
    pub(crate) fn new(rate: u32) -> Self {
        Self { rate, started: Instant::now(), done: 0 }
    }

    pub(crate) async fn keep(&mut self, done: usize) {
        self.done += done;
        let due = Duration::from_secs_f64(self.done as f64 / f64::from(self.rate));
        tokio::time::sleep_until(self.started + due).await;
    }
}

/// A progress bar on standard error, shown only on a terminal.
pub(crate) fn progress(number: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos} of about {len}, {per_sec}, {eta} left");
    let bar = ProgressBar::new(number);
    style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)
}
