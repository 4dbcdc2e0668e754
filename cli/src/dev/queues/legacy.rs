//! Imports messages of the previous version, which kept its queues in memory and wrote them to a file at its end.

use super::store::Store;
use crate::Failure;
use crate::dev::folder::{Folder, LEFT, sync_folder};
use serde::Deserialize;
use std::fs;
use std::io::ErrorKind;
use tidings_core::external_link::ExternalLink;

/// The bodies of the messages in the file.
#[derive(Deserialize)]
struct Left {
    events: Vec<String>,
    dead: Vec<String>,
}

/// Stores the messages once, and deletes the file.
pub(crate) fn import(store: &Store, folder: &Folder, [events, links, dead]: [&str; 3], now_ms: i64) -> Result<(), Failure> {
    let path = folder.path().join(LEFT);
    let said = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
    let json = match fs::read_to_string(&path) {
        Ok(json) => json,
        Err(error) if error.kind() == ErrorKind::NotFound => return store.forget_import(LEFT).map_err(|error| said(&error)),
        Err(error) => return Err(said(&error)),
    };
    // If a process ended before it deleted the file, the messages are already stored.
    if !store.is_imported(LEFT).map_err(|error| said(&error))? {
        let left: Left = serde_json::from_str(&json)
            .map_err(|error| said(&error).hint("it has messages of an earlier run; move it away to start without them"))?;
        let of = |queue, bodies: &'_ [String]| bodies.iter().map(|body| (queue, body.clone())).collect::<Vec<_>>();
        // That version accepted links in the events queue.
        let (told, others): (Vec<_>, Vec<_>) = left.events.into_iter().partition(|body| ExternalLink::read(body, None).is_some());
        let messages = [of(events, &others), of(links, &told), of(dead, &left.dead)].concat();
        let messages: Vec<(&str, &str)> = messages.iter().map(|(queue, body)| (*queue, body.as_str())).collect();
        store.import(LEFT, &messages, now_ms).map_err(|error| said(&error))?;
    }
    fs::remove_file(&path).and_then(|()| sync_folder(folder.path())).map_err(|error| said(&error))?;
    store.forget_import(LEFT).map_err(|error| said(&error))
}
