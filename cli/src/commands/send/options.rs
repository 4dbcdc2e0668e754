//! The arguments of `tidings send`.

use crate::dev_client::dev_url;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tidings_config::tenant::TenantName;
use tidings_events::Tamper;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings send stripe                      a new event each time\n  \
        tidings send stripe --same               the same event again: a duplicate\n  \
        tidings send stripe --set data.object.amount_total=500\n  \
        tidings send slack --tamper timestamp\n  \
        tidings send shops --tenant acme         of a source with tenants\n  \
        tidings send orders --file my-order.json --secrets secrets.json \\\n      --url https://abc123.execute-api.eu-central-1.amazonaws.com\n  \
        tidings send mailgun --preset            to a `tidings dev --presets`\n  \
        tidings send --capture captures/0001-stripe.json    a recorded delivery\n  \
        tidings send shopify --lambda > event.json && \\\n      sam local invoke Receiver --event event.json\n  \
        tidings send --list")]
pub struct SendOptions {
    /// A source of the project, or with --preset any provider: sends a new event of its most typical type
    #[arg(required_unless_present_any = ["case", "list", "capture"], conflicts_with = "case")]
    pub provider: Option<String>,
    /// Take the provider's preset instead of a configured source: sign one of the preset's vectors again
    #[arg(long, conflicts_with_all = ["case", "list"])]
    pub preset: bool,
    /// The tenant, for a source with tenants. Its secret is SOURCE/TENANT in the file of secrets
    #[arg(long, value_name = "NAME", conflicts_with_all = ["preset", "capture", "list"])]
    pub tenant: Option<TenantName>,
    /// Send one case of the corpus instead
    #[arg(long, value_name = "NAME")]
    pub case: Option<String>,
    /// Send a delivery that `tidings capture` has recorded instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["provider", "case", "preset", "file"])]
    pub capture: Option<PathBuf>,
    /// List the cases of the corpus
    #[arg(long)]
    pub list: bool,
    /// Target: the address before /webhooks/…
    #[arg(long, default_value_t = dev_url(), env = "TIDINGS_URL")]
    pub url: String,
    /// File with another body
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Set a field of the body before it is signed, as in data.object.amount=5: JSON if the value is JSON, otherwise
    /// text
    #[arg(long = "set", value_name = "PATH=VALUE", conflicts_with = "list")]
    pub set: Vec<String>,
    /// Send exactly the same event again, a duplicate at the second time; without it a source's event has a new id and
    /// the current time
    #[arg(long, conflicts_with_all = ["new", "list"])]
    pub same: bool,
    /// Make a new event of a case, a file or a capture, too; without it they are sent unchanged
    #[arg(long, conflicts_with = "list")]
    pub new: bool,
    /// Make a request that must be refused
    #[arg(long, value_enum)]
    pub tamper: Option<TamperWith>,
    /// Additional or replaced headers, set before it is signed
    #[arg(long = "header", value_name = "NAME=VALUE")]
    pub headers: Vec<String>,
    /// Webhook secrets: a JSON object from source to a secret or a list of secrets; the public demo secrets if left out
    #[arg(long, value_name = "FILE", env = "TIDINGS_SECRETS")]
    pub secrets: Option<PathBuf>,
    /// Sign it, print it and what the receiver would answer, send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print it as the event that API Gateway gives to the receiver, send nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub lambda: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The part of the request that is tampered with.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum TamperWith {
    /// Signed with another secret
    Signature,
    /// Signed too long ago
    Timestamp,
    /// Changed after it was signed
    Body,
}

impl From<TamperWith> for Tamper {
    fn from(with: TamperWith) -> Self {
        match with {
            TamperWith::Signature => Self::Signature,
            TamperWith::Timestamp => Self::Timestamp,
            TamperWith::Body => Self::Body,
        }
    }
}
