//! Rules of this crate that the compiler can't check.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Lines of the program, without its tests, that contain one of these words, as `file:line: word`.
fn found(words: &[&str], except: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 80, "all of the program: {}", files.len());
    let mut found = Vec::new();
    for path in files {
        let name = path.strip_prefix(&root).expect("below it").display().to_string();
        if except.iter().any(|except| name.starts_with(except)) || name.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (n, line) in program.lines().enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            let hit = words.iter().find(|word| !is_comment && line.contains(**word));
            found.extend(hit.map(|word| format!("cli/src/{name}:{}: {word}", n + 1)));
        }
    }
    found
}

#[test]
fn nothing_but_style_writes_to_a_terminal() {
    let words = [
        "println!",
        "print!(",
        "eprintln!",
        "eprint!(",
        "dbg!",
        "::stdout()",
        "::stderr()",
        "io::stdout",
        "io::stderr",
        "anstream",
        "\\x1b",
        "\\u{1b}",
        ".with_message(",
        ".set_message(",
        "fmt::layer()",
    ];
    let raw = found(&words, &["style/"]);
    assert!(raw.is_empty(), "what others wrote would be printed raw: say it with crate::style instead\n{}", raw.join("\n"));
    assert!(!found(&words, &[]).is_empty(), "style does write");
}

#[test]
fn data_is_written_as_data() {
    // `say!` would escape a string's characters in Rust's syntax, which isn't JSON.
    let raw = found(
        &["say!(\"{}\", json", "say!(\"{}\", serde_json", "to_string_pretty(&", "say!(\"{value"],
        &["style/", "captures/file.rs", "commands/init/files.rs"],
    );
    assert!(raw.is_empty(), "JSON is written by style::data, data_of and pretty\n{}", raw.join("\n"));
}

#[test]
fn files_that_people_name_are_read_within_bounds() {
    let words = ["fs::read(", "fs::read_to_string(", "File::open(", "io::stdin", ".read_to_end(", "io::read_to_string"];
    // `dev` reads files that it wrote itself.
    let unbounded = found(&words, &["files.rs", "dev/", "dev_client/"]);
    assert!(unbounded.is_empty(), "a file may be of any length: files.rs reads it\n{}", unbounded.join("\n"));
}

#[test]
fn only_the_arguments_confirm_a_change() {
    let made = found(&["Confirm::given("], &[]);
    assert!(made.is_empty(), "a change is confirmed by --yes alone: take the command's Confirm\n{}", made.join("\n"));
}
