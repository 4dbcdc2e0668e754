//! `tidings upgrade`: compares a project's template.yaml and samconfig.toml with those of this version, and updates
//! them.
//!
//! Promises: without `--yes` it writes nothing. It reads and compares both files before it writes either, and replaces
//! each file whole or not at all. Settings of the project in samconfig.toml stay.

pub(crate) mod samconfig;

use crate::Failure;
use crate::commands::init::{self, template};
use crate::confirm::{Confirm, Confirmed};
use crate::files;
use crate::limits::MAX_CONFIG_FILE_BYTES;
use crate::project::Location;
use crate::style::{BAD, FAINT, GOOD, NAME, STRONG, data, paint, say};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use similar::{ChangeTag, TextDiff};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(
    after_help = "template.yaml becomes the template of this version. The diff also shows changes that you have made in it yourself, and --yes \
        removes them: commit the project first. samconfig.toml keeps all of its values and comments; settings that it lacks are \
        added. Nothing else of the project is read or written.\n\
        Exit status: 0 no difference with --check, otherwise done or shown; 1 a difference with --check, or a file can't be read \
        or written; 2 invalid arguments.\n\nExamples:\n  \
        tidings upgrade              show what would change (dry run)\n  \
        tidings upgrade --check      a test: status 1 if something would change\n  \
        tidings upgrade --yes        write it"
)]
pub struct UpgradeOptions {
    /// End with status 1 if something would change
    #[arg(long, conflicts_with = "yes")]
    pub check: bool,
    #[command(flatten)]
    pub confirm: Confirm,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The file that is deployed.
pub(crate) const TEMPLATE: &str = "template.yaml";

/// The settings of the deployment.
pub(crate) const SAMCONFIG: &str = "samconfig.toml";

/// Other names under which SAM reads the same file. A project that uses one of these has its own file.
const OTHER_NAMES: [(&str, &[&str]); 2] =
    [(TEMPLATE, &["template.yml", "template.json"]), (SAMCONFIG, &["samconfig.yaml", "samconfig.yml"])];

/// A file of the project, and the same file of this version.
struct Compared {
    name: &'static str,
    path: PathBuf,
    /// `None`: the project doesn't have it.
    theirs: Option<String>,
    ours: String,
    line_end: &'static str,
}

/// The difference between the two files.
#[derive(Debug, Serialize)]
struct Difference {
    file: &'static str,
    added: usize,
    removed: usize,
    /// A unified diff; empty if nothing differs.
    diff: String,
}

pub(crate) fn run(options: &UpgradeOptions) -> Result<ExitCode, Failure> {
    let location = Location::here()?;
    let mut compared = Vec::new();
    for (name, others) in OTHER_NAMES {
        if let Some(other) = others.iter().find(|other| !location.path(name).exists() && location.path(other).exists()) {
            crate::style::note(&format!("the project has {other} instead of {name}, which isn't compared"));
        } else {
            compared.push(Compared::read(&location, name)?);
        }
    }
    let differences: Vec<Difference> = compared.iter().map(Compared::difference).collect();
    let differ = differences.iter().any(|difference| !difference.diff.is_empty());
    let confirmed = options.confirm.ask();
    if let Some(confirmed) = confirmed {
        for (file, _) in compared.iter().zip(&differences).filter(|(_, difference)| !difference.diff.is_empty()) {
            file.write(confirmed)?;
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    if options.json {
        let (project, written) = (location.to_string(), confirmed.is_some() && differ);
        data(&json!({ "project": project, "version": version, "differs": differ, "written": written, "files": differences }));
    } else {
        if confirmed.is_none() {
            let there = compared.iter().zip(&differences).filter(|(file, _)| file.theirs.is_some());
            there.flat_map(|(_, difference)| difference.diff.lines()).for_each(print);
        }
        for (Compared { theirs, .. }, Difference { file, added, removed, .. }) in compared.iter().zip(&differences) {
            match (theirs, added, removed) {
                (None, added, _) => say!("{} {file}: a new file, {added} lines", paint(NAME, "+")),
                (Some(_), 0, 0) => say!("{} {file}: as in tidings {version}", paint(GOOD, "=")),
                (Some(_), added, removed) => say!("{} {file}: lines added {added}, removed {removed}", paint(NAME, "~")),
            }
        }
        match (differ, confirmed.is_some()) {
            (false, _) => say!("{}", paint(GOOD, "nothing to upgrade")),
            (true, true) => say!("{}", paint(GOOD, "written; `tidings check` and `git diff` show the result")),
            (true, false) => {
                say!("{}", paint(STRONG, "nothing was written. To write it: commit the project, then `tidings upgrade --yes`"));
            }
        }
    }
    Ok(if options.check && differ { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Prints a line of a unified diff.
fn print(line: &str) {
    match line.chars().next() {
        Some('+') => say!("{}", paint(GOOD, line)),
        Some('-') => say!("{}", paint(BAD, line)),
        Some('@') => say!("{}", paint(FAINT, line)),
        Some(_) | None => say!("{line}"),
    }
}

impl Compared {
    /// Replaces the project's file with this version's.
    fn write(&self, _: Confirmed) -> Result<(), Failure> {
        files::replace(&self.path, self.ours.replace('\n', self.line_end).as_bytes())
    }

    fn read(location: &Location, name: &'static str) -> Result<Self, Failure> {
        let path = location.path(name);
        let read = path.exists().then(|| files::regular(&path, MAX_CONFIG_FILE_BYTES)).transpose()?;
        let line_end = if read.as_ref().is_some_and(|text| text.contains("\r\n")) { "\r\n" } else { "\n" };
        let theirs = read.map(|text| text.replace("\r\n", "\n"));
        let ours = match (name, &theirs) {
            (SAMCONFIG, theirs) => {
                // The folder's own name, because the project may be found in a parent of the current folder.
                let folder = std::fs::canonicalize(location.path("."));
                let folder = folder.map_err(|error| Failure::new(format!("{location}: {error}")))?;
                let ours = init::samconfig(&init::project_name(&folder)?);
                let merged = theirs.as_ref().map(|theirs| samconfig::merged(theirs, &ours)).transpose();
                merged.map_err(|problem| Failure::new(format!("{}:{problem}", path.display())))?.unwrap_or(ours)
            }
            (_, _) => template(),
        };
        Ok(Self { name, path, theirs, ours, line_end })
    }

    fn difference(&self) -> Difference {
        let Self { name, theirs, ours, .. } = self;
        let old = theirs.as_deref().unwrap_or_default();
        let from = if theirs.is_some() { format!("a/{name}") } else { "/dev/null".to_owned() };
        let diff = TextDiff::from_lines(old, ours.as_str());
        let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
        let text = diff.unified_diff().header(&from, &format!("b/{name}")).to_string();
        let diff = if added + removed == 0 { String::new() } else { text };
        Difference { file: name, added, removed, diff }
    }
}
