//! `tidings context export`: prints everything that the tables store of a conversation, as one JSON document. `erase`
//! deletes the same data: both read the same [`crate::stack::SubjectData`].

use super::subject::subject_data;
use crate::Failure;
use crate::files;
use crate::style::{GOOD, paint, pretty, safe_json, say};
use crate::target::TargetOptions;
use crate::target::reader;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use tidings_config::time::{Clock, SystemClock};

#[derive(Debug, Args)]
#[command(after_help = "The document's format and content: docs/privacy.md\n\nExamples:\n  \
        tidings context export whatsapp:491713920012\n  \
        tidings context export whatsapp:491713920012 --stack tidings \\\n      --output export.json")]
pub struct ContextExport {
    /// Conversation, as rules.yaml and the presets name it
    pub conversation: String,
    /// Write it to a new file that only you can read, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub target: TargetOptions,
}

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
