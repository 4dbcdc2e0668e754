//! The arguments of `tidings reconcile`.

use crate::commands::when::When;
use crate::target::TargetOptions;
use clap::Args;
use std::path::PathBuf;
use tidings_config::rules::TypePattern;

#[derive(Debug, Args)]
#[command(
    after_help = "Asks the provider for its own list of events, makes of each the claim key that the receiver makes, and names those \
        that have no claim. Without --send it only reads. With --send it signs each missing event with the source's own \
        secret and posts it to the receiver, which verifies and claims it like any other: an event that arrives meanwhile is \
        a duplicate.\n\n\
        The token is in the provider's environment variable (STRIPE_API_KEY, GITHUB_TOKEN, SHOPIFY_ACCESS_TOKEN) or in \
        --token-file; never in an argument. docs/reconcile.md has each provider's list, and what it can't tell.\n\n\
        Exit status: 0 nothing is missing, or --send sent all that was; 1 something is missing or couldn't be compared or \
        sent; 2 invalid arguments.\n\nExamples:\n  \
        tidings reconcile stripe --since 24h --stack tidings\n  \
        tidings reconcile stripe --since 24h --type 'invoice.*' --json\n  \
        tidings reconcile stripe --since 24h --stack tidings --send\n  \
        tidings reconcile github --since 3d --stack tidings \\\n      --of hook=repos/octo/shop/hooks/42\n  \
        tidings reconcile shopify --since 7d --stack tidings \\\n      --of shop=tidings --token-file token.txt"
)]
pub struct ReconcileOptions {
    /// A source of the project whose provider has a list
    pub source: String,
    /// Events of this time or later: RFC 3339, or how long ago, as in 24h
    #[arg(long, value_name = "TIME")]
    pub since: When,
    /// Events of this time or before; now if left out
    #[arg(long, value_name = "TIME")]
    pub until: Option<When>,
    /// Only events of these types, as rules.yaml names them: invoice.paid, invoice.*. The webhook is most often for some
    /// types, and the list has all
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<TypePattern>,
    /// Send what is missing to the receiver (without it: dry run)
    #[arg(long)]
    pub send: bool,
    /// What the provider's list needs to know, as in hook=repos/octo/shop/hooks/42
    #[arg(long = "of", value_name = "NAME=VALUE")]
    pub of: Vec<String>,
    /// File with the provider's token; the provider's environment variable if left out
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Address of the provider's API, for a server of your own; https, or this machine
    #[arg(long, value_name = "URL")]
    pub api: Option<String>,
    /// Address before /webhooks/…; the stack's own, or that of `tidings dev`, if left out
    #[arg(long, env = "TIDINGS_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Webhook secrets: a JSON object from source to a secret or a list of secrets; the stack's secret if left out, and
    /// without a stack the public demo secrets
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    /// Deliveries a second, at most
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub rate: u32,
    #[command(flatten)]
    pub target: TargetOptions,
}
