//! Output that can't be written: a full disk is a failure, a closed pipe isn't.

use crate::support::command;
use std::fs::File;
use std::process::{Output, Stdio};

/// Runs the binary with the demo's project. Its output goes to this file or pipe.
fn run(arguments: &[&str], output: Stdio) -> Output {
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/../events/project");
    let mut command = command();
    command.args(arguments).env("TIDINGS_PROJECT", project).stdin(Stdio::null()).stdout(output);
    command.stderr(Stdio::piped()).spawn().expect("the binary").wait_with_output().expect("its end")
}

const COMMANDS: [&[&str]; 9] = [
    &["providers", "list", "--json"],
    &["providers", "list"],
    &["providers", "show", "stripe", "--json"],
    &["check"],
    &["rules", "test", "--json"],
    &["send", "stripe", "--lambda"],
    &["man"],
    &["completions", "bash"],
    &["send", "--help"],
];

#[test]
fn a_command_whose_output_is_lost_says_so_once_and_fails() {
    for arguments in COMMANDS {
        let full = File::options().write(true).open("/dev/full").expect("a device");
        let output = run(arguments, full.into());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert_eq!(said.matches("error: standard output: ").count(), 1, "{arguments:?}: {said}");
    }
}

#[test]
fn a_command_whose_reader_has_closed_the_pipe_ends_as_usual() {
    for arguments in COMMANDS {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = run(arguments, writer.into());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("standard output"), "{arguments:?}: {said}");
    }
}
