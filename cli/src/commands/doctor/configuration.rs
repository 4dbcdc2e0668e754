//! Checks that the project is valid.

use super::check::Check;
use crate::Failure;
use crate::project::{Location, Project, RULES, SCHEMAS, SOURCES};
use crate::style::count;
use tidings_config::source::Source;

/// Facts of the project that other checks need.
pub(super) struct Known {
    /// Empty if the sources can't be read; a check reports that.
    pub(super) sources: Vec<Source>,
    /// The hash of the project's artefact, if the project is valid.
    pub(super) hash: Option<String>,
}

pub(super) fn checks(location: Location) -> Result<(Vec<Check>, Known), Failure> {
    let files = location.files()?;
    let file = |name: &str| location.path(name).display().to_string();
    let bad = |check: &'static str, report: &tidings_project::Report| {
        let all: Vec<String> = report.0.iter().map(ToString::to_string).collect();
        Check::bad_each(check, format!("{} problems: `tidings build` would fail", all.len()), all)
    };
    let read = files.read_sources();
    let sources = match &read {
        Ok(sources) => Check::good("sources", format!("{}: {}", file(SOURCES), count(sources.len(), "source"))),
        Err(report) => bad("sources", report),
    };
    let rules = match files.read_rules() {
        Ok(rules) => Check::good(
            "rules",
            format!("{}: {}, {}", file(RULES), count(rules.rules.len(), "rule"), count(rules.joins.len(), "join")),
        ),
        Err(report) => bad("rules", &report),
    };
    let schemas = match files.read_schemas() {
        Ok(schemas) => Check::good(SCHEMAS, format!("{}: {}", file(SCHEMAS), count(schemas.len(), "schema"))),
        Err(report) => bad(SCHEMAS, &report),
    };
    let hash = Project::open(location).ok().map(|project| project.hash());
    Ok((vec![sources, rules, schemas], Known { sources: read.unwrap_or_default(), hash }))
}
