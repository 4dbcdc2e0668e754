//! Finds the reflog of the checkout in which this is built. `src/version.rs` includes it.
//!
//! It runs once, not at every commit: the compiler tracks the included file, and only the program's entry includes it.
//! Outside of a checkout there is no reflog, and no error.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let bytes = commits().map_or_else(|| "b\"\"".to_owned(), |file| format!("include_bytes!({:?})", file.display().to_string()));
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let text = format!(
        "/// The commits that this checkout was at, a line each; nothing outside of a checkout.\nconst REFLOG: &[u8] = {bytes};\n"
    );
    fs::write(Path::new(&out).join("commits.rs"), text).expect("cargo's own folder");
}

/// `logs/HEAD` of the repository that contains this folder as `cli/`. An archive may have been unpacked in another
/// checkout.
fn commits() -> Option<PathBuf> {
    if git(&["rev-parse", "--show-prefix"])? != "cli/" {
        return None;
    }
    let file = fs::canonicalize(git(&["rev-parse", "--git-path", "logs/HEAD"])?).ok()?;
    file.is_file().then_some(file)
}

fn git(arguments: &[&str]) -> Option<String> {
    let ran = Command::new("git").args(arguments).output().ok().filter(|ran| ran.status.success())?;
    String::from_utf8(ran.stdout).ok().map(|text| text.trim_end().to_owned())
}
