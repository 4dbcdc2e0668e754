//! Whether the folder that a command is called in has the files that this program was built of. The configuration is built in
//! (decision 1): without this, a command would describe the old files to a person who has changed one and not built again.
//!
//! Promises: a command that goes by something of it says so once, on standard error, and in its JSON where that is an object;
//! nothing is said outside of a project's folder, nor where a file says the same in other words.

use crate::arguments::{Command, ReplayOptions, RulesCommand};
use crate::commands::files;
use crate::style::note;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;
use tidings_config::limits::MAX_CONFIG_FILE_BYTES;
use tidings_config::source::Source;
use tidings_project::{Report, file_sha256, read_rules, read_source_names, read_sources};

pub(crate) const SOURCES: &str = "infra/config/sources.yaml";
pub(crate) const RULES: &str = "infra/config/rules.yaml";
const SCHEMAS: &str = "infra/config/schemas";
const PROVIDERS: &str = "functions/receiver/providers";

/// Folders in folders of schemas, at most: source, type, and some more.
const MAX_DEPTH: usize = 8;

/// Files that are named to people.
const MAX_NAMED: usize = 3;

/// The field of a command's JSON.
const FIELD: &str = "built_of_other_files";

/// What of the configuration a command goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Sources,
    Rules,
    Schemas,
    Presets,
}

impl Part {
    fn holds(self, path: &str) -> bool {
        match self {
            Self::Sources => path == SOURCES,
            Self::Rules => path == RULES,
            Self::Schemas => path.starts_with(SCHEMAS),
            Self::Presets => path.starts_with(PROVIDERS),
        }
    }
}

static OTHER: OnceLock<Vec<String>> = OnceLock::new();

/// Says which files here are others than those that the command goes by.
pub(crate) fn compare(command: &Command) {
    let other = other(Path::new("."), parts(command));
    if !other.is_empty() {
        let named: Vec<&str> = other.iter().take(MAX_NAMED).map(String::as_str).collect();
        let more = other.len() - named.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        note(&format!(
            "warning: this program was built of other files than are here ({}{more}), and goes by those that it was built of. \
             Build it again, or go back to them",
            named.join(", ")
        ));
    }
    let _ = OTHER.set(other);
}

/// Adds to a command's JSON which files are others, if there are any.
pub(crate) fn mark(said: &mut Value) {
    if let (Some(other), Some(object)) = (OTHER.get().filter(|other| !other.is_empty()), said.as_object_mut()) {
        object.insert(FIELD.to_owned(), json!(other));
    }
}

/// What a command takes from what was built in. What it reads from a file itself isn't among it.
fn parts(command: &Command) -> &'static [Part] {
    use Part::{Presets, Rules, Schemas, Sources};
    let of_requests = |is_preset: bool| if is_preset { &[Presets][..] } else { &[Sources, Presets] };
    match command {
        Command::Dev(_) => &[Sources, Rules, Schemas, Presets],
        Command::Send(options) => of_requests(options.preset),
        Command::Verify(options) => of_requests(options.preset),
        Command::Capture(options) => of_requests(options.preset),
        Command::Rules(RulesCommand::Check(_) | RulesCommand::Test(_) | RulesCommand::Explain(_) | RulesCommand::Diff(_)) => {
            &[Sources, Schemas, Presets]
        }
        Command::Replay(ReplayOptions { url: None, .. }) => &[Sources, Schemas, Presets],
        Command::Replay(ReplayOptions { url: Some(_), .. }) | Command::Rotate(_) => &[Sources, Presets],
        // It has checks of its own of the other two.
        Command::Doctor(_) => &[Schemas, Presets],
        Command::Providers(_) => &[Presets],
        Command::Context(_)
        | Command::Status(_)
        | Command::Link(_)
        | Command::Events(_)
        | Command::Dlq(_)
        | Command::Completions { .. }
        | Command::Man(_) => &[],
    }
}

/// The files of these parts that aren't as they were, that are new, or that are gone.
fn other(root: &Path, parts: &[Part]) -> Vec<String> {
    if parts.is_empty() || !root.join(SOURCES).is_file() {
        return Vec::new();
    }
    let mut built: BTreeMap<String, String> = receiver::configured::files();
    built.extend(processor::configured::files());
    built.retain(|path, _| parts.iter().any(|part| part.holds(path)));
    let mut paths: BTreeSet<String> = built.keys().cloned().collect();
    // Whoever has no folder of presets goes by those that are built in, and means it.
    if root.join(PROVIDERS).is_dir() {
        collect(root, PROVIDERS, 1, &mut paths);
        paths.retain(|path| !path.starts_with(PROVIDERS) || path.ends_with(".toml"));
    } else {
        paths.retain(|path| !path.starts_with(PROVIDERS));
    }
    collect(root, SCHEMAS, MAX_DEPTH, &mut paths);
    paths.retain(|path| parts.iter().any(|part| part.holds(path)));
    paths.into_iter().filter(|path| is_other(root, path, built.get(path).map(String::as_str))).collect()
}

fn is_other(root: &Path, path: &str, built: Option<&str>) -> bool {
    let Ok(text) = files::text(&root.join(path), MAX_CONFIG_FILE_BYTES) else { return true };
    if built == Some(file_sha256(&text).as_str()) {
        return false;
    }
    // Comments and the order of keys make no other configuration.
    match path {
        SOURCES => sources(&text).map_or(true, |sources| sources != receiver::configured::sources()),
        RULES => {
            let names = files::text(&root.join(SOURCES), MAX_CONFIG_FILE_BYTES).ok();
            let names = names.and_then(|text| read_source_names(SOURCES, &text).ok()).unwrap_or_default();
            read_rules(RULES, &text, &names).map_or(true, |rules| rules != processor::configured::rules())
        }
        _ => true,
    }
}

/// What a file of sources says, with the presets that are built in.
pub(crate) fn sources(text: &str) -> Result<Vec<Source>, Report> {
    read_sources(SOURCES, text, &receiver::configured::providers())
}

/// The files below a folder.
fn collect(root: &Path, folder: &str, depth: usize, paths: &mut BTreeSet<String>) {
    let Some(entries) = std::fs::read_dir(root.join(folder)).ok().filter(|_| depth > 0) else { return };
    for name in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).filter(|name| !name.starts_with('.')) {
        let path = format!("{folder}/{name}");
        if root.join(&path).is_dir() {
            collect(root, &path, depth - 1, paths);
        } else {
            paths.insert(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Part] = &[Part::Sources, Part::Rules, Part::Schemas, Part::Presets];

    #[test]
    fn the_files_that_it_was_built_of_are_the_same_and_elsewhere_nothing_is_said() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert_eq!(other(&root, ALL), Vec::<String>::new());
        assert_eq!(other(&root.join("cli"), ALL), Vec::<String>::new());
        assert_eq!(other(Path::new("/no/such/folder"), ALL), Vec::<String>::new());
    }
}
