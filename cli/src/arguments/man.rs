//! `tidings man`, as it is called.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings man | man -l -\n  \
        tidings man rules diff | man -l -\n  \
        tidings man --into ~/.local/share/man/man1     all pages: tidings.1, tidings-dev.1, … in place of those that are there")]
pub struct ManOptions {
    /// Which command's page; that of `tidings` itself if left out
    #[arg(value_name = "COMMAND", conflicts_with = "into")]
    pub command: Vec<String>,
    /// Write the page of every command into this folder, which is made if it isn't there
    #[arg(long, value_name = "FOLDER")]
    pub into: Option<PathBuf>,
}
