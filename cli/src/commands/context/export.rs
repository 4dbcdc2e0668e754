//! `tidings context export`: all that the tables hold of a conversation, as one JSON document. It is what `erase` deletes: both
//! read the same [`tidings_core::aws::SubjectData`].

use super::subject_data;
use crate::Failure;
use crate::arguments::ContextExport;
use crate::commands::files;
use crate::style::{GOOD, paint, pretty, safe_json, say};
use crate::target::reader;
use std::process::ExitCode;
use tidings_config::time::{Clock, SystemClock};

pub(crate) async fn run(options: ContextExport) -> Result<ExitCode, Failure> {
    let subject_data = subject_data(&reader(&options.target).await?, &options.conversation, &options.target).await?;
    let document = subject_data.export(&options.conversation, SystemClock.now());
    let Some(path) = &options.output else {
        pretty(&document);
        return Ok(ExitCode::SUCCESS);
    };
    files::write_new(path, &safe_json(&format!("{document:#}\n")))?;
    if !options.target.json {
        say!("{} {}", paint(GOOD, "written"), path.display());
    }
    Ok(ExitCode::SUCCESS)
}
