//! `tidings endpoints portal-token`: a token by which one owner sees and changes its own endpoints.

use crate::Failure;
use crate::limits::PORTAL_TOKEN_LIFETIME;
use crate::style::{data, say};
use crate::target::{TargetOptions, portal_tokens, unreadable};
use clap::Args;
use serde_json::json;
use std::process::ExitCode;
use tidings_config::limits::MAX_VIEWER_TOKEN_LIFETIME;
use tidings_config::rules::Span;
use tidings_config::time::{Clock as _, SystemClock};
use tidings_core::jwt::{PORTAL_AUDIENCE, newest_key, sign};
use tidings_core::ports::SecretStore;

#[derive(Debug, Args)]
#[command(
    after_help = "A backend signs such tokens itself: docs/endpoints-api.md. This one is signed with the newest token of the secret \
        PortalTokensArn; at a `tidings dev` with its own. Its holder may do what it says until it ends.\n\nExamples:\n  \
        tidings endpoints portal-token --owner customer-7 --stack tidings\n  \
        tidings endpoints portal-token --owner customer-7 --read \\\n      --valid 10m --stack tidings"
)]
pub struct EndpointsPortalToken {
    /// The owner's label
    #[arg(long, value_name = "LABEL", value_parser = publisher::portal::owner)]
    pub owner: String,
    /// How long it is valid, a day at most; 1 hour if left out
    #[arg(long, value_name = "TIME")]
    pub valid: Option<Span>,
    /// It may read, and change nothing
    #[arg(long)]
    pub read: bool,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: EndpointsPortalToken) -> Result<ExitCode, Failure> {
    let at = &options.target.at;
    let valid = options.valid.map_or(PORTAL_TOKEN_LIFETIME, Span::duration);
    if valid > MAX_VIEWER_TOKEN_LIFETIME {
        return Err(Failure::new("--valid is more than a day").hint("allowed: 24h at most").status(2));
    }
    let document = portal_tokens(at).await?.fetch().await.map_err(|error| unreadable(at, &error))?;
    let key = newest_key(&document).map_err(Failure::new)?.ok_or_else(|| {
        Failure::new("the secret of the endpoints' API has no token of 32 bytes or more")
            .hint("write {\"bot\": \"…\"} into the secret of the output PortalTokensArn: docs/endpoints-api.md")
    })?;
    let ends = SystemClock.now().plus(valid);
    let mut claims = json!({ "sub": options.owner, "aud": PORTAL_AUDIENCE, "exp": ends.unix_s() });
    if options.read {
        claims["scope"] = json!("read");
    }
    let token = sign(&key, &claims);
    if options.target.json {
        data(&json!({ "token": token, "owner": options.owner, "ends": ends }));
    } else {
        say!("{token}");
    }
    Ok(ExitCode::SUCCESS)
}
