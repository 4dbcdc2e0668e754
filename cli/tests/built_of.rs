//! A program that was built of other files than the folder has says so. Without that, a person who has changed a file and not built
//! again would believe what it prints.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SAID: &str = "this program was built of other files than are here";

/// A project's folder with the files that the binary was built of, of which a test changes some.
fn project(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("built-of-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    copy(&root.join("events/project"), &folder.join("events/project"));
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn change(folder: &Path, file: &str, change: impl FnOnce(String) -> String) {
    let path = folder.join(file);
    std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
}

fn tidings(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    for name in ["TIDINGS_URL", "TIDINGS_STACK", "TIDINGS_ENDPOINT_URL", "TIDINGS_SECRETS"] {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(folder).output().expect("the binary")
}

fn complaint(folder: &Path, arguments: &[&str]) -> String {
    String::from_utf8_lossy(&tidings(folder, arguments).stderr).into_owned()
}

const COMMANDS: &[&[&str]] = &[
    &["rules", "test"],
    &["rules", "check"],
    &["rules", "explain", "orders-shipped-late"],
    &["rules", "diff", "--against", "events/project/rules.yaml"],
    &["send", "orders", "--dry-run"],
    &["verify", "orders", "/no/such/file"],
    &["replay", "/no/such/file"],
];

#[test]
fn with_the_files_that_it_was_built_of_and_elsewhere_nothing_is_said() {
    let folder = project("same");
    change(&folder, "events/project/sources.yaml", |text| {
        format!("# a comment\n{text}").replace("github: { provider: github }", "github:\n    provider: github")
    });
    change(&folder, "events/project/schemas/orders/order.delivered/1.json", |text| text.replace('\n', "\r\n"));
    for command in COMMANDS {
        assert!(!complaint(&folder, command).contains(SAID), "{command:?}: {}", complaint(&folder, command));
        assert!(!complaint(&std::env::temp_dir(), command).contains(SAID), "{command:?}");
    }
}

#[test]
fn a_newer_file_is_told_once_by_each_command_that_goes_by_the_older_one() {
    let folder = project("sources");
    change(&folder, "events/project/sources.yaml", |text| text.replace("  svix: {", "  invoices: {"));
    for command in COMMANDS {
        let said = complaint(&folder, command);
        assert_eq!(said.matches(SAID).count(), 1, "{command:?}: {said}");
        assert!(said.contains("(events/project/sources.yaml)"), "{command:?}: {said}");
    }
    let said: Value = serde_json::from_slice(&tidings(&folder, &["send", "orders", "--dry-run", "--json"]).stdout).unwrap();
    assert_eq!(said["built_of_other_files"], serde_json::json!(["events/project/sources.yaml"]));
    for quiet in [&["man"][..], &["completions", "bash"], &["send", "orders", "--preset", "--dry-run"]] {
        assert!(!complaint(&folder, quiet).contains(SAID), "{quiet:?} goes by nothing of it");
    }
}

#[test]
fn a_file_that_an_older_program_can_not_read_is_another_one_too() {
    let folder = project("newer");
    change(&folder, "events/project/sources.yaml", |text| format!("{text}\nsomething_new: true\n"));
    assert!(complaint(&folder, &["send", "orders", "--dry-run"]).contains(SAID));
    change(&folder, "events/project/sources.yaml", |_| "version: 7\n".to_owned());
    assert!(complaint(&folder, &["send", "orders", "--dry-run"]).contains(SAID));
}

#[test]
fn rules_that_a_command_reads_itself_are_no_others_but_dev_goes_by_those_that_are_built_in() {
    let folder = project("rules");
    change(&folder, "events/project/rules.yaml", |text| text.replace("name: order-moved", "name: order-went"));
    assert!(!complaint(&folder, &["rules", "check"]).contains(SAID), "it tries what is here");
    let said = complaint(&folder, &["dev", "--secrets", "/no/such/file", "--port", "0"]);
    assert!(said.contains("(events/project/rules.yaml)"), "{said}");
}

#[test]
fn schemas_that_are_new_changed_or_gone_are_others() {
    let folder = project("schemas");
    let schemas = folder.join("events/project/schemas/orders");
    std::fs::create_dir_all(schemas.join("order.lost")).unwrap();
    std::fs::write(schemas.join("order.lost/1.json"), "{}").unwrap();
    assert!(complaint(&folder, &["rules", "test"]).contains("order.lost/1.json"));
    std::fs::remove_dir_all(schemas.join("order.lost")).unwrap();
    assert!(!complaint(&folder, &["rules", "test"]).contains(SAID));
    std::fs::remove_file(schemas.join("order.delivered/1.json")).unwrap();
    assert!(complaint(&folder, &["rules", "test"]).contains("order.delivered/1.json"));
}
