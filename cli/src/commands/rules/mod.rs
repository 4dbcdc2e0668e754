//! `tidings rules`: what rules make of events, tried on the real processor over stores in memory.

pub(crate) mod case;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod explain;
mod expressions;
mod given;
mod on_record;
pub(crate) mod test;
pub(crate) mod world;

use crate::Failure;
use crate::arguments::RulesFile;
use crate::commands::files;
use std::path::Path;
use tidings_core::config::files::{Report, read_rules, read_source_names};
use tidings_core::config::rules::Rules;

fn text(path: &Path) -> Result<String, Failure> {
    let hint = "run it where infra/config is, or name a file with --rules and --sources";
    let bytes = files::read(path).map_err(|failure| failure.hint(hint))?;
    String::from_utf8(bytes).map_err(|_| Failure::new(format!("{}: not UTF-8", path.display())))
}

/// The names of the configured sources.
fn sources(file: &RulesFile) -> Result<Vec<String>, Failure> {
    let path = file.sources.display().to_string();
    read_source_names(&path, &text(&file.sources)?).map_err(|report| refused(&report))
}

/// Rules that the build would take.
pub(crate) fn rules(path: &Path, file: &RulesFile) -> Result<Rules, Failure> {
    read_rules(&path.display().to_string(), &text(path)?, &sources(file)?).map_err(|report| refused(&report))
}

fn refused(report: &Report) -> Failure {
    Failure::new(format!("the build would refuse it:\n{report}"))
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::new(error.to_string()))
}
