//! `tidings init`, as it is called.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 written, 1 not, 2 called wrongly.\n\nExamples:\n  \
        tidings init pizza                                 the shop example, in a new folder pizza\n  \
        tidings init pizza --with stripe,whatsapp          a project with these two presets and a rule for each\n  \
        tidings init ops --example devops --with sentry    an example, and one more source\n  \
        tidings init . --example empty                     in this folder")]
pub struct InitOptions {
    /// Folder of the project, which is made if it isn't there
    pub name: PathBuf,
    /// Presets to listen as, each under its own name: `tidings providers list` shows them
    #[arg(long, value_name = "PRESET", value_delimiter = ',')]
    pub with: Vec<String>,
    /// What to begin with; shop if neither this nor --with is given
    #[arg(long, value_enum, value_name = "NAME")]
    pub example: Option<Example>,
    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What a project may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Example {
    /// Orders, payments and messages of a shop
    Shop,
    /// Releases and incidents, said in a channel
    Devops,
    /// Nothing but the presets of --with
    Empty,
}
