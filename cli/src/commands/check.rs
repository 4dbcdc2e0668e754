//! `tidings check`: checks everything in a project, in one command.
//!
//! Promises: it checks each part even if another part has problems. Exception: rules, tests and secrets need readable
//! sources, rules and schemas. It writes nothing and sends nothing.

use crate::Failure;
use crate::commands::init::template;
use crate::commands::rules::{check as rules_check, test as rules_test};
use crate::commands::upgrade::{SAMCONFIG, TEMPLATE, samconfig};
use crate::files;
use crate::limits::MAX_CONFIG_FILE_BYTES;
use crate::project::{Location, SOURCES, TESTS};
use crate::style::{BAD, FAINT, GOOD, WARN, data, paint, say};
use clap::Args;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_saphyr::Spanned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use tidings_config::limits::MAX_SECRET_DOCUMENT_BYTES;
use tidings_core::secrets::{DocumentError, parse};
use tidings_project::{Configuration, ProjectFiles, did_you_mean, yaml_message};

#[derive(Debug, Args)]
#[command(
    after_help = "It runs `tidings rules check` and `tidings rules test`, and compares secrets.example.json with the sources, \
        template.yaml with the template of this version, and the parameters of samconfig.toml with template.yaml.\n\
        A problem fails the check; a note doesn't: an event that a source may send, or your own change in the template.\n\
        Exit status: 0 no problem, 1 at least one problem, 2 invalid arguments.\n\nExamples:\n  \
        tidings check                        the project here, or in a parent folder\n  \
        tidings check --project ~/pizza      the project of another folder\n  \
        tidings check --json                 for a CI job: one object for each part"
)]
pub struct CheckOptions {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Example document of the secrets that the project needs, with placeholder texts.
const SECRETS: &str = "secrets.example.json";

/// The status of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Good,
    /// May be intended: the check doesn't fail.
    Note,
    Bad,
    /// The project doesn't have this part and doesn't need it.
    Absent,
}

/// A part of the project.
#[derive(Debug, Serialize)]
struct Part {
    part: &'static str,
    status: Status,
    message: String,
    /// Each line: `FILE:LINE:COLUMN: message`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<String>,
}

impl Part {
    fn new(part: &'static str, status: Status, message: impl Into<String>) -> Self {
        Self { part, status, message: message.into(), details: Vec::new() }
    }

    /// `Bad` if there are problems, otherwise good with this message.
    fn judged(part: &'static str, good: impl Into<String>, details: Vec<String>) -> Self {
        let (status, message) = match details.len() {
            0 => (Status::Good, good.into()),
            1 => (Status::Bad, "1 problem".to_owned()),
            n => (Status::Bad, format!("{n} problems")),
        };
        Self { part, status, message, details }
    }
}

pub(crate) async fn run(options: &CheckOptions) -> Result<ExitCode, Failure> {
    let location = Location::here()?;
    let parts = parts(&location).await?;
    let bad = parts.iter().filter(|part| part.status == Status::Bad).count();
    if options.json {
        data(&json!({ "project": location.to_string(), "good": bad == 0, "parts": parts }));
    } else {
        parts.iter().for_each(print);
        match bad {
            0 => say!("{}", paint(GOOD, "no problem")),
            1 => say!("{}", paint(BAD, "1 part has problems")),
            bad => say!("{}", paint(BAD, format!("{bad} parts have problems"))),
        }
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(Part { part, status, message, details }: &Part) {
    let (style, mark) = match status {
        Status::Good => (GOOD, "✓"),
        Status::Note => (WARN, "!"),
        Status::Bad => (BAD, "✗"),
        Status::Absent => (FAINT, "–"),
    };
    say!("{} {part:<9}  {message}", paint(style, mark));
    details.iter().flat_map(|detail| detail.lines()).for_each(|line| say!("    {line}"));
}

async fn parts(location: &Location) -> Result<Vec<Part>, Failure> {
    let files = location.files()?;
    let mut parts = Vec::new();
    match files.read() {
        Err(report) => parts.push(Part::judged("files", "", report.0.iter().map(ToString::to_string).collect())),
        Ok(configuration) => {
            let Configuration { sources, rules, schemas, .. } = &configuration;
            let (sources, joins, rules, schemas) = (sources.len(), rules.joins.len(), rules.rules.len(), schemas.len());
            let counts = format!("sources {sources}, rules {rules}, joins {joins}, schemas {schemas}");
            parts.push(Part::new("files", Status::Good, counts));
            parts.push(of_rules(&files, &configuration)?);
            parts.push(of_tests(location, &configuration).await?);
            parts.push(of_secrets(location, &files, &configuration)?);
        }
    }
    let (template, parameters) = of_template(&location.path(TEMPLATE))?;
    parts.extend([template, of_samconfig(&location.path(SAMCONFIG), parameters.as_ref())?]);
    Ok(parts)
}

fn absent(part: &'static str, path: &Path) -> Part {
    Part::new(part, Status::Absent, format!("no {}", path.display()))
}

fn of_rules(files: &ProjectFiles, configuration: &Configuration) -> Result<Part, Failure> {
    let (warnings, notes) = rules_check::lines(files, configuration)?;
    let (status, message) = match (warnings.len(), notes.len()) {
        (0, 0) => (Status::Good, "no warning".to_owned()),
        (0, notes) => (Status::Note, format!("notes {notes}")),
        (warnings, notes) => (Status::Bad, format!("warnings {warnings}, notes {notes}; `tidings rules check` shows costs too")),
    };
    Ok(Part { details: [warnings, notes].concat(), ..Part::new("rules", status, message) })
}

async fn of_tests(location: &Location, configuration: &Configuration) -> Result<Part, Failure> {
    let folder = location.path(TESTS);
    if !folder.is_dir() {
        return Ok(absent("tests", &folder));
    }
    let rules_test::Summary { tests, passed, problems } = rules_test::summary(&folder, configuration).await?;
    Ok(match problems.len() {
        0 if tests == 0 => Part::new("tests", Status::Absent, format!("no test in {}", folder.display())),
        0 => Part::new("tests", Status::Good, format!("{passed} of {tests} passed")),
        _ => Part { details: problems, ..Part::new("tests", Status::Bad, format!("{passed} of {tests} passed")) },
    })
}

/// The positions of the sources in their file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Places {
    sources: BTreeMap<String, Spanned<IgnoredAny>>,
}

/// Checks that the example has an entry for each source that needs one, and no entry for another source.
fn of_secrets(location: &Location, files: &ProjectFiles, configuration: &Configuration) -> Result<Part, Failure> {
    let path = location.path(SECRETS);
    if !path.exists() {
        return Ok(absent("secrets", &path));
    }
    let (shown, text) = (path.display(), files::regular(&path, MAX_SECRET_DOCUMENT_BYTES)?);
    let listed: BTreeSet<String> = match parse(&text) {
        Ok(document) => document.into_keys().collect(),
        Err(DocumentError::Unreadable { line, column }) => {
            let message = "expected a JSON object from a source to a secret or a list of secrets";
            return Ok(Part::judged("secrets", "", vec![format!("{shown}:{line}:{column}: {message}")]));
        }
        Err(error @ DocumentError::TooLong(_)) => return Ok(Part::judged("secrets", "", vec![format!("{shown}: {error}")])),
    };
    let (named, places): (BTreeMap<String, Spanned<IgnoredAny>>, Places) =
        (serde_saphyr::from_str(&text).unwrap_or_default(), serde_saphyr::from_str(&files.sources.text).unwrap_or_default());
    let place = |file: &dyn std::fmt::Display, spanned: Option<&Spanned<IgnoredAny>>| match spanned {
        Some(at) => format!("{file}:{}:{}", at.referenced.line(), at.referenced.column()),
        None => file.to_string(),
    };
    let needed = configuration.sources.iter().filter(|source| !source.captures()).map(|source| source.name.as_str());
    let missing = needed.filter(|name| !listed.contains(*name)).map(|name| {
        let at = place(&files.sources.shown, places.sources.get(name));
        format!("{at}: source {name:?} has no entry in {shown}; add \"{name}\": \"<the secret>\"")
    });
    let names: Vec<&str> = configuration.sources.iter().map(|source| source.name.as_str()).collect();
    // An entry `SOURCE.verify_token` or `SOURCE.capture` belongs to that source.
    let source_of = |entry: &str| entry.split('.').next().unwrap_or_default().to_owned();
    let left = listed.iter().filter(|entry| !names.contains(&source_of(entry).as_str())).map(|entry| {
        let hint = did_you_mean(&source_of(entry), names.iter().copied());
        format!("{}: {entry:?} isn't a source in {SOURCES}{hint}", place(&shown, named.get(entry)))
    });
    Ok(Part::judged("secrets", format!("{shown} has an entry for every source"), missing.chain(left).collect()))
}

/// The fields that are read from a template.
#[derive(Debug, Deserialize)]
struct Template {
    #[serde(default, rename = "Parameters")]
    parameters: BTreeMap<String, IgnoredAny>,
}

/// Compares the template. A project may change its template, so a difference is a note. Also returns the template's
/// parameters, if it can be read.
fn of_template(path: &Path) -> Result<(Part, Option<BTreeSet<String>>), Failure> {
    const PART: &str = "template";
    if !path.exists() {
        return Ok((absent(PART, path), None));
    }
    let text = files::regular(path, MAX_CONFIG_FILE_BYTES)?;
    let read: Template = match serde_saphyr::from_str(&text) {
        Ok(read) => read,
        Err(error) => {
            let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            let problem = format!("{}:{line}:{column}: {}", path.display(), yaml_message(&error));
            return Ok((Part::judged(PART, "", vec![problem]), None));
        }
    };
    let part = if text.replace("\r\n", "\n") == template() {
        Part::new(PART, Status::Good, format!("{} matches this version", path.display()))
    } else {
        let message =
            format!("{} differs from the template of this version; `tidings upgrade` shows the difference", path.display());
        Part::new(PART, Status::Note, message)
    };
    Ok((part, Some(read.parameters.into_keys().collect())))
}

fn of_samconfig(path: &Path, parameters: Option<&BTreeSet<String>>) -> Result<Part, Failure> {
    const PART: &str = "samconfig";
    if !path.exists() {
        return Ok(absent(PART, path));
    }
    let problems = samconfig::problems(&files::regular(path, MAX_CONFIG_FILE_BYTES)?, parameters);
    let details = problems.into_iter().map(|problem| format!("{}:{problem}", path.display())).collect();
    Ok(Part::judged(PART, path.display().to_string(), details))
}
