//! Which rules, sources and schemas a command is about.

use crate::Failure;
use crate::files;
use crate::limits::MAX_CONFIG_FILE_BYTES;
use crate::project::{self, Location, RULES, SOURCES, refused};
use clap::Args;
use std::path::{Path, PathBuf};
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_project::{ProjectFile, ProjectFiles, read_rules};

/// Which rules.
#[derive(Clone, Debug, Args)]
pub struct RulesFile {
    /// The rules; the project's rules.yaml if left out. Schemas are those of a folder schemas beside it, or else the project's
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// The sources that they name; the project's sources.yaml if left out
    #[arg(long, value_name = "FILE")]
    pub sources: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The files that are meant: the project's, and those instead that were named. Where both are named, no project is needed.
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
    Ok(ProjectFiles { sources: of(&file.sources, SOURCES)?, rules: of(&file.rules, RULES)?, schemas })
}

/// The same, where the demo's project is not what anybody can mean.
pub(crate) fn chosen_here(file: &RulesFile) -> Result<ProjectFiles, Failure> {
    if file.rules.is_none() || file.sources.is_none() {
        Location::here()?;
    }
    chosen(file)
}

/// A file that was named.
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

/// Other rules, of the same sources.
pub(crate) fn other_rules(path: &Path, file: &RulesFile) -> Result<Rules, Failure> {
    let names = chosen(file)?.source_names().map_err(|report| refused(&report))?;
    read_rules(&path.display().to_string(), &text(path)?, &names).map_err(|report| refused(&report))
}

/// The schemas that payloads are validated against.
pub(crate) fn schemas(file: &RulesFile) -> Result<EventSchemas, Failure> {
    chosen(file)?.read_schemas().map(EventSchemas::new).map_err(|report| refused(&report))
}
