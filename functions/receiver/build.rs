//! Checks `infra/config/sources.yaml` and `providers/*.toml`, and embeds what they say. A bad file stops the build.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};
use tidings_project::{Report, file_sha256, read_provider, read_sources};

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    let out = env::var("OUT_DIR").expect("cargo sets it");

    let folder = root.join("functions/receiver/providers");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = fs::read_dir(&folder).expect("the providers' folder").map(|f| f.expect("a file").path()).collect();
    files.sort();

    let mut problems = Vec::new();
    let mut hashes = BTreeMap::new();
    let mut providers = Vec::new();
    for path in files.iter().filter(|p| p.extension().is_some_and(|e| e == "toml")) {
        let name = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        let text = read(path);
        hashes.insert(name.clone(), file_sha256(&text));
        match read_provider(&name, &text) {
            Ok(provider) => providers.push(provider),
            Err(Report(found)) => problems.extend(found),
        }
    }

    let text = read(&root.join("infra/config/sources.yaml"));
    hashes.insert("infra/config/sources.yaml".to_owned(), file_sha256(&text));
    let sources = match read_sources("infra/config/sources.yaml", &text, &providers) {
        Ok(sources) => sources,
        Err(Report(found)) => {
            problems.extend(found);
            Vec::new()
        }
    };

    for problem in &problems {
        println!("cargo::error={problem}");
    }
    write(&out, "providers.json", &providers);
    write(&out, "sources.json", &sources);
    write(&out, "files.json", &hashes);
}

fn read(path: &Path) -> String {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write<T: serde::Serialize>(out: &str, name: &str, value: &T) {
    let json = serde_json::to_string(value).expect("configuration is JSON");
    fs::write(Path::new(out).join(name), json).expect("cargo's own folder");
}
