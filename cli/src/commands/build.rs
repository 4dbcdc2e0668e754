//! `tidings build`: checks the project and writes its artefact. With the functions of a release, it writes a package
//! for each function.
//!
//! Promises: it writes nothing unless the whole project is valid. Each file is written whole or not at all. The same
//! project built by the same version gives the same bytes. If a source has `expect_every`, it also writes the template of
//! the alarms (`silence`).

use crate::Failure;
use crate::files;
use crate::project::{Location, Project};
use crate::silence::{self, SILENCE};
use crate::style::{FAINT, GOOD, count, data, paint, say};
use clap::Args;
use serde_json::json;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use tidings_config::artefact::ARTEFACT;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 written, 1 the project has problems or a file can't be written, 2 invalid \
        arguments.\n\nExamples:\n  \
        tidings build                                 write build/tidings.json\n  \
        tidings build --functions ~/tidings/functions/arm64    and a package of each\n  \
        tidings build --out target/tidings --json     print the paths and the hash")]
pub struct BuildOptions {
    /// Folder to write to, created if missing; build in the project's folder if left out
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Folder of a release with receiver/bootstrap, processor/bootstrap, reader/bootstrap and publisher/bootstrap: write a
    /// package for each function instead of only tidings.json
    #[arg(long, value_name = "DIR")]
    pub functions: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The functions that have a package, and whether the package contains the project's configuration.
const FUNCTIONS: [(&str, bool); 6] =
    [("receiver", true), ("processor", true), ("reader", false), ("publisher", true), ("kafka", true), ("sender", true)];

/// The file in a package that Lambda starts.
const BOOTSTRAP: &str = "bootstrap";

/// The default output folder, inside the project's folder.
const OUT: &str = "build";

pub(crate) fn run(options: &BuildOptions) -> Result<ExitCode, Failure> {
    let project = Project::open(Location::here()?)?;
    let artefact = project.artefact()?;
    let out = options.out.clone().unwrap_or_else(|| project.location.path(OUT));
    let mut written = match &options.functions {
        None => vec![write(&out, ARTEFACT, artefact.as_bytes())?],
        Some(functions) => packages(functions, &out, &artefact)?,
    };
    match silence::template(&project.configuration.sources) {
        Some(template) => written.push(write(&out, SILENCE, template.as_bytes())?),
        None => remove(&out.join(SILENCE))?,
    }
    let hash = project.hash();
    if options.json {
        let shown: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        data(
            &json!({ "project": project.location.to_string(), "configuration": hash, "bytes": artefact.len(), "written": shown }),
        );
    } else {
        let (sources, rules) = (project.configuration.sources.len(), project.configuration.rules.rules.len());
        let schemas = project.configuration.schemas.len();
        let (sources, rules, schemas) = (count(sources, "source"), count(rules, "rule"), count(schemas, "schema"));
        say!("{} {sources}, {rules}, {schemas}, of {}", paint(GOOD, "built"), project.location);
        written.iter().for_each(|path| say!("  {}", path.display()));
        say!("  {}", paint(FAINT, format!("configuration {hash}")));
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a folder for each function, in the form that `sam deploy` takes: the bootstrap and the artefact beside it.
fn packages(functions: &Path, out: &Path, artefact: &str) -> Result<Vec<PathBuf>, Failure> {
    let bootstraps = FUNCTIONS.map(|(name, _)| functions.join(name).join(BOOTSTRAP));
    if let Some(missing) = bootstraps.iter().find(|path| !path.is_file()) {
        return Err(Failure::new(format!("{} doesn't exist", missing.display())).hint(
            "--functions takes a folder of an unpacked release: it contains receiver/bootstrap, processor/bootstrap, \
                reader/bootstrap, publisher/bootstrap, kafka/bootstrap and sender/bootstrap",
        ));
    }
    let mut written = Vec::new();
    for ((name, is_configured), bootstrap) in FUNCTIONS.iter().zip(&bootstraps) {
        let package = out.join(name);
        fs::create_dir_all(&package).map_err(|error| failed(&package, &error))?;
        if *is_configured {
            written.push(write(&package, ARTEFACT, artefact.as_bytes())?);
        }
        let to = package.join(BOOTSTRAP);
        // `copy` also copies the permissions: Lambda must be able to execute the file.
        fs::copy(bootstrap, &to).map_err(|error| failed(&to, &error))?;
        written.push(to);
    }
    Ok(written)
}

/// Writes a file of this name in a folder.
fn write(folder: &Path, name: &str, content: &[u8]) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    files::replace(&path, content)?;
    Ok(path)
}

/// Removes the file of an earlier build, whose alarms nobody wants any more.
fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}
