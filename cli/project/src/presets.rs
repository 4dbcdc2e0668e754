//! The presets of `functions/receiver/providers/`, embedded in the program. A preset is parsed at its first use.

use super::read_provider;
use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};
use tidings_config::provider::Provider;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../functions/receiver/providers");

struct Preset {
    file: &'static str,
    text: &'static str,
    read: OnceLock<Provider>,
}

static PRESETS: LazyLock<BTreeMap<&'static str, Preset>> = LazyLock::new(|| {
    let preset = |file: &'static include_dir::File<'_>| {
        let (path, text) = (file.path().to_str()?, file.contents_utf8()?);
        Some((path.strip_suffix(".toml")?, Preset { file: path, text, read: OnceLock::new() }))
    };
    FILES.files().filter_map(preset).collect()
});

/// The names of all presets, in order.
pub fn preset_names() -> impl Iterator<Item = &'static str> {
    PRESETS.keys().copied()
}

/// The preset of this name.
pub fn preset(name: &str) -> Option<&'static Provider> {
    let Preset { file, text, read } = PRESETS.get(name)?;
    Some(read.get_or_init(|| read_provider(file, text).unwrap_or_else(|report| panic!("a test reads every preset: {report}"))))
}

/// All presets, in the order of their names.
pub fn presets() -> Vec<Provider> {
    preset_names().filter_map(preset).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// `include_dir` doesn't see a new file. If this fails, touch this file and build again.
    #[test]
    fn every_file_of_the_presets_folder_is_embedded_and_valid() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/receiver/providers");
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<String> = paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, preset_names().collect::<Vec<_>>());
        for (name, Preset { file, text, .. }) in PRESETS.iter() {
            let provider = read_provider(file, text).unwrap_or_else(|report| panic!("{report}"));
            assert_eq!(provider.name, *name);
        }
    }
}
