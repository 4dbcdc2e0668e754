//! `tidings rules test`: runs tests with given events, expected contexts and actions. [`found`](super::found) compares
//! the results.

use super::case;
use super::files::RulesFile;
use super::files::{chosen_here, text};
use super::found::{Difference, Found, Note, found};
use crate::Failure;
use crate::project::{Location, TESTS, refused};
use crate::style::{BAD, FAINT, GOOD, WARN, data_of, paint, say, tick};
use clap::Args;
use serde::Serialize;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use tidings_config::schemas::EventSchemas;
use tidings_project::Configuration;

#[derive(Debug, Args)]
#[command(after_help = "The files' format: docs/testing-rules.md. A dead-lettered event fails its test unless the test expects \
        it.\n\nExamples:\n  \
        tidings rules test\n  \
        tidings rules test tests/orders.yaml --rules new.yaml")]
pub struct RulesTest {
    /// Files, or folders of files; the project's tests if left out
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub file: RulesFile,
}

#[derive(Debug, Serialize)]
struct Tested {
    file: String,
    name: String,
    differences: Vec<Difference>,
    notes: Vec<Note>,
}

pub(crate) async fn run(options: RulesTest) -> Result<ExitCode, Failure> {
    let configuration = chosen_here(&options.file)?.read().map_err(|report| refused(&report))?;
    let named = if options.files.is_empty() { vec![Location::here()?.path(TESTS)] } else { options.files };
    let mut tested = Vec::new();
    for path in files(&named)? {
        tested.extend(run_file(&path, &configuration).await?);
    }
    if options.file.json {
        data_of(&tested)?;
    } else {
        tested.iter().for_each(print);
        let good = tested.iter().filter(|test| test.differences.is_empty()).count();
        let style = if good == tested.len() { GOOD } else { BAD };
        say!("{}", paint(style, format!("{good} of {} passed", tested.len())));
    }
    let all_good = tested.iter().all(|test| test.differences.is_empty());
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the tests of a file.
async fn run_file(path: &Path, configuration: &Configuration) -> Result<Vec<Tested>, Failure> {
    let Configuration { sources, rules, schemas, .. } = configuration;
    let file = path.display().to_string();
    let mut tested = Vec::new();
    for case in case::read(&file, &text(path)?, sources)? {
        let Found { differences, notes } = found(&case, rules.clone(), EventSchemas::new(schemas.clone())).await;
        tested.push(Tested { file: file.clone(), name: case.name, differences, notes });
    }
    Ok(tested)
}

/// The results of the tests of a folder.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) tests: usize,
    pub(crate) passed: usize,
    /// A line for each difference, and for each file that can't be read: `FILE:LINE:COLUMN: what`.
    pub(crate) problems: Vec<String>,
}

/// Runs the tests of a folder. A file that can't be read is a problem; the other files still run.
pub(crate) async fn summary(folder: &Path, configuration: &Configuration) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    for path in inside(folder)? {
        match run_file(&path, configuration).await {
            Err(failure) => summary.problems.push(failure.to_string()),
            Ok(tested) => {
                summary.tests += tested.len();
                summary.passed += tested.iter().filter(|test| test.differences.is_empty()).count();
                summary.problems.extend(tested.iter().flat_map(problems));
            }
        }
    }
    Ok(summary)
}

/// The differences of a test, a line each.
fn problems(test: &Tested) -> impl Iterator<Item = String> {
    let Tested { file, name, differences, notes: _ } = test;
    differences.iter().map(move |Difference { line, column, what, expected, got }| {
        format!("{file}:{line}:{column}: {name}: {what}: expected {expected}, got {got}")
    })
}

/// The files, and those of the folders, by name.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            files.extend(inside(path)?);
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

/// The YAML files of a folder, by name.
fn inside(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
    let mut inside: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    inside.retain(|path| path.extension().is_some_and(|e| e == "yaml" || e == "yml") && path.is_file());
    inside.sort();
    Ok(inside)
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
