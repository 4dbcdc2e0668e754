//! The project that a command works with: a folder with `sources.yaml`, `rules.yaml`, `schemas/` and `tests/`.
//!
//! The project is the folder given by `--project` or `TIDINGS_PROJECT`, or the nearest folder with a `sources.yaml`,
//! from the working folder upwards. Without a project, commands that only try things use the demo's project, which is
//! part of the program, and say so. Other commands fail with a hint. Promises: files are read when they are needed, so
//! a project that is opened again has its current content. Every problem of all files is reported, with its location.

use crate::Failure;
use crate::files;
use crate::limits::MAX_CONFIG_FILE_BYTES;
use crate::style::note;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Once, OnceLock};
use tidings_config::artefact;
use tidings_config::limits::MAX_ARTEFACT_BYTES;
use tidings_config::rules::Rules;
use tidings_config::schemas::{EventSchema, EventSchemas};
use tidings_config::source::Source;
use tidings_project::limits::MAX_SCHEMAS;
use tidings_project::{Configuration, ProjectFile, ProjectFiles, Report, did_you_mean};

/// The file that makes a folder a project.
pub const SOURCES: &str = "sources.yaml";

/// The file of its rules.
pub const RULES: &str = "rules.yaml";

/// The file of its endpoints. A project needn't have it.
pub const ENDPOINTS: &str = "endpoints.yaml";
/// The file of its sinks. A project needn't have it.
pub const SINKS: &str = "sinks.yaml";
/// The file of its channels. A project needn't have it.
pub const CHANNELS: &str = "channels.yaml";

/// The folder of its event schemas.
pub const SCHEMAS: &str = "schemas";

/// The folder of its rule tests.
pub const TESTS: &str = "tests";

/// The value of `--project`. A global argument: it is set once, before any command runs.
static NAMED: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Stores the value of `--project`.
pub(crate) fn name(folder: Option<PathBuf>) {
    let _ = NAMED.set(folder);
}

/// The location of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder, as shown to people. The working folder is empty.
    Folder(PathBuf),
    /// The demo's project is part of the program.
    Demo,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) if folder.as_os_str().is_empty() => f.write_str("."),
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Demo => f.write_str("the built-in demo project"),
        }
    }
}

impl Location {
    /// The project that was named, or the nearest one upwards.
    pub fn find() -> Result<Option<Self>, Failure> {
        if let Some(folder) = NAMED.get().and_then(Option::as_ref) {
            return Self::at(folder).map(Some);
        }
        let Ok(here) = std::env::current_dir() else { return Ok(None) };
        let above = here.ancestors().position(|folder| folder.join(SOURCES).is_file());
        Ok(above.map(|levels| Self::Folder(std::iter::repeat_n("..", levels).collect())))
    }

    /// This folder. Errors: it isn't a project.
    pub fn at(folder: &Path) -> Result<Self, Failure> {
        if folder.join(SOURCES).is_file() {
            Ok(Self::Folder(folder.to_owned()))
        } else {
            Err(Failure::new(format!("{} isn't a project: it has no {SOURCES}", folder.display()))
                .hint("`tidings init NAME` creates a project"))
        }
    }

    /// The project that was named or found.
    pub fn here() -> Result<Self, Failure> {
        Self::find()?.ok_or_else(|| {
            Failure::new(format!("no project here: neither this folder nor a parent folder has a {SOURCES}"))
                .hint("`tidings init NAME` creates one; or give a project's folder with --project DIR")
        })
    }

    /// The project that was named or found, or else the demo's, with a note.
    pub fn here_or_demo() -> Result<Self, Failure> {
        static SAID: Once = Once::new();
        Ok(Self::find()?.unwrap_or_else(|| {
            SAID.call_once(|| note("no project here: the built-in demo project is used. `tidings init NAME` creates a project"));
            Self::Demo
        }))
    }

    /// The path of one of its files. Paths of the demo's files are those in Tidings' repository.
    pub fn path(&self, file: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(file),
            Self::Demo => Path::new("events/project").join(file),
        }
    }

    /// Its files, with their current content.
    pub fn files(&self) -> Result<ProjectFiles, Failure> {
        match self {
            Self::Demo => Ok(tidings_events::project::files()),
            Self::Folder(_) => Ok(ProjectFiles {
                sources: self.file(SOURCES)?,
                rules: self.file(RULES)?,
                schemas: self.schemas()?,
                endpoints: self.optional(ENDPOINTS)?,
                sinks: self.optional(SINKS)?,
                channels: self.optional(CHANNELS)?,
            }),
        }
    }

    /// Its sources or its rules, by file name.
    pub(crate) fn file(&self, name: &str) -> Result<ProjectFile, Failure> {
        let files = tidings_events::project::files;
        match self {
            Self::Folder(folder) => read(folder, &folder.join(name)),
            Self::Demo => Ok(if name == SOURCES { files().sources } else { files().rules }),
        }
    }

    /// A file that a project needn't have, by its name.
    pub(crate) fn optional(&self, name: &str) -> Result<Option<ProjectFile>, Failure> {
        match self {
            Self::Folder(folder) if folder.join(name).exists() => read(folder, &folder.join(name)).map(Some),
            Self::Folder(_) | Self::Demo => Ok(None),
        }
    }

    /// Its event schemas, if there are any.
    pub(crate) fn schemas(&self) -> Result<Vec<ProjectFile>, Failure> {
        match self {
            Self::Folder(folder) => schemas_in(folder),
            Self::Demo => Ok(tidings_events::project::files().schemas),
        }
    }

    /// The files and folders to watch for changes. Empty for the demo's project.
    pub fn watched_files(&self) -> Vec<PathBuf> {
        match self {
            Self::Demo => Vec::new(),
            Self::Folder(folder) => {
                let schemas = files::below(&folder.join(SCHEMAS), MAX_SCHEMAS).unwrap_or_default();
                let files = [SOURCES, RULES, ENDPOINTS, SINKS, CHANNELS, SCHEMAS].map(|name| folder.join(name));
                files.into_iter().chain(schemas).collect()
            }
        }
    }

    /// Its sources alone. Problems of its rules are ignored.
    pub fn sources(&self) -> Result<Vec<Source>, Failure> {
        match self {
            Self::Demo => Ok(tidings_events::project::sources()),
            Self::Folder(folder) => {
                let ProjectFile { shown, text, .. } = read(folder, &folder.join(SOURCES))?;
                tidings_project::read_sources_of_presets(&shown, &text).map_err(|report| refused(&report))
            }
        }
    }
}

/// The files of a project's `schemas`, ordered by name. There may be none.
pub(crate) fn schemas_in(project: &Path) -> Result<Vec<ProjectFile>, Failure> {
    let folder = project.join(SCHEMAS);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    files::below(&folder, MAX_SCHEMAS)?.iter().map(|path| read(project, path)).collect()
}

/// A file of a project.
pub(crate) fn read(project: &Path, path: &Path) -> Result<ProjectFile, Failure> {
    let text = files::regular(path, MAX_CONFIG_FILE_BYTES)?;
    let inside = path.strip_prefix(project).unwrap_or(path);
    let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
    Ok(ProjectFile { path: parts.join("/"), shown: path.display().to_string(), text })
}

/// The failure for a report of invalid files.
pub(crate) fn refused(report: &Report) -> Failure {
    let problems = report.0.len();
    let are = if problems == 1 { "1 problem in the project:".to_owned() } else { format!("{problems} problems in the project:") };
    Failure::new(are).details(report.0.iter().map(ToString::to_string))
}

/// A project that was read and is valid.
#[derive(Clone, Debug)]
pub struct Project {
    /// The project's location.
    pub location: Location,
    /// The content of its files.
    pub configuration: Configuration,
}

impl Project {
    /// Reads and checks a project. This takes some milliseconds, so it may be repeated on every change.
    pub fn open(location: Location) -> Result<Self, Failure> {
        let configuration = location.files()?.read().map_err(|report| refused(&report))?;
        Ok(Self { location, configuration })
    }

    /// Every endpoint.
    pub fn sources(&self) -> Vec<Source> {
        self.configuration.sources.clone()
    }

    /// The rules.
    pub fn rules(&self) -> Rules {
        self.configuration.rules.clone()
    }

    /// The compiled event schemas.
    pub fn schemas(&self) -> EventSchemas {
        EventSchemas::new(self.configuration.schemas.clone())
    }

    /// The event schemas as written.
    pub fn schema_files(&self) -> Vec<EventSchema> {
        self.configuration.schemas.clone()
    }

    /// SHA-256 of its content. A deployed function reports it in `/health`.
    pub fn hash(&self) -> String {
        tidings_project::artefact::hash(&self.configuration)
    }

    /// `tidings.json`. Errors: it is too large.
    pub fn artefact(&self) -> Result<String, Failure> {
        let text = tidings_project::artefact::write(&self.configuration, env!("CARGO_PKG_VERSION"));
        match text.len() {
            bytes if bytes > MAX_ARTEFACT_BYTES => {
                Err(Failure::new(format!("{} would have {bytes} bytes, allowed: {MAX_ARTEFACT_BYTES}", artefact::ARTEFACT))
                    .hint("the schemas are most often the largest part: remove descriptions and examples from them"))
            }
            _ => Ok(text),
        }
    }
}

/// The start of a hash, for people.
pub(crate) fn short_hash(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// The source of this name.
pub(crate) fn source(name: &str) -> Result<Source, Failure> {
    let location = Location::here_or_demo()?;
    let sources = location.sources()?;
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let missing = || {
        let hint = did_you_mean(name, names.iter().copied());
        Failure::new(format!("no source {name:?} in {}{hint}", location.path(SOURCES).display()))
            .hint(format!("allowed: {}; or use any preset with --preset", names.join(", ")))
    };
    sources.iter().find(|source| source.name == name).cloned().ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tidings-project-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("schemas/stripe/charge.refunded")).unwrap();
        fs::write(folder.join(SOURCES), "version: 1\nsources:\n  stripe: { provider: stripe }\n").unwrap();
        fs::write(folder.join(RULES), "version: 1\n").unwrap();
        fs::write(folder.join("schemas/stripe/charge.refunded/1.json"), "{}").unwrap();
        folder
    }

    #[test]
    fn the_same_project_gives_the_same_artefact_wherever_it_is() {
        let (here, there) = (folder("here"), folder("there"));
        let open = |folder: &Path| Project::open(Location::at(folder).unwrap()).unwrap();
        assert_eq!(open(&here).artefact().unwrap(), open(&there).artefact().unwrap());
        fs::write(there.join(RULES), "# a comment\nversion: 1\n").unwrap();
        assert_eq!(open(&here).hash(), open(&there).hash(), "a comment doesn't change the artefact");
        fs::write(there.join("schemas/stripe/charge.refunded/1.json"), r#"{"type": "object"}"#).unwrap();
        assert_ne!(open(&here).hash(), open(&there).hash());
        [here, there].iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
    }

    #[test]
    fn a_function_reads_the_written_artefact() {
        let text = Project::open(Location::Demo).unwrap().artefact().unwrap();
        let path = std::env::temp_dir().join(format!("tidings-artefact-{}.json", std::process::id()));
        fs::write(&path, text).unwrap();
        let (receiver, processor) =
            (artefact::ReceiverPart::read(&path).unwrap(), artefact::ProcessorPart::read(&path, false).unwrap());
        fs::remove_file(&path).unwrap();
        let project = Project::open(Location::Demo).unwrap();
        assert_eq!(receiver.sources, project.sources());
        assert_eq!(processor.rules, project.rules());
        assert_eq!(processor.schemas.len(), project.configuration.schemas.len());
        assert_eq!([receiver.hash, processor.hash], [project.hash(), project.hash()]);
    }

    #[test]
    fn the_problems_of_all_files_are_reported_together() {
        let here = folder("wrong");
        fs::write(here.join(SOURCES), "version: 1\nsources:\n  stripe: { provider: strpe }\n").unwrap();
        fs::write(here.join(RULES), "version: 2\n").unwrap();
        fs::write(here.join("schemas/stripe/charge.refunded/1.json"), "{").unwrap();
        let said = Project::open(Location::at(&here).unwrap()).unwrap_err().to_string();
        for part in ["3 problems", "did you mean \"stripe\"?", "version 2 of the format", "charge.refunded/1.json:1:"] {
            assert!(said.contains(part), "{said}");
        }
        fs::remove_dir_all(here).unwrap();
    }

    #[test]
    fn a_folder_without_sources_is_not_a_project() {
        let said = Location::at(&std::env::temp_dir().join("nothing-here")).unwrap_err().to_string();
        assert!(said.contains("isn't a project: it has no sources.yaml"), "{said}");
    }
}
