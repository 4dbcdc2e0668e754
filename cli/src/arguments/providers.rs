//! `tidings providers`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum ProvidersCommand {
    /// A line each: name, evidence, scheme, how many types of events
    List(ProvidersList),
    /// All that is known of one: how it signs, how its events are known, their types, and what rules see of one
    Show(ProvidersShow),
}

#[derive(Debug, Args)]
pub struct ProvidersList {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidings providers show stripe\n  tidings providers show whatsapp --type message.image\n  \
        tidings providers show line --json")]
pub struct ProvidersShow {
    /// Its name, as in sources.yaml
    pub provider: String,
    /// The type of event of which to show the data, instead of the first one
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<String>,
    /// Print JSON, with the data of every type
    #[arg(long)]
    pub json: bool,
}
