//! Tests of the arguments as a whole.

use super::*;
use std::path::Path;

#[test]
fn the_arguments_hold_together() {
    <Arguments as clap::CommandFactory>::command().debug_assert();
}

/// Docs name commands that people run during an incident.
#[test]
fn the_docs_name_commands_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = std::fs::read_dir(root.join("docs")).expect("the docs").map(|entry| entry.expect("an entry").path());
    let pages: Vec<PathBuf> =
        docs.filter(|path| path.is_file()).chain([root.join("README.md"), root.join("events/README.md")]).collect();
    let command = <Arguments as clap::CommandFactory>::command();
    let mut named = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a page");
        let after = text.split("`tidings ").skip(1).chain(text.lines().filter_map(|line| line.strip_prefix("tidings ")));
        for words in after.map(|rest| rest.split(['`', '\n', ' ']).collect::<Vec<_>>()) {
            let Some(word) = words.first().filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase())) else {
                continue;
            };
            let found =
                command.find_subcommand(word).unwrap_or_else(|| panic!("{}: no command `tidings {word}`", page.display()));
            let second = words.get(1).filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
            if let Some(second) = second.filter(|_| found.has_subcommands()) {
                assert!(found.find_subcommand(second).is_some(), "{}: no command `tidings {word} {second}`", page.display());
            }
            named += 1;
        }
    }
    assert!(named > 30, "{named} commands were found in the docs");
}
