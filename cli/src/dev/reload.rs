//! Reads the project again when one of its files has changed, and puts it in the place of the one that runs. One that can't be
//! read, or has problems, is told, and the one that runs goes on.

use super::banner;
use super::watch::watch;
use super::workbench::{Configuration, Workbench};
use crate::project::{Location, Project};
use crate::style::{GOOD, failure, paint, say};
use crate::{Failure, sources};
use std::sync::Arc;
use tokio::sync::watch as channel;

/// The project as it is now. The sources of presets, if there is an address for them, are added.
pub(super) fn configuration(location: &Location, presets_at: Option<&str>) -> Result<Configuration, Failure> {
    let project = Project::open(location.clone())?;
    Ok(Configuration {
        sources: sources::with_presets(project.sources(), presets_at),
        rules: project.rules(),
        schemas: project.schemas(),
        hash: project.hash(),
    })
}

/// Watches until `stop` turns true.
pub(super) async fn run(
    workbench: Arc<Workbench>,
    location: Location,
    presets_at: Option<String>,
    mut stop: channel::Receiver<bool>,
) {
    let files = || location.watched_files().into_iter().chain(workbench.files()).collect();
    let watching = watch(files, || async {
        let replaced = match configuration(&location, presets_at.as_deref()) {
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
