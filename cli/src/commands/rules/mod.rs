//! `tidings rules`: what rules make of events, tried on the real processor over stores in memory.

mod absent;
pub(crate) mod case;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod explain;
mod expressions;
mod found;
mod given;
mod known;
mod on_record;
pub(crate) mod test;
pub(crate) mod world;

use crate::Failure;
use crate::arguments::RulesFile;
use crate::commands::files;
use std::path::Path;
use tidings_config::limits::{MAX_CONFIG_FILE_BYTES, MAX_SCHEMAS};
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_config::source::Source;
use tidings_project::{Report, read_event_schemas, read_rules, read_source_names, read_sources};

fn text(path: &Path) -> Result<String, Failure> {
    let hint = "run it where infra/config is, or name a file with --rules and --sources";
    files::text(path, MAX_CONFIG_FILE_BYTES).map_err(|failure| failure.hint(hint))
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

/// The schemas in the folder beside the rules; those that this was built with where there is none. The outer error is of a file that
/// can't be read.
fn schemas(file: &RulesFile) -> Result<Result<EventSchemas, Report>, Failure> {
    let folder = file.rules.parent().unwrap_or(Path::new("")).join("schemas");
    if !folder.is_dir() {
        return Ok(Ok(processor::configured::schemas()));
    }
    let mut texts = Vec::new();
    for path in files::below(&folder, MAX_SCHEMAS)? {
        texts.push((path.display().to_string(), text(&path)?));
    }
    Ok(read_event_schemas(&texts, &sources(file)?).map(EventSchemas::new))
}

/// The sources as they are configured; those that this was built with where the file isn't one that the build takes.
fn configured_sources(file: &RulesFile) -> Result<Vec<Source>, Failure> {
    let path = file.sources.display().to_string();
    let read = read_sources(&path, &text(&file.sources)?, &receiver::configured::providers());
    Ok(read.unwrap_or_else(|_| receiver::configured::sources()))
}

fn refused(report: &Report) -> Failure {
    Failure::new("the build would refuse it:").details(report.0.iter().map(ToString::to_string))
}

#[cfg(test)]
mod tests {
    use crate::fuzz;
    use tidings_project::{read_event_schema, read_rules, read_source_names, read_sources};

    const SOURCES: &[u8] = include_bytes!("../../../../infra/config/sources.yaml");

    #[test]
    fn no_rules_end_a_command() {
        let names: Vec<String> = receiver::configured::sources().into_iter().map(|source| source.name).collect();
        let shipped = include_bytes!("../../../../infra/config/rules.yaml");
        let events = super::known::of_corpus(super::given::noon()).unwrap();
        let lint = include_bytes!("../../../tests/rules/lint.yaml");
        let absent = include_bytes!("../../../tests/rules/absent.yaml");
        let (sources, schemas) = (receiver::configured::sources(), processor::configured::schemas());
        fuzz::never_panics(&[shipped, lint, absent], |bytes| {
            if let Ok(rules) = read_rules("rules.yaml", &fuzz::text(bytes), &names) {
                let _ = super::check::look(&rules, &fuzz::text(bytes), events.clone(), &sources, &schemas);
            }
        });
    }

    #[test]
    fn no_sources_end_a_command() {
        let providers = receiver::configured::providers();
        fuzz::never_panics(&[SOURCES], |bytes| {
            let _ = read_sources("sources.yaml", &fuzz::text(bytes), &providers);
            let _ = read_source_names("sources.yaml", &fuzz::text(bytes));
        });
    }

    #[test]
    fn no_schema_ends_a_command() {
        let schema = include_bytes!("../../../../infra/config/schemas/orders/order.delivered/1.json");
        fuzz::never_panics(&[schema], |bytes| {
            let _ = read_event_schema("schemas/orders/order.delivered/1.json", &fuzz::text(bytes), &["orders".to_owned()]);
        });
    }
}
