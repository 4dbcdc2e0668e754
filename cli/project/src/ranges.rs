//! The addresses from which providers send, as they publish them: `functions/receiver/ranges/*.toml`, embedded in the
//! program. `infra/ranges/update` writes the files again. A provider that publishes no list has no file.

use super::data_files::DataFiles;
use super::{Diagnostic, Report};
use include_dir::{Dir, include_dir};
use serde::Deserialize;
use std::sync::LazyLock;
use tidings_config::edge::Network;
use tidings_config::time::Timestamp;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../functions/receiver/ranges");

static RANGES: LazyLock<DataFiles<PublishedRanges>> = LazyLock::new(|| DataFiles::of(&FILES));

/// A provider's list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedRanges {
    /// The presets whose provider sends from these addresses.
    pub presets: Vec<String>,
    /// Where the provider publishes them.
    pub published: String,
    /// The day on which that was read: `2026-11-30`.
    read_on: String,
    pub networks: Vec<Network>,
}

impl PublishedRanges {
    /// The start of the day on which the list was read.
    pub fn read_on(&self) -> Timestamp {
        day(&self.read_on).expect("a day was read")
    }
}

fn day(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"))
}

/// The names of all lists, in order.
pub fn ranges_names() -> impl Iterator<Item = &'static str> {
    RANGES.names()
}

/// The list of this name.
pub fn ranges(name: &str) -> Option<&'static PublishedRanges> {
    RANGES.get(name, read)
}

/// The name of a preset's list.
pub(super) fn ranges_of(preset: &str) -> Option<&'static str> {
    ranges_names().find(|name| ranges(name).is_some_and(|list| list.presets.iter().any(|one| one == preset)))
}

fn read(file: &str, text: &str) -> Result<PublishedRanges, Report> {
    let problem = |at: usize, message: String| Report(vec![Diagnostic::at(file, text, at, message)]);
    let list: PublishedRanges =
        toml::from_str(text).map_err(|error| problem(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
    match day(&list.read_on) {
        Some(_) => Ok(list),
        None => Err(problem(0, format!("`read_on` is {:?}, allowed: a day such as 2026-11-30", list.read_on))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::preset_names;
    use super::*;

    #[test]
    fn every_list_is_embedded_dated_and_no_wider_than_a_provider() {
        RANGES.expect_those_of("../../functions/receiver/ranges");
        let mut of_presets = Vec::new();
        for (name, file) in RANGES.all() {
            let list = read(file.path, file.text).unwrap_or_else(|report| panic!("{report}"));
            assert!(list.published.starts_with("https://"), "{name}");
            assert!(!list.networks.is_empty() && list.networks.is_sorted(), "{name}: in order, as the updater writes them");
            for network in &list.networks {
                let widest = if network.is_ipv4() { 16 } else { 24 };
                assert!(network.prefix_bits() >= widest, "{name}: {network} is wider than a provider's own network");
            }
            for preset in &list.presets {
                assert!(preset_names().any(|known| known == preset), "{name}: {preset} is no preset");
                assert_eq!(ranges_of(preset), Some(name));
            }
            of_presets.extend(list.presets.clone());
        }
        assert!(of_presets.contains(&"github".to_owned()) && of_presets.contains(&"stripe".to_owned()));
    }

    #[test]
    fn a_list_without_a_day_is_refused() {
        let text = "presets = [\"stripe\"]\npublished = \"https://stripe.com\"\nread_on = \"last week\"\nnetworks = []\n";
        assert!(read("stripe.toml", text).unwrap_err().to_string().contains("`read_on` is \"last week\""));
    }
}
