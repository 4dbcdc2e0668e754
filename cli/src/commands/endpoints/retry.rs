//! `tidings endpoints retry`: a new schedule for deliveries of an endpoint. Without `--yes` it shows how many there are.

use super::attempts::StateWord;
use super::unknown;
use crate::Failure;
use crate::commands::pace::Pace;
use crate::commands::when::When;
use crate::confirm::Confirm;
use crate::limits::DELIVERIES_PAGE;
use crate::style::{FAINT, GOOD, data, note, paint, say};
use crate::target::{TargetOptions, now, unreadable, webhooks};
use clap::Args;
use publisher::delivery::Delivery;
use publisher::operate::{self, Retried};
use publisher::ports::DeliveryStore;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;
use tidings_config::endpoint::EndpointId;
use tidings_config::rules::TypePattern;
use tidings_config::time::Timestamp;

#[derive(Debug, Args)]
#[command(after_help = "Each gets a new schedule of attempts under its own webhook-id, so that the endpoint knows what it has \
        already.\n\nExit status: 0 all were queued, 1 some were not.\n\nExamples:\n  \
        tidings endpoints retry ep_crm --stack tidings\n  \
        tidings endpoints retry ep_crm --stack tidings --state held --since 2d --yes\n  \
        tidings endpoints retry ep_crm --delivery 001764496800000-msg_… --yes")]
pub struct EndpointsRetry {
    /// The endpoint
    pub id: EndpointId,
    /// Only deliveries in this state
    #[arg(long, value_name = "STATE", default_value = "failed")]
    pub state: StateWord,
    /// Only deliveries that were made at this time or later: a time, or 2h, 7d ago
    #[arg(long, value_name = "WHEN")]
    pub since: Option<When>,
    /// Only events or actions of these types
    #[arg(long = "type", value_name = "PATTERN")]
    pub event_type: Option<TypePattern>,
    /// Only this delivery, in whatever state
    #[arg(long, value_name = "DELIVERY")]
    pub delivery: Option<String>,
    /// Deliveries a second, at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rate: u32,
    #[command(flatten)]
    pub confirm: Confirm,
    #[command(flatten)]
    pub target: TargetOptions,
}

impl EndpointsRetry {
    fn takes(&self, delivery: &Delivery, since: Option<Timestamp>) -> bool {
        self.delivery.as_ref().is_none_or(|only| *only == delivery.key.delivery)
            && since.is_none_or(|since| delivery.created >= since)
            && self.event_type.as_ref().is_none_or(|pattern| pattern.matches(&delivery.event_type))
    }
}

/// The result.
#[derive(Default)]
struct Counts {
    by_type: BTreeMap<String, usize>,
    queued: usize,
    busy: usize,
}

pub(crate) async fn run(options: EndpointsRetry) -> Result<ExitCode, Failure> {
    let at = &options.target.at;
    let webhooks = webhooks(at).await?;
    let failed = |error| unreadable(at, &error);
    let found = webhooks.book()?.find(&options.id).await.map_err(failed)?;
    let one = found.ok_or_else(|| unknown(&options.id))?;
    let started = now(at).await;
    let since = options.since.map(|when| when.from(started));
    let state = options.delivery.is_none().then(|| options.state.state());
    let confirmed = options.confirm.ask();
    let mut counts = Counts::default();
    let mut pace = Pace::new(options.rate);
    let mut from = None;
    loop {
        let page = webhooks.deliveries.list(&options.id, state, from.as_deref(), DELIVERIES_PAGE).await.map_err(failed)?;
        for delivery in page.deliveries.iter().filter(|delivery| options.takes(delivery, since)) {
            *counts.by_type.entry(delivery.event_type.clone()).or_default() += 1;
            if confirmed.is_none() {
                continue;
            }
            match operate::retry(&webhooks.deliveries, &webhooks.queue, delivery, now(at).await).await.map_err(failed)? {
                Retried::Yes => counts.queued += 1,
                Retried::Busy => counts.busy += 1,
            }
            pace.keep(1).await;
        }
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    tell(&options, &counts, confirmed.is_some());
    if !one.status.is_active() {
        note("the endpoint is disabled: what is queued will be held again; `tidings endpoints enable` comes first");
    }
    Ok(if counts.busy == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(options: &EndpointsRetry, counts: &Counts, applied: bool) {
    let matched: usize = counts.by_type.values().sum();
    if options.target.json {
        data(&json!({
            "dry_run": !applied, "matched": matched, "queued": counts.queued, "busy": counts.busy, "types": counts.by_type,
        }));
        return;
    }
    counts.by_type.iter().for_each(|(event_type, number)| say!("{number:>7}  {event_type}"));
    if applied {
        say!("{} of {matched} queued", paint(GOOD, counts.queued));
        if counts.busy > 0 {
            say!("{} left: an attempt is under way", counts.busy);
        }
    } else {
        say!("{matched} would be sent again");
        say!("{}", paint(FAINT, "dry run, nothing was sent: --yes applies the change"));
    }
}
