//! What is measured: where it is, how it is started, how large it is.

use crate::arguments::Arguments;
use crate::failure::Failure;
use serde::Serialize;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Which of the two functions a program is, or does the work of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Receiver,
    Processor,
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Processor => "processor",
        }
    }
}

/// Whose a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    /// The runtime and an answer, in Rust.
    Hello,
    Tidings,
    /// Powertools and boto3.
    Python,
    /// Powertools and the AWS SDK v3.
    Node,
}

/// One program.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) language: Language,
    pub(crate) command: Vec<OsString>,
    /// `LAMBDA_TASK_ROOT`.
    pub(crate) task_root: PathBuf,
    /// What is deployed, unpacked, without the managed runtime.
    pub(crate) artefact_bytes: u64,
}

impl Program {
    /// Its name, and what it does the work of.
    pub(crate) fn title(&self) -> String {
        format!("{} ({})", self.name, self.role.as_str())
    }

    pub(crate) fn is_rust(&self) -> bool {
        matches!(self.language, Language::Hello | Language::Tidings)
    }
}

/// Every program that the arguments name.
pub(crate) fn all(arguments: &Arguments) -> Result<Vec<Program>, Failure> {
    let rust = |name, role, language, binary: &str| {
        let path = absolute(&arguments.binaries.join(binary))?;
        let artefact_bytes = size(&path, &[])?;
        let task_root = absolute(&arguments.project)?;
        Ok::<_, Failure>(Program { name, role, language, command: vec![path.into()], task_root, artefact_bytes })
    };
    let mut programs = vec![
        rust("hello world", Role::Receiver, Language::Hello, "bench-hello")?,
        rust("receiver", Role::Receiver, Language::Tidings, "receiver")?,
        rust("processor", Role::Processor, Language::Tidings, "processor")?,
    ];
    for role in [Role::Receiver, Role::Processor] {
        if let Some(python) = &arguments.python {
            programs.push(python_peer(arguments, python, role)?);
        }
        if let Some(node) = &arguments.node {
            programs.push(node_peer(arguments, node, role)?);
        }
    }
    Ok(programs)
}

/// What the managed runtime has itself, or what no package is deployed with.
const NOT_DEPLOYED: [&str; 9] = [
    "__pycache__",
    "_distutils_hack",
    "awslambdaric",
    "distutils-precedence.pth",
    "pip",
    "pkg_resources",
    "setuptools",
    "simplejson",
    "snapshot_restore_py",
];

fn python_peer(arguments: &Arguments, python: &Path, role: Role) -> Result<Program, Failure> {
    let name = role.as_str();
    let task_root = absolute(&arguments.peers.join("python"))?;
    // Not canonical: it is a link, and the virtual environment is where the link is.
    let python = std::path::absolute(python).map_err(|error| Failure::file(python, error))?;
    let lib = python.parent().and_then(Path::parent).map(|environment| environment.join("lib")).unwrap_or_default();
    let packages = fs::read_dir(&lib).map_err(|error| Failure::file(&lib, error))?;
    let mut artefact_bytes = size(&task_root.join(format!("{name}.py")), &[])?;
    for version in packages.filter_map(Result::ok) {
        artefact_bytes += size(&version.path().join("site-packages"), &NOT_DEPLOYED)?;
    }
    let command = vec![python.into(), "-m".into(), "awslambdaric".into(), format!("{name}.handler").into()];
    Ok(Program { name: "Python", role, language: Language::Python, command, task_root, artefact_bytes })
}

fn node_peer(arguments: &Arguments, bundles: &Path, role: Role) -> Result<Program, Failure> {
    let name = role.as_str();
    let bundle = absolute(&bundles.join(format!("{name}.mjs")))?;
    let runtime = absolute(&arguments.peers.join("node/runtime.mjs"))?;
    let artefact_bytes = size(&bundle, &[])?;
    let command = vec!["node".into(), runtime.into(), bundle.into()];
    Ok(Program { name: "Node", role, language: Language::Node, command, task_root: absolute(bundles)?, artefact_bytes })
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(path).map_err(|error| Failure::file(path, error))
}

/// A file's bytes, or a folder's, without what has such a name or a name that begins so.
fn size(path: &Path, without: &[&str]) -> Result<u64, Failure> {
    let read = |error| Failure::file(path, error);
    let kind = fs::symlink_metadata(path).map_err(read)?;
    if !kind.is_dir() {
        return Ok(kind.len());
    }
    let mut bytes = 0;
    for entry in fs::read_dir(path).map_err(read)? {
        let entry = entry.map_err(read)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !without.iter().any(|left_out| name == *left_out || name.starts_with(&format!("{left_out}-"))) {
            bytes += size(&entry.path(), without)?;
        }
    }
    Ok(bytes)
}
