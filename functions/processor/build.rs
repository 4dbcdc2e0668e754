//! Checks `infra/config/rules.yaml` and `infra/config/schemas/`, and embeds what they say. A bad file stops the build.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};
use tidings_project::{Report, file_sha256, read_event_schemas, read_rules, read_source_names};

const SOURCES: &str = "infra/config/sources.yaml";
const RULES: &str = "infra/config/rules.yaml";
const SCHEMAS: &str = "infra/config/schemas";

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    let read = |name: &str| {
        let path = root.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    // What is wrong with the sources is the receiver's build to say.
    let sources = read_source_names(SOURCES, &read(SOURCES)).unwrap_or_default();
    let text = read(RULES);
    let mut hashes = BTreeMap::from([(RULES.to_owned(), file_sha256(&text))]);
    match read_rules(RULES, &text, &sources) {
        Ok(rules) => write("rules.json", &rules),
        Err(report) => tell(&report),
    }
    println!("cargo::rerun-if-changed={}", root.join(SCHEMAS).display());
    let mut files = Vec::new();
    collect(&root, SCHEMAS, &mut files);
    hashes.extend(files.iter().map(|(name, text)| (name.clone(), file_sha256(text))));
    write("files.json", &hashes);
    match read_event_schemas(&files, &sources) {
        Ok(schemas) => write("schemas.json", &schemas),
        Err(report) => tell(&report),
    }
}

/// All files of a folder and its folders, in the order of their names. There may be none.
fn collect(root: &Path, folder: &str, files: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
    let mut names: Vec<String> = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    for name in names.iter().filter(|name| !name.starts_with('.')).map(|name| format!("{folder}/{name}")) {
        let path = root.join(&name);
        if path.is_dir() {
            collect(root, &name, files);
        } else {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            files.push((name, text));
        }
    }
}

fn tell(Report(problems): &Report) {
    problems.iter().for_each(|problem| println!("cargo::error={problem}"));
}

fn write<T: serde::Serialize>(name: &str, value: &T) {
    let json = serde_json::to_string(value).expect("configuration is JSON");
    fs::write(Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join(name), json).expect("cargo's own folder");
}
