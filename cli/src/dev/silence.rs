//! Says when a source is late (`expect_every`), once for each silence. By `dev`'s clock, so `tidings dev advance` shows it.

use super::signals;
use super::workbench::Workbench;
use crate::silence::is_late;
use crate::style::{NAME, WARN, paint, say_short};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tidings_config::time::{Clock, Timestamp};
use tokio::sync::watch as channel;

const LOOK: Duration = Duration::from_millis(500);

/// When each source sent its last authentic request, since `dev` started.
#[derive(Debug)]
pub(crate) struct Ears {
    clock: Arc<dyn Clock>,
    started: Timestamp,
    heard: Mutex<BTreeMap<String, Timestamp>>,
}

impl Ears {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { started: clock.now(), clock, heard: Mutex::default() }
    }

    /// Notes an authentic request to this path.
    pub(super) fn hear(&self, path: &str) {
        if let Some(source) = path.strip_prefix("/webhooks/").and_then(|rest| rest.split('/').next()) {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.insert(source.to_owned(), self.clock.now());
        }
    }

    fn last(&self, source: &str) -> Option<Timestamp> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).get(source).copied()
    }
}

/// Watches the sources of the running configuration until `stop` turns true.
pub(super) async fn run(workbench: Arc<Workbench>, stop: channel::Receiver<bool>) {
    let watching = async {
        // The last request before the silence that was said.
        let mut said: BTreeMap<String, Option<Timestamp>> = BTreeMap::new();
        loop {
            let (ears, now) = (workbench.ears(), workbench.ears().clock.now());
            for (source, every) in workbench.expected() {
                let last = ears.last(&source);
                if is_late(last, Some(ears.started), every, now) && said.get(&source) != Some(&last) {
                    let at = now.to_string();
                    let what = format!("silent: no authentic request for {every}");
                    say_short!("{}  {} {}", at.get(11..19).unwrap_or(&at), paint(NAME, &source), paint(WARN, what));
                    said.insert(source, last);
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        () = watching => {}
        () = signals::heard(stop) => {}
    }
}
