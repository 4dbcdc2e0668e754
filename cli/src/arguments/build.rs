//! `tidings build`, as it is called.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 written, 1 the project has problems or a file can't be written, 2 called wrongly.\n\nExamples:\n  \
        tidings build                                       write build/tidings.json\n  \
        tidings build --functions ~/tidings-0.1.0/arm64     and both functions' packages beside it, for `sam deploy`\n  \
        tidings build --out target/tidings --json           say where, and the configuration's hash"
)]
pub struct BuildOptions {
    /// Folder to write to, which is made if it isn't there; build in the project's folder if left out
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Folder of a release with receiver/bootstrap and processor/bootstrap: writes a package of each function instead of
    /// tidings.json alone
    #[arg(long, value_name = "DIR")]
    pub functions: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
