//! `tidings endpoints disable`, `enable`, `remove` and `rotate`.

use super::unknown;
use crate::Failure;
use crate::confirm::{Confirm, Confirmed};
use crate::style::{FAINT, GOOD, data, paint, say};
use crate::target::{TargetOptions, now, unreadable, webhooks};
use clap::Args;
use publisher::Book;
use publisher::endpoint::Status;
use publisher::limits::{MAX_ROTATION, ROTATION};
use publisher::ports::EndpointStore;
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;
use tidings_config::endpoint::EndpointId;
use tidings_config::rules::Span;

#[derive(Debug, Args)]
#[command(
    after_help = "Its deliveries are stored for 30 days, as `held`; `tidings endpoints retry ID --state held` sends them.\n\n\
        Example:\n  \
        tidings endpoints disable ep_crm --stack tidings"
)]
pub struct EndpointsDisable {
    /// The endpoint
    pub id: EndpointId,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "What it missed isn't sent by this: `tidings endpoints retry ID --state held` sends it.\n\nExample:\n  \
        tidings endpoints enable ep_crm --stack tidings")]
pub struct EndpointsEnable {
    /// The endpoint
    pub id: EndpointId,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "An endpoint of endpoints.yaml is removed there. Deliveries that wait are held.\n\nExamples:\n  \
        tidings endpoints remove ep_0123456789abcdef0123 --stack tidings\n  \
        tidings endpoints remove ep_0123456789abcdef0123 --stack tidings --yes")]
pub struct EndpointsRemove {
    /// The endpoint
    pub id: EndpointId,
    #[command(flatten)]
    pub confirm: Confirm,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "Until the old secret ends, webhooks have a signature of each. An endpoint with `secret:` in \
        endpoints.yaml has its secrets in the document of secrets.\n\nExamples:\n  \
        tidings endpoints rotate ep_crm --stack tidings --yes\n  \
        tidings endpoints rotate ep_crm --stack tidings --keep 7d --yes")]
pub struct EndpointsRotate {
    /// The endpoint
    pub id: EndpointId,
    /// How long the old secret signs as well, 30 days at most; 1 day if left out
    #[arg(long, value_name = "TIME")]
    pub keep: Option<Span>,
    #[command(flatten)]
    pub confirm: Confirm,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// Changes the status, and says so.
async fn change(
    id: &EndpointId,
    target: &TargetOptions,
    what: &str,
    change: impl Fn(&Status) -> Option<Status> + Send + Sync,
) -> Result<ExitCode, Failure> {
    let book: Book = webhooks(&target.at).await?.book()?;
    let changed = book.change(id, change).await.map_err(|error| unreadable(&target.at, &error))?;
    let changed = changed.ok_or_else(|| unknown(id))?;
    if target.json {
        data(&json!({ "id": id, "status": changed.status }));
    } else {
        say!("{} {id}", paint(GOOD, what));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn disable(options: EndpointsDisable) -> Result<ExitCode, Failure> {
    let now = now(&options.target.at).await;
    let disabled = |status: &Status| status.is_active().then(|| status.disabled(now));
    change(&options.id, &options.target, "disabled", disabled).await
}

pub(crate) async fn enable(options: EndpointsEnable) -> Result<ExitCode, Failure> {
    change(&options.id, &options.target, "enabled", |status| Some(status.enabled())).await
}

pub(crate) async fn remove(options: EndpointsRemove) -> Result<ExitCode, Failure> {
    let at = &options.target.at;
    let webhooks = webhooks(at).await?;
    let found = webhooks.book()?.find(&options.id).await.map_err(|error| unreadable(at, &error))?;
    let one = found.ok_or_else(|| unknown(&options.id))?;
    if one.of_file {
        let file = if options.id.sink().is_some() { "sinks.yaml" } else { "endpoints.yaml" };
        return Err(Failure::new(format!("{} is in {file}", options.id))
            .hint("remove it there, and deploy; `tidings endpoints disable` stops it at once"));
    }
    let confirmed = options.confirm.ask();
    if let Some(confirmed) = confirmed {
        delete(webhooks.endpoints.as_ref(), &options.id, confirmed).await.map_err(|error| unreadable(at, &error))?;
    }
    if options.target.json {
        data(&json!({ "id": options.id, "removed": confirmed.is_some() }));
    } else if confirmed.is_some() {
        say!("{} {}", paint(GOOD, "removed"), options.id);
    } else {
        say!("{} {}  {}", "would be removed:", options.id, one.endpoint.url);
        say!("{}", paint(FAINT, "dry run, nothing was removed: --yes applies the change"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn delete(endpoints: &dyn EndpointStore, id: &EndpointId, _: Confirmed) -> Result<(), tidings_core::ports::Unavailable> {
    endpoints.delete(id).await
}

/// A sink's requests are signed by the function's role.
pub(super) fn signed(id: &EndpointId) -> Result<(), Failure> {
    match id.sink() {
        None => Ok(()),
        Some(_) => Err(Failure::new(format!("{id} is a sink: the role of the function signs, and it has no secret"))),
    }
}

pub(crate) async fn rotate(options: EndpointsRotate) -> Result<ExitCode, Failure> {
    let at = &options.target.at;
    let keep: Duration = options.keep.map_or(ROTATION, |span| span.duration());
    if keep > MAX_ROTATION {
        return Err(Failure::new("--keep is longer than allowed: 30d").status(2));
    }
    let found = webhooks(at).await?.book()?.find(&options.id).await.map_err(|error| unreadable(at, &error))?;
    let one = found.ok_or_else(|| unknown(&options.id))?;
    signed(&options.id)?;
    if let Some(name) = &one.endpoint.secret {
        return Err(Failure::new(format!("{} is signed with the secrets under {name:?} of the document of secrets", options.id))
            .hint("put a new one in front of them in that document: {\"name\": [\"new\", \"old\"]}"));
    }
    let now = now(at).await;
    match options.confirm.ask() {
        Some(_) => change(&options.id, &options.target, "rotated", |status| Some(status.rotated(keep, now))).await,
        None => {
            let until = now.plus(keep);
            if options.target.json {
                data(&json!({ "id": options.id, "dry_run": true, "previous_until": until }));
            } else {
                say!("{} would get a new secret; the present one would sign until {until}", options.id);
                say!("{}", paint(FAINT, "dry run, nothing was changed: --yes applies the change"));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
