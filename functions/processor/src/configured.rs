//! What was configured when this was built: see `build.rs`, which checked it.

use std::collections::BTreeMap;
use tidings_config::rules::Rules;
use tidings_config::schemas::{EventSchema, EventSchemas};

/// The rules of `infra/config/rules.yaml`.
pub fn rules() -> Rules {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/rules.json"))).expect("build.rs wrote it with the same types")
}

/// The schemas of `infra/config/schemas/`.
pub fn schemas() -> EventSchemas {
    let files: Vec<EventSchema> = serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/schemas.json")))
        .expect("build.rs wrote it with the same types");
    EventSchemas::new(files)
}

/// The files that they are of, by path, each with its hash: `tidings_project::file_sha256`. For tools.
pub fn files() -> BTreeMap<String, String> {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/files.json"))).expect("build.rs wrote it with the same types")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_embedded_is_read_back() {
        assert!(!super::rules().rules.is_empty());
        assert!(super::schemas().types().next().is_some());
        assert!(super::files().len() > 1);
    }
}
