//! Why a run ends.

use std::path::{Path, PathBuf};

/// Nothing is retried: a benchmark that something went wrong in has no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("the file system and the loopback interface are needed: {0}")]
    Io(#[from] std::io::Error),
    #[error("no case has such a name; there are: {}", .0.join(", "))]
    NoCase(Vec<String>),
    #[error("{program}: {what}\n{log}")]
    Program { program: String, what: String, log: String },
    #[error("AWS calls that aren't as expected; UPDATE=1 writes them down:\n{}", .0.join("\n"))]
    Calls(Vec<String>),
    #[error("over budget; UPDATE=1 records what was counted:\n{}", .0.join("\n"))]
    Budgets(Vec<String>),
    #[error("{0}")]
    Other(String),
}

impl Failure {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }
}
