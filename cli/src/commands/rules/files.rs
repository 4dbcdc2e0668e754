//! Selects the rules, sources and schemas of a command.

use crate::Failure;
use crate::files;
use crate::limits::MAX_CONFIG_FILE_BYTES;
use crate::project::{self, Location, RULES, SOURCES, refused};
use clap::Args;
use std::path::{Path, PathBuf};
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_project::{ProjectFile, ProjectFiles, read_rules};

/// The files to use.
#[derive(Clone, Debug, Args)]
pub struct RulesFile {
    /// The rules; the project's rules.yaml if left out. Schemas come from a folder schemas beside it, otherwise from
    /// the project
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// The sources that the rules name; the project's sources.yaml if left out
    #[arg(long, value_name = "FILE")]
    pub sources: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The selected files: those of the options, otherwise the project's. If both options are given, no project is needed.
pub(crate) fn chosen(file: &RulesFile) -> Result<ProjectFiles, Failure> {
    let location = match (&file.rules, &file.sources, Location::find()?) {
        (Some(_), Some(_), location) => location,
        (_, _, Some(location)) => Some(location),
        (_, _, None) => Some(Location::here_or_demo()?),
    };
    let of = |named: &Option<PathBuf>, name: &str| match (named, &location) {
        (Some(path), _) => outside(path),
        (None, Some(location)) => location.file(name),
        (None, None) => Err(Failure::new(format!("no {name}"))),
    };
    let beside = file.rules.as_deref().map(|rules| rules.parent().unwrap_or(Path::new("")));
    let schemas = match (beside, &location) {
        (Some(beside), _) if beside.join(project::SCHEMAS).is_dir() => project::schemas_in(beside)?,
        (_, Some(location)) => location.schemas()?,
        (_, None) => Vec::new(),
    };
    let (sources, rules) = (of(&file.sources, SOURCES)?, of(&file.rules, RULES)?);
    Ok(ProjectFiles { sources, rules, schemas, endpoints: None, sinks: None, channels: None })
}

/// The same, for commands that must not fall back to the demo project.
pub(crate) fn chosen_here(file: &RulesFile) -> Result<ProjectFiles, Failure> {
    if file.rules.is_none() || file.sources.is_none() {
        Location::here()?;
    }
    chosen(file)
}

/// A file that an option names.
fn outside(path: &Path) -> Result<ProjectFile, Failure> {
    let shown = path.display().to_string();
    Ok(ProjectFile { path: shown.clone(), shown, text: text(path)? })
}

pub(super) fn text(path: &Path) -> Result<String, Failure> {
    files::text(path, MAX_CONFIG_FILE_BYTES)
}

/// The rules of `--rules`, or the project's.
pub(crate) fn rules(file: &RulesFile) -> Result<Rules, Failure> {
    chosen(file)?.read_rules().map_err(|report| refused(&report))
}

/// Other rules for the same sources.
pub(crate) fn other_rules(path: &Path, file: &RulesFile) -> Result<Rules, Failure> {
    let names = chosen(file)?.source_names().map_err(|report| refused(&report))?;
    read_rules(&path.display().to_string(), &text(path)?, &names).map_err(|report| refused(&report))
}

/// The schemas that validate payloads.
pub(crate) fn schemas(file: &RulesFile) -> Result<EventSchemas, Failure> {
    chosen(file)?.read_schemas().map(EventSchemas::new).map_err(|report| refused(&report))
}
