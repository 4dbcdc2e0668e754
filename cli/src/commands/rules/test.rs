//! `tidings rules test`: given events, expected contexts and actions. What is judged is in [`found`](super::found).

use super::case;
use super::found::{Difference, Found, Note, found};
use super::{chosen_here, text};
use crate::Failure;
use crate::arguments::RulesTest;
use crate::project::{Location, TESTS, refused};
use crate::style::{BAD, FAINT, GOOD, WARN, data_of, paint, say, tick};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tidings_config::schemas::EventSchemas;
use tidings_project::Configuration;

#[derive(Debug, Serialize)]
struct Tested {
    file: String,
    name: String,
    differences: Vec<Difference>,
    notes: Vec<Note>,
}

pub(crate) async fn run(options: RulesTest) -> Result<ExitCode, Failure> {
    let files_read = chosen_here(&options.file)?.read();
    let Configuration { sources, rules, schemas, .. } = files_read.map_err(|report| refused(&report))?;
    let named = if options.files.is_empty() { vec![Location::here()?.path(TESTS)] } else { options.files };
    let mut tested = Vec::new();
    for path in files(&named)? {
        let file = path.display().to_string();
        for case in case::read(&file, &text(&path)?, &sources)? {
            let Found { differences, notes } = found(&case, rules.clone(), EventSchemas::new(schemas.clone())).await;
            tested.push(Tested { file: file.clone(), name: case.name, differences, notes });
        }
    }
    if options.file.json {
        data_of(&tested)?;
    } else {
        tested.iter().for_each(print);
        let good = tested.iter().filter(|test| test.differences.is_empty()).count();
        let style = if good == tested.len() { GOOD } else { BAD };
        say!("{}", paint(style, format!("{good} of {} as they say", tested.len())));
    }
    let all_good = tested.iter().all(|test| test.differences.is_empty());
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The files, and those of the folders, by name.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
            let mut inside: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
            inside.retain(|path| path.extension().is_some_and(|e| e == "yaml" || e == "yml") && path.is_file());
            inside.sort();
            files.extend(inside);
        } else {
            files.push(path.clone());
        }
    }
    if files.is_empty() {
        let names: Vec<String> = named.iter().map(|path| Path::display(path).to_string()).collect();
        return Err(Failure::new(format!("no test in {}", names.join(", "))).hint("tests are YAML files: docs/testing-rules.md"));
    }
    Ok(files)
}

fn print(test: &Tested) {
    say!("{} {}  {}", tick(test.differences.is_empty()), test.name, paint(FAINT, &test.file));
    for Difference { line, column, what, expected, got } in &test.differences {
        say!("    {}:{line}:{column}: {what}", test.file);
        say!("        expected  {}", paint(GOOD, expected));
        say!("        got       {}", paint(BAD, got));
    }
    for Note { line, column, what } in &test.notes {
        say!("    {}:{line}:{column}: {} {what}", test.file, paint(WARN, "note:"));
    }
}
