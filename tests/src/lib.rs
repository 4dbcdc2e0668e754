//! Shared by the tests of several crates: one conformance suite per port, the template as data, and generated files
//! with a check that they are current.

pub mod answers;
pub mod conformance;
pub mod golden;
pub mod messages;
pub mod private_authority;
pub mod received;
pub mod sends;
pub mod template;
pub mod tenants;
pub mod typescript;
pub mod webhook_stores;
pub mod wire;

#[cfg(test)]
mod tests {
    use crate::golden::root;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Cargo finds test targets only in a package's folder `tests/`, and this package is that folder.
    #[test]
    fn every_test_file_of_this_folder_is_a_target() {
        let folder = root().join("tests");
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("the manifest");
        let manifest: toml::Table = manifest.parse().expect("TOML");
        let targets = manifest["test"].as_array().expect("the targets").iter();
        let targets: BTreeSet<String> = targets.map(|target| target["path"].as_str().expect("a path").to_owned()).collect();
        let name = |path: &Path| path.strip_prefix(&folder).expect("a file of the folder").display().to_string();
        let mut files = BTreeSet::new();
        for entry in std::fs::read_dir(&folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            let main = path.join("main.rs");
            if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(name(&path));
            } else if main.exists() {
                files.insert(name(&main));
            }
        }
        assert_eq!(targets, files, "tests/Cargo.toml names each of them in [[test]]");
    }
}
