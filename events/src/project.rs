//! The project of the demo and of the product's own tests: `events/project`, embedded in the program. Users' projects
//! don't depend on it.

use include_dir::{Dir, include_dir};
use std::sync::LazyLock;
use tidings_config::rules::Rules;
use tidings_config::schemas::EventSchemas;
use tidings_config::source::Source;
use tidings_project::{Configuration, ProjectFile, ProjectFiles};

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/project");

static CONFIGURATION: LazyLock<Configuration> =
    LazyLock::new(|| files().read().unwrap_or_else(|report| panic!("a test reads events/project: {report}")));

/// Its files, by paths that name their origin.
pub fn files() -> ProjectFiles {
    let file = |path: &str| {
        let text = FOLDER.get_file(path).and_then(|file| file.contents_utf8()).unwrap_or_else(|| panic!("{path} is missing"));
        ProjectFile { path: path.to_owned(), shown: format!("events/project/{path}"), text: text.to_owned() }
    };
    let mut schemas: Vec<ProjectFile> = below("schemas").iter().map(|path| file(path)).collect();
    schemas.sort_by(|one, other| one.path.cmp(&other.path));
    ProjectFiles {
        sources: file("sources.yaml"),
        rules: file("rules.yaml"),
        schemas,
        endpoints: None,
        sinks: None,
        channels: None,
    }
}

/// The paths of all files of one of its folders.
fn below(folder: &str) -> Vec<String> {
    fn walk(folder: &Dir<'_>, paths: &mut Vec<String>) {
        paths.extend(folder.files().map(|file| file.path().to_string_lossy().replace('\\', "/")));
        folder.dirs().for_each(|folder| walk(folder, paths));
    }
    let mut paths = Vec::new();
    FOLDER.get_dir(folder).into_iter().for_each(|folder| walk(folder, &mut paths));
    paths
}

/// The checked configuration.
pub fn configuration() -> &'static Configuration {
    &CONFIGURATION
}

/// Its sources, which are those of the corpus.
pub fn sources() -> Vec<Source> {
    CONFIGURATION.sources.clone()
}

/// Its rules.
pub fn rules() -> Rules {
    CONFIGURATION.rules.clone()
}

/// Its event schemas.
pub fn schemas() -> EventSchemas {
    EventSchemas::new(CONFIGURATION.schemas.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_embedded() {
        let Configuration { sources, rules, schemas, files, .. } = configuration();
        assert!(!sources.is_empty() && !rules.rules.is_empty() && !schemas.is_empty());
        assert_eq!(files.len(), 2 + schemas.len());
    }
}
