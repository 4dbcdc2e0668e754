//! What operators call beside the events: `tidings doctor` and `tidings rotate`.

use super::{DEV_PORT, TargetOptions};
use clap::{ArgGroup, Args};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    after_help = "A line a check: ✓ good, ✗ not, with what to do next, – not looked at, with why. Nothing is changed without --send.\n\
        Exit status: 0 no ✗, 1 at least one, 2 called wrongly.\n\nExamples:\n  \
        tidings doctor                              of a running `tidings dev`\n  \
        tidings doctor --stack tidings\n  \
        tidings doctor --stack tidings --url https://hooks.example\n  \
        tidings doctor --stack tidings --send       and an event's way from end to end; it leaves facts in a context"
)]
pub struct DoctorOptions {
    /// The address before /webhooks/…; the stack's own, or that of `tidings dev`, if left out
    #[arg(long, env = "TIDINGS_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Send a signed event of the corpus, and wait until it is processed
    #[arg(long)]
    pub send: bool,
    /// Which event that is; the first whose source has a secret if left out
    #[arg(long, value_name = "NAME", requires = "send")]
    pub case: Option<String>,
    /// Webhook secrets, if they aren't the stack's own or, of `tidings dev`, the public demo secrets
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// Where `tidings dev` is.
pub fn dev_url() -> String {
    format!("http://127.0.0.1:{DEV_PORT}")
}

#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true).args(["secret_file", "generate", "drop_old"]),
    after_help = "Step by step, with what to do at the provider: docs/rotation.md. Secrets are never printed, but for one that was\n\
        generated: once, to a terminal or into a file.\n\nExamples:\n  \
        tidings rotate stripe --stack tidings --secret-file new.txt               say what would change\n  \
        tidings rotate stripe --stack tidings --secret-file new.txt --yes         put it in front\n  \
        tidings rotate orders --stack tidings --generate --output new.txt --yes   choose one\n  \
        tidings rotate orders --stack tidings --drop-old --yes                    when SecretAgeIndex is silent"
)]
pub struct RotateOptions {
    /// A source of infra/config/sources.yaml
    pub source: String,
    /// The new secret, from a file; standard input if it is -. A line feed at its end doesn't count
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// A new secret of 32 random bytes in hex, where it is you who chooses
    #[arg(long)]
    pub generate: bool,
    /// Take away all but the newest
    #[arg(long)]
    pub drop_old: bool,
    /// Write the generated secret to a new file, which only you can read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["secret_file", "drop_old"])]
    pub output: Option<PathBuf>,
    /// Do it
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}
