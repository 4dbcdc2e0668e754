//! The presets of `functions/receiver/providers/`, embedded in the program. A preset is parsed at its first use.

use super::data_files::DataFiles;
use super::read_provider;
use include_dir::{Dir, include_dir};
use std::sync::LazyLock;
use tidings_config::provider::Provider;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../functions/receiver/providers");

static PRESETS: LazyLock<DataFiles<Provider>> = LazyLock::new(|| DataFiles::of(&FILES));

/// The names of all presets, in order.
pub fn preset_names() -> impl Iterator<Item = &'static str> {
    PRESETS.names()
}

/// The preset of this name.
pub fn preset(name: &str) -> Option<&'static Provider> {
    PRESETS.get(name, read_provider)
}

/// All presets, in the order of their names.
pub fn presets() -> Vec<Provider> {
    preset_names().filter_map(preset).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_presets_folder_is_embedded_and_valid() {
        PRESETS.expect_those_of("../../functions/receiver/providers");
        for (name, file) in PRESETS.all() {
            let provider = read_provider(file.path, file.text).unwrap_or_else(|report| panic!("{report}"));
            assert_eq!(provider.name, name);
        }
    }
}
