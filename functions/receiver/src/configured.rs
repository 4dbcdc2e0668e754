//! What was configured when this was built: see `build.rs`, which checked it.

use std::collections::BTreeMap;
use tidings_config::provider::Provider;
use tidings_config::source::Source;

/// The sources of `infra/config/sources.yaml`.
pub fn sources() -> Vec<Source> {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/sources.json"))).expect("build.rs wrote it with the same types")
}

/// The presets of `providers/*.toml`, with evidence and vectors. For tools and tests: a receiver needs only its sources.
pub fn providers() -> Vec<Provider> {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/providers.json")))
        .expect("build.rs wrote it with the same types")
}

/// The files that they are of, by path, each with its hash: `tidings_project::file_sha256`. For tools.
pub fn files() -> BTreeMap<String, String> {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/files.json"))).expect("build.rs wrote it with the same types")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_embedded_is_read_back() {
        assert!(!sources().is_empty() && !providers().is_empty());
        assert_eq!(files().len(), 1 + providers().len());
    }
}
