//! Rules for `--help` of every command.

use clap::{Command, CommandFactory};
use tidings_cli::Arguments;

/// Every command, with its words.
fn commands(command: Command, called: &str, all: &mut Vec<(String, Command)>) {
    for inner in command.get_subcommands() {
        commands(inner.clone(), &format!("{called} {}", inner.get_name()), all);
    }
    all.push((called.to_owned(), command));
}

#[test]
fn prose_of_help_is_wrapped_by_the_terminal_and_not_by_hand() {
    let mut all = Vec::new();
    commands(Arguments::command(), "tidings", &mut all);
    let mut wrapped = Vec::new();
    for (called, command) in &all {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
        // A line that continues a sentence doesn't begin with a capital.
        let goes_on = |pair: &&[&str]| is_prose(pair[0]) && is_prose(pair[1]) && !pair[0].ends_with(['.', ':']);
        wrapped.extend(lines.windows(2).filter(goes_on).map(|pair| format!("{called}: {:?} goes on in {:?}", pair[0], pair[1])));
    }
    assert!(wrapped.is_empty(), "{}", wrapped.join("\n"));
}

/// Columns of a narrow terminal. `--help` doesn't wrap the lines of examples: a terminal would, in the middle of a word.
const COLUMNS: usize = 80;

#[test]
fn no_line_of_an_example_is_wider_than_a_narrow_terminal() {
    let mut all = Vec::new();
    commands(Arguments::command(), "tidings", &mut all);
    let mut wide = Vec::new();
    for (called, command) in &all {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = text.lines().filter(|line| line.starts_with(' '));
        wide.extend(examples.filter(|line| line.chars().count() > COLUMNS).map(|line| format!("{called}: {line}")));
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}
