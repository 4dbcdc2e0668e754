//! A folder for a project, and the real binary in it.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A source with a scheme of its own.
pub(crate) const KITCHEN: &str = r#"version: 1
sources:
  kitchen:
    scheme: { algorithm: hmac-sha256, signature: { from: "header:X-Kitchen", encoding: hex }, message: "{body}" }
    event:
      - { id: "{json:id}", type: "{json:kind}" }
"#;

pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("commands-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        command().args(arguments).current_dir(&self.0).output().expect("the binary")
    }
}

/// The binary with a clean environment.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    for name in ["TIDINGS_PROJECT", "TIDINGS_URL", "TIDINGS_STACK", "TIDINGS_ENDPOINT_URL", "TIDINGS_SECRETS"] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {}", said(output)))
}
