//! `tidings rules`: what rules make of events, tried on the real processor over stores in memory.

mod absent;
pub(crate) mod case;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod expressions;
mod found;
mod given;
mod known;
mod on_record;
pub(crate) mod test;
mod types;
pub(crate) mod world;

use crate::Failure;
use crate::arguments::RulesFile;
use crate::commands::files;
use crate::project::{self, Location, RULES, SOURCES, refused};
use std::path::{Path, PathBuf};
use tidings_config::limits::MAX_CONFIG_FILE_BYTES;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_project::{ProjectFile, ProjectFiles, read_rules};

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

fn text(path: &Path) -> Result<String, Failure> {
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

#[cfg(test)]
mod tests {
    use crate::fuzz;
    use tidings_project::{read_event_schema, read_rules, read_source_names, read_sources};

    const SOURCES: &[u8] = include_bytes!("../../../../events/project/sources.yaml");

    #[test]
    fn no_rules_end_a_command() {
        let names: Vec<String> = tidings_events::project::sources().into_iter().map(|source| source.name).collect();
        let shipped = include_bytes!("../../../../events/project/rules.yaml");
        let events = super::known::of_corpus(&tidings_events::project::sources(), super::given::noon()).unwrap();
        let lint = include_bytes!("../../../tests/rules/lint.yaml");
        let absent = include_bytes!("../../../tests/rules/absent.yaml");
        let (sources, schemas) = (tidings_events::project::sources(), tidings_events::project::schemas());
        fuzz::never_panics(&[shipped, lint, absent], |bytes| {
            if let Ok(rules) = read_rules("rules.yaml", &fuzz::text(bytes), &names) {
                let _ = super::check::look(&rules, &fuzz::text(bytes), events.clone(), &sources, &schemas);
            }
        });
    }

    #[test]
    fn no_sources_end_a_command() {
        let providers = tidings_project::presets();
        fuzz::never_panics(&[SOURCES], |bytes| {
            let _ = read_sources("sources.yaml", &fuzz::text(bytes), &providers);
            let _ = read_source_names("sources.yaml", &fuzz::text(bytes));
        });
    }

    #[test]
    fn no_schema_ends_a_command() {
        let schema = include_bytes!("../../../../events/project/schemas/orders/order.delivered/1.json");
        fuzz::never_panics(&[schema], |bytes| {
            let _ = read_event_schema("schemas/orders/order.delivered/1.json", &fuzz::text(bytes), &["orders".to_owned()]);
        });
    }
}
