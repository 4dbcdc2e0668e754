//! `tidings check`, as it is called.

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "It does what `tidings rules check` and `tidings rules test` do, and compares secrets.example.json with the sources, \
        template.yaml with the template of this version, and the parameters of samconfig.toml with template.yaml.\n\
        Problems fail the check. Notes don't: an event that a source may send, a template with changes of your own.\n\
        Exit status: 0 no problem, 1 at least one problem, 2 called wrongly.\n\nExamples:\n  \
        tidings check                        the project of this folder, or of the nearest one above it\n  \
        tidings check --project ~/pizza      another one\n  \
        tidings check --json                 for a CI job: one object for each part"
)]
pub struct CheckOptions {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
