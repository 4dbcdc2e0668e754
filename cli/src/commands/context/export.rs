//! `tidings context export`: all that the tables hold of a conversation, as one JSON document. It is what `erase` deletes: both
//! read the same [`tidings_core::aws::Dossier`].

use super::dossier;
use crate::Failure;
use crate::arguments::ContextExport;
use crate::style::{GOOD, paint, say};
use crate::target::reader;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use tidings_core::time::{Clock, SystemClock};

pub(crate) async fn run(options: ContextExport) -> Result<ExitCode, Failure> {
    let dossier = dossier(&reader(&options.target).await?, &options.conversation, &options.target).await?;
    let document = dossier.export(&options.conversation, SystemClock.now());
    let Some(path) = &options.output else {
        say!("{document:#}");
        return Ok(ExitCode::SUCCESS);
    };
    write(path, &format!("{document:#}\n")).map_err(|error| {
        Failure::new(format!("{}: {error}", path.display())).hint("an export never replaces a file: name one that isn't there")
    })?;
    if !options.target.json {
        say!("{} {}", paint(GOOD, "written"), path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// It is about a person: nobody but its owner reads it, and what is there stays.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
