//! `tidings upgrade`, as it is called.

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "template.yaml becomes the template of this version. The diff also shows changes that you have made in it yourself, and --yes \
        removes them: commit the project first. samconfig.toml keeps all of its values and comments; settings that it lacks are \
        added. Nothing else of the project is read or written.\n\
        Exit status: 0 no difference with --check, otherwise done or shown; 1 a difference with --check, or a file can't be read \
        or written; 2 called wrongly.\n\nExamples:\n  \
        tidings upgrade              show what would change (dry run)\n  \
        tidings upgrade --check      the same as a test: status 1 if something would change\n  \
        tidings upgrade --yes        write it"
)]
pub struct UpgradeOptions {
    /// End with status 1 if something would change
    #[arg(long, conflicts_with = "yes")]
    pub check: bool,
    /// Write the changes (without it: dry run)
    #[arg(long)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
