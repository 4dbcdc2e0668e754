//! `tidings endpoints show`: an endpoint, and on request the secrets that sign its webhooks. No other command prints them.

use super::change::signed;
use super::list::{shown, state};
use super::unknown;
use crate::Failure;
use crate::style::{data, say};
use crate::target::{TargetOptions, now, unreadable, webhooks};
use clap::Args;
use publisher::secrets::Secrets;
use publisher::sign::Keys;
use serde_json::json;
use std::process::ExitCode;
use tidings_config::endpoint::EndpointId;
use tidings_core::ports::SecretStore;

#[derive(Debug, Args)]
#[command(after_help = "The secret is for the operator of the endpoint, and for nobody else.\n\nExamples:\n  \
        tidings endpoints show ep_crm --stack tidings\n  \
        tidings endpoints show ep_crm --secret --stack tidings")]
pub struct EndpointsShow {
    /// The endpoint
    pub id: EndpointId,
    /// Also print the secrets that sign its webhooks, the newest first
    #[arg(long)]
    pub secret: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: EndpointsShow) -> Result<ExitCode, Failure> {
    let at = &options.target.at;
    let webhooks = webhooks(at).await?;
    let found = webhooks.book()?.find(&options.id).await.map_err(|error| unreadable(at, &error))?;
    let one = found.ok_or_else(|| unknown(&options.id))?;
    let keys = if options.secret {
        signed(&options.id)?;
        let document = webhooks.secrets.fetch().await.map_err(|error| unreadable(at, &error))?;
        let secrets = Secrets::read(&document).map_err(Failure::new)?;
        secrets.keys(&one, now(at).await).map_err(|error| Failure::new(error.to_string()))?
    } else {
        Keys::default()
    };
    let secrets: Vec<String> = keys.secrets.iter().map(|key| key.secret().to_string()).collect();
    let public: Vec<String> = keys.pairs.iter().map(publisher::sign::SigningPair::public).collect();
    if options.target.json {
        let mut shown = shown(&one);
        if options.secret {
            (shown["secrets"], shown["public_keys"]) = (json!(secrets), json!(public));
        }
        data(&shown);
        return Ok(ExitCode::SUCCESS);
    }
    let endpoint = &one.endpoint;
    say!("{}  {}", endpoint.id, state(&one));
    say!("  url      {}", endpoint.url);
    let events: Vec<String> = endpoint.events.iter().map(ToString::to_string).collect();
    say!("  events   {}", events.join(", "));
    if let Some(when) = &endpoint.when {
        say!("  when     {when}");
    }
    if let Some(description) = &endpoint.description {
        say!("  about    {description}");
    }
    secrets.iter().for_each(|secret| say!("  secret   {secret}"));
    public.iter().for_each(|key| say!("  public   {key}"));
    Ok(ExitCode::SUCCESS)
}
