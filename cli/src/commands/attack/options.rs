//! The arguments of `tidings attack`.

use crate::confirm::Confirm;
use crate::dev_client::dev_url;
use crate::limits::{DEFAULT_ATTACK_RATE, MAX_ATTACK_RATE};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    after_help = "Each source gets more than 600 requests: without a signature, with malformed and guessed ones, of another time, with \
        bodies, headers, paths and content types that receivers have failed at. Each has a right answer. A stranger's requests \
        reach no table and no queue of a receiver that refuses them.\n\n\
        With --secrets (and always for a receiver on this machine) the provider's own requests are sent too, changed and \
        repeated: they are authentic, so some of them become events, as docs/attack.md lists.\n\n\
        Attack only what is yours. An address on another machine needs --yes.\n\n\
        Exit status: 0 every answer was right; 1 one wasn't, or none came; 2 invalid arguments.\n\nExamples:\n  \
        tidings attack                           every source, of a `tidings dev`\n  \
        tidings attack stripe github --json\n  \
        tidings attack --only signature-shape --only token\n  \
        tidings attack --yes \\\n      --url https://abc123.execute-api.eu-central-1.amazonaws.com\n  \
        tidings attack --list"
)]
pub struct AttackOptions {
    /// Sources of the project; all if left out
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// Target: the address before /webhooks/…
    #[arg(long, default_value_t = dev_url(), env = "TIDINGS_URL")]
    pub url: String,
    /// Only these attacks
    #[arg(long = "only", value_name = "ATTACK")]
    pub only: Vec<String>,
    /// List the attacks, send nothing
    #[arg(long)]
    pub list: bool,
    /// Webhook secrets, for the provider's own requests: a JSON object from source to a secret or a list of secrets; for a
    /// receiver on this machine the public demo secrets if left out
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    /// Requests a second, at most
    #[arg(long, default_value_t = DEFAULT_ATTACK_RATE, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_ATTACK_RATE)))]
    pub rate: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub confirm: Confirm,
}
