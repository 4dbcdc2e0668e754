//! Checks `infra/config/rules.yaml`, and embeds what it says. A bad file stops the build.

use std::path::Path;
use std::{env, fs};
use tidings_core::config::files::{Report, read_rules, read_source_names};

const SOURCES: &str = "infra/config/sources.yaml";
const RULES: &str = "infra/config/rules.yaml";

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    let read = |name: &str| {
        let path = root.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    // What is wrong with the sources is the receiver's build to say.
    let sources = read_source_names(SOURCES, &read(SOURCES)).unwrap_or_default();
    match read_rules(RULES, &read(RULES), &sources) {
        Ok(rules) => {
            let json = serde_json::to_string(&rules).expect("configuration is JSON");
            let out = env::var("OUT_DIR").expect("cargo sets it");
            fs::write(Path::new(&out).join("rules.json"), json).expect("cargo's own folder");
        }
        Err(Report(problems)) => problems.iter().for_each(|problem| println!("cargo::error={problem}")),
    }
}
