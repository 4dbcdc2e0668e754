//! The arguments of `tidings init`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 written, 1 not written, 2 invalid arguments.\n\nExamples:\n  \
        tidings init pizza                           the shop example, in a new folder\n  \
        tidings init pizza --with stripe,whatsapp    two presets, and a rule for each\n  \
        tidings init ops --example devops --with sentry    and one more source\n  \
        tidings init . --example empty               in this folder")]
pub struct InitOptions {
    /// Folder of the project, created if missing
    pub name: PathBuf,
    /// Presets for the project's sources, each under its own name: `tidings providers list` shows them
    #[arg(long, value_name = "PRESET", value_delimiter = ',')]
    pub with: Vec<String>,
    /// Example to start from; shop if neither this nor --with is given
    #[arg(long, value_enum, value_name = "NAME")]
    pub example: Option<Example>,
    /// Replace existing files
    #[arg(long)]
    pub force: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The examples that a project can start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Example {
    /// Orders, payments and messages of a shop
    Shop,
    /// Releases and incidents, posted in a channel
    Devops,
    /// Only the presets of --with
    Empty,
}
