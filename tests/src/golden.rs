//! Generated files that are committed. A stale file fails its test; `UPDATE=1 cargo test …` writes it again.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares a file with its expected content.
pub fn check(path: &str, expected: &str) {
    let file = root().join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("the folder");
        fs::write(&file, expected).expect("the file");
    }
    let seen = fs::read_to_string(&file).unwrap_or_default();
    assert!(seen == expected, "{path} is stale: `UPDATE=1 cargo test --workspace` writes it anew, then look at the difference");
}

/// Compares, or with `UPDATE=1` replaces, the part between two marks of a file that is otherwise written by hand.
pub fn check_between(path: &str, begin: &str, end: &str, expected: &str) {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (head, rest) = text.split_once(begin).unwrap_or_else(|| panic!("{path} has no {begin}"));
    let (_, tail) = rest.split_once(end).unwrap_or_else(|| panic!("{path} has no {end}"));
    check(path, &format!("{head}{begin}\n{expected}{end}{tail}"));
}
