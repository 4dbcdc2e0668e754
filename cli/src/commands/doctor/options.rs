//! The arguments of `tidings doctor`.

use crate::target::TargetOptions;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    after_help = "A line for each check: ✓ good; ✗ bad, with what to do next; – skipped, with the reason. Nothing is changed \
        without --send.\n\
        Exit status: 0 no ✗, 1 at least one, 2 invalid arguments.\n\nExamples:\n  \
        tidings doctor                              check a running `tidings dev`\n  \
        tidings doctor --stack tidings\n  \
        tidings doctor --stack tidings --url https://hooks.example\n  \
        tidings doctor --stack tidings --send       also send an event"
)]
pub struct DoctorOptions {
    /// The address before /webhooks/…; the stack's own, or that of `tidings dev`, if left out
    #[arg(long, env = "TIDINGS_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Send a signed event of the corpus, and wait until it is processed
    #[arg(long)]
    pub send: bool,
    /// The corpus case of that event; the first whose source has a secret if left out
    #[arg(long, value_name = "NAME", requires = "send")]
    pub case: Option<String>,
    /// Webhook secrets, if they differ from the stack's own or, for `tidings dev`, from the public demo secrets
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    #[command(flatten)]
    pub target: TargetOptions,
}
