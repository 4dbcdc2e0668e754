//! What the figures hold for.

use serde::Serialize;
use std::fs;
use std::process::Command;

/// The machine and what was on it.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    /// What was measured; `-dirty` where it isn't committed.
    pub(crate) commit: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// Runnable processes in the minute before the run: above 0.5 somebody else was at work.
    pub(crate) load_before: String,
    pub(crate) rustc: String,
    pub(crate) python: String,
    pub(crate) node: String,
}

impl Machine {
    pub(crate) fn read(python: Option<&std::path::Path>) -> Self {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let model = file("/proc/cpuinfo").lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == "model name").then(|| value.trim().to_owned())
        });
        Self {
            date: said("date", &["-u", "+%Y-%m-%d"]),
            commit: said("git", &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]),
            processor: model.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map(usize::from).unwrap_or_default(),
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: file("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            rustc: said("rustc", &["--version"]),
            python: python.map(|python| said(&python.to_string_lossy(), &["--version"])).unwrap_or_default(),
            node: said("node", &["--version"]),
        }
    }
}

/// What a command prints; empty where there is no such command.
fn said(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
