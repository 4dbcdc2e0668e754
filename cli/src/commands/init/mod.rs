//! `tidings init`: writes a project that can be run, tested, built and deployed without changes.
//!
//! Promises: it never replaces an existing file without `--force`; if a file exists, it writes nothing at all. It
//! writes no secret, only a list of the secrets that are needed.

mod files;
mod options;
mod template;

pub(crate) use options::InitOptions;

use crate::Failure;
use crate::limits::MAX_STACK_NAME_BYTES;
use crate::sources;
use crate::style::{FAINT, GOOD, NAME, STRONG, data, paint, say};
use options::Example;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tidings_config::provider::Provider;

pub(crate) use template::{samconfig, template};

/// A file of the new project: its path in the project, and its text.
pub(crate) type NewFile = (String, String);

pub(crate) fn run(options: &InitOptions) -> Result<ExitCode, Failure> {
    let mut presets: Vec<Provider> = Vec::new();
    for name in &options.with {
        let preset = sources::preset(name).map_err(|failure| failure.status(2))?;
        if presets.iter().all(|other| other.name != preset.name) {
            presets.push(preset);
        }
    }
    let example = options.example.unwrap_or(if presets.is_empty() { Example::Shop } else { Example::Empty });
    let name = project_name(&options.name)?;
    let written = files::all(&name, example, &presets)?;
    let there: Vec<PathBuf> = written.iter().map(|(path, _)| options.name.join(path)).filter(|path| path.exists()).collect();
    if !there.is_empty() && !options.force {
        let shown = there.iter().map(|path| path.display().to_string());
        return Err(Failure::new("these files already exist, and nothing was written:")
            .details(shown)
            .hint("choose another folder, or replace the files with --force"));
    }
    for (path, text) in &written {
        write(&options.name.join(path), text)?;
    }
    let paths: Vec<&str> = written.iter().map(|(path, _)| path.as_str()).collect();
    let next = next(&options.name);
    if options.json {
        data(&json!({ "project": options.name.display().to_string(), "written": paths, "next": next }));
    } else {
        say!("{} {}", paint(GOOD, "project"), paint(STRONG, options.name.display()));
        for (path, about) in files::ABOUT {
            if paths.iter().any(|written| written.starts_with(path)) {
                say!("  {path:<22} {}", paint(FAINT, about));
            }
        }
        say!("");
        say!("{}", paint(STRONG, "next"));
        next.iter().for_each(|command| say!("  {}", paint(NAME, command)));
    }
    Ok(ExitCode::SUCCESS)
}

fn next(folder: &Path) -> Vec<String> {
    let into = (folder != Path::new(".")).then(|| format!("cd {} && tidings check", folder.display()));
    let check = into.unwrap_or_else(|| "tidings check".to_owned());
    vec![check, "tidings dev".to_owned(), "tidings send SOURCE          in another terminal".to_owned()]
}

/// The name of the stack: the name of the folder, in the form that CloudFormation accepts.
pub(crate) fn project_name(folder: &Path) -> Result<String, Failure> {
    let absolute = std::path::absolute(folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
    let name = absolute.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name = name.trim_matches(|c: char| c == '-' || c.is_ascii_digit());
    // Each character is ASCII.
    let name = name.get(..MAX_STACK_NAME_BYTES).unwrap_or(name).trim_end_matches('-');
    Ok(if name.is_empty() { "tidings".to_owned() } else { name.to_owned() })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    fs::write(path, text).map_err(failed)
}
