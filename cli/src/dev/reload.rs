//! Reads the project again after one of its files changes, and replaces the running configuration. If the project has
//! problems, they are printed, and the running configuration stays.

use super::banner;
use super::watch::watch;
use super::workbench::{Configuration, Workbench};
use crate::project::{Location, Project};
use crate::style::{GOOD, failure, paint, say};
use crate::{Failure, sources};
use std::sync::Arc;
use tokio::sync::watch as channel;

/// The project's current configuration. With an address for presets, their sources are added.
pub(super) fn configuration(location: &Location, presets_at: Option<&str>) -> Result<Configuration, Failure> {
    let project = Project::open(location.clone())?;
    Ok(Configuration {
        sources: sources::with_presets(project.sources(), presets_at),
        rules: project.rules(),
        schemas: project.schemas(),
        endpoints: project.configuration.endpoints.clone().unwrap_or_default(),
        sinks: project.configuration.sinks.clone().unwrap_or_default(),
        channels: project.configuration.channels.clone(),
        hash: project.hash(),
    })
}

/// Watches the files until `stop` turns true.
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
            Err(problems) => failure(&problems.hint("the previous configuration stays in use")),
        }
    });
    tokio::select! {
        () = watching => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}
