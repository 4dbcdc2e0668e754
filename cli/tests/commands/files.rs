//! Files that aren't as they should be: the messages are for their authors.

use crate::support::{Folder, said};

const SOURCES: &str = "version: 1\nsources:\n  stripe: { provider: stripe }\n";

#[test]
fn a_message_about_a_file_names_no_part_of_the_program() {
    let folder = Folder::new("files");
    let nodes = format!("version: 1\nrules: [{{ name: many, on: [{}] }}]\n", "x,".repeat(260_000));
    for (rules, expected) in [
        ("version: 1\nrules:\n", "expected a list"),
        ("version: 1\n---\nversion: 1\n", "more than one YAML document"),
        (nodes.as_str(), "too large or too deeply nested for YAML: nodes: 250001"),
    ] {
        folder.write("sources.yaml", SOURCES);
        folder.write("rules.yaml", rules);
        let text = said(&folder.run(&["check"]));
        assert!(text.contains(expected), "{expected}: {text}");
    }
    folder.write("sources.yaml", "version: 1\nsources:\n");
    let text = said(&folder.run(&["check"]));
    assert!(text.contains("sources.yaml:") && text.contains("expected names with values"), "{text}");
    folder.write("sources.yaml", SOURCES);
    folder.write("capture.json", "[1]");
    let text = said(&folder.run(&["replay", "capture.json"]));
    assert!(text.contains("expected an object") && !text.contains("struct"), "{text}");
}

#[test]
fn a_byte_order_mark_is_ignored() {
    let folder = Folder::new("bom");
    folder.write("sources.yaml", format!("\u{feff}{SOURCES}"));
    folder.write("rules.yaml", "\u{feff}version: 1\n");
    folder.write("secrets.json", "\u{feff}{ \"stripe\": \"whsec_c3RyaXBlLWlzLWEtc2VjcmV0\" }");
    folder.write("schemas/stripe/charge.refunded/1.json", "\u{feff}{ \"type\": \"object\" }");
    let checked = folder.run(&["check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let sent = folder.run(&["send", "stripe", "--secrets", "secrets.json", "--dry-run", "--json"]);
    assert_eq!(sent.status.code(), Some(0), "{}", said(&sent));
    folder.write("request.json", [&b"\xef\xbb\xbf"[..], &sent.stdout].concat());
    let verified = folder.run(&["verify", "stripe", "request.json", "--secrets", "secrets.json"]);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_project_file_is_refused() {
    let folder = Folder::new("fifo");
    folder.write("sources.yaml", SOURCES);
    let made = std::process::Command::new("mkfifo").arg(folder.0.join("rules.yaml")).status().expect("mkfifo");
    assert!(made.success());
    for arguments in [&["check"][..], &["build"], &["rules", "check"]] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(said(&output).contains("rules.yaml isn't a regular file"), "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn a_project_that_is_named_or_looked_for_and_not_found_is_the_same_failure() {
    for arguments in [&["check"][..], &["check", "--project", "nowhere"], &["build", "--project", "nowhere"]] {
        let output = crate::support::command().args(arguments).current_dir("/").output().expect("the binary");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
    }
}
