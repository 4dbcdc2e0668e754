//! `tidings man`: manual pages, generated from the arguments that the program takes.

use crate::Failure;
use crate::style::{document, note};
use clap::Args;
use clap::Command;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings man | man -l -\n  \
        tidings man rules diff | man -l -\n  \
        tidings man --into ~/.local/share/man/man1    all pages")]
pub struct ManOptions {
    /// Command to print the page of; `tidings` itself if left out
    #[arg(value_name = "COMMAND", conflicts_with = "into")]
    pub command: Vec<String>,
    /// Write the page of every command into this folder, created if missing
    #[arg(long, value_name = "FOLDER")]
    pub into: Option<PathBuf>,
}

pub(crate) fn run(options: &ManOptions, program: &Command) -> Result<ExitCode, Failure> {
    if let Some(folder) = &options.into {
        let pages = write(folder, program)?;
        note(&format!("{pages} pages in {}", folder.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let page = page(&options.command, program)?;
    document(&page);
    Ok(ExitCode::SUCCESS)
}

/// Writes a page for each command. Returns their number.
fn write(folder: &Path, program: &Command) -> Result<usize, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(program.clone(), folder).map_err(failed)?;
    Ok(count(program))
}

fn count(command: &Command) -> usize {
    1 + command.get_subcommands().map(count).sum::<usize>()
}

/// The page of one command.
fn page(words: &[String], program: &Command) -> Result<Vec<u8>, Failure> {
    let mut command = program.clone().disable_help_subcommand(true);
    command.build();
    let mut at = &command;
    for word in words {
        at = at.find_subcommand(word).ok_or_else(|| {
            let known: Vec<&str> = at.get_subcommands().map(Command::get_name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Failure::new(format!("{} has no command {word:?}, allowed: {known}", at.get_name()))
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(at.clone()).render(&mut page).map_err(|error| Failure::new(error.to_string()))?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Arguments;
    use clap::CommandFactory;

    /// Every command by its words, the command itself first.
    fn all(command: &clap::Command, words: &[String], found: &mut Vec<Vec<String>>) {
        found.push(words.to_vec());
        for sub in command.get_subcommands() {
            all(sub, &[words, &[sub.get_name().to_owned()]].concat(), found);
        }
    }

    #[test]
    fn every_command_has_its_page() {
        let mut commands = Vec::new();
        all(&Arguments::command(), &[], &mut commands);
        assert!(commands.len() >= 30, "{commands:?}");
        let folder = std::env::temp_dir().join(format!("tidings-man-{}", std::process::id()));
        assert_eq!(write(&folder, &Arguments::command()).unwrap(), commands.len());
        for words in &commands {
            let name = std::iter::once("tidings".to_owned()).chain(words.iter().cloned()).collect::<Vec<_>>().join("-");
            let written =
                std::fs::read_to_string(folder.join(format!("{name}.1"))).unwrap_or_else(|error| panic!("{name}: {error}"));
            let printed = String::from_utf8(page(words, &Arguments::command()).unwrap()).unwrap();
            assert_eq!(written, printed, "{name}");
            for part in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS"] {
                assert!(written.contains(part), "{name} has no {part}");
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_unknown_command_is_reported_with_the_known_commands() {
        let said = |words: &[&str]| {
            page(&words.iter().map(ToString::to_string).collect::<Vec<_>>(), &Arguments::command()).unwrap_err().to_string()
        };
        assert!(said(&["rules", "guess"]).contains("allowed: check, test, explain, diff"), "{}", said(&["rules", "guess"]));
        assert!(said(&["send", "stripe"]).contains("allowed: none"));
    }
}
