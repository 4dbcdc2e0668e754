//! Reads the project again when one of its files has changed, and puts it in the place of the one that runs. One that can't be
//! read, or has problems, is told, and the one that runs goes on.

use super::banner;
use super::watch::watch;
use super::workbench::{Configuration, Workbench};
use crate::style::{GOOD, failure, paint, say};
use crate::{Failure, sources};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch as channel;

/// The project as it is now. The sources of presets, if there is an address for them, are added.
pub(super) fn configuration(presets_at: Option<&str>) -> Result<Configuration, Failure> {
    Ok(Configuration {
        sources: sources::listening(presets_at),
        rules: ::processor::configured::rules(),
        schemas: ::processor::configured::schemas(),
    })
}

/// The files that it is read from. What is built in has none.
fn files() -> Vec<PathBuf> {
    Vec::new()
}

/// Watches until `stop` turns true.
pub(super) async fn run(workbench: Arc<Workbench>, presets_at: Option<String>, mut stop: channel::Receiver<bool>) {
    let watching = watch(files, || async {
        let replaced = match configuration(presets_at.as_deref()) {
            Ok(configuration) => workbench.replace(configuration).await,
            Err(problems) => Err(problems),
        };
        match replaced {
            Ok(missing) => {
                say!("{} the project; tables, queues and timers are kept", paint(GOOD, "reloaded"));
                banner::missing(&missing);
            }
            Err(problems) => failure(&problems.hint("the configuration of before goes on")),
        }
    });
    tokio::select! {
        () = watching => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}
