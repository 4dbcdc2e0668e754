//! `tidings endpoints attempts`: the deliveries of an endpoint, with what each attempt came to.

use crate::Failure;
use crate::limits::{DELIVERIES_LISTED, DELIVERIES_PAGE, MAX_DELIVERIES_LISTED};
use crate::style::{BAD, FAINT, GOOD, WARN, data_of, note, paint, say};
use crate::target::{TargetOptions, unreadable, webhooks};
use clap::Args;
use publisher::delivery::{Attempt, Delivery, DeliveryState};
use publisher::ports::DeliveryStore;
use std::process::ExitCode;
use tidings_config::endpoint::EndpointId;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
        tidings endpoints attempts ep_crm --stack tidings\n  \
        tidings endpoints attempts ep_crm --stack tidings --state failed --json")]
pub struct EndpointsAttempts {
    /// The endpoint
    pub id: EndpointId,
    /// Only deliveries in this state
    #[arg(long, value_name = "STATE")]
    pub state: Option<StateWord>,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = DELIVERIES_LISTED, value_parser = number)]
    pub limit: usize,
    #[command(flatten)]
    pub target: TargetOptions,
}

/// A state of a delivery.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum StateWord {
    /// It waits for its next attempt
    Pending,
    /// An attempt is under way
    Attempting,
    /// Answered with a 2xx
    Delivered,
    /// All attempts failed, or the address isn't allowed
    Failed,
    /// Its endpoint is disabled, or was removed
    Held,
}

impl StateWord {
    pub(super) const fn state(self) -> DeliveryState {
        match self {
            Self::Pending => DeliveryState::Pending,
            Self::Attempting => DeliveryState::Attempting,
            Self::Delivered => DeliveryState::Delivered,
            Self::Failed => DeliveryState::Failed,
            Self::Held => DeliveryState::Held,
        }
    }
}

fn number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_DELIVERIES_LISTED).contains(number));
    number.ok_or_else(|| format!("allowed: 1 to {MAX_DELIVERIES_LISTED}"))
}

pub(crate) async fn run(options: EndpointsAttempts) -> Result<ExitCode, Failure> {
    let at = &options.target.at;
    let deliveries = webhooks(at).await?.deliveries;
    let state = options.state.map(StateWord::state);
    let mut found: Vec<Delivery> = Vec::new();
    let mut from = None;
    loop {
        let page = deliveries.list(&options.id, state, from.as_deref(), DELIVERIES_PAGE).await;
        let page = page.map_err(|error| unreadable(at, &error))?;
        found.extend(page.deliveries);
        from = page.next;
        if from.is_none() || found.len() >= options.limit {
            break;
        }
    }
    found.truncate(options.limit);
    if options.target.json {
        data_of(&found)?;
    } else {
        found.iter().for_each(print);
    }
    if found.is_empty() {
        note("no delivery matches");
    } else if found.len() == options.limit {
        note(&format!("only the newest {} are shown; for more use --limit", found.len()));
    }
    Ok(ExitCode::SUCCESS)
}

/// A delivery, and a line for each attempt.
pub(super) fn print(delivery: &Delivery) {
    let state = match delivery.state {
        DeliveryState::Delivered => paint(GOOD, delivery.state.as_str()),
        DeliveryState::Pending | DeliveryState::Attempting => paint(WARN, delivery.state.as_str()),
        DeliveryState::Failed | DeliveryState::Held => paint(BAD, delivery.state.as_str()),
    };
    let due = delivery.due.map(|due| format!("  next {due}")).unwrap_or_default();
    let about = paint(FAINT, &delivery.webhook_id);
    say!("{}  {state}  {}  {about}{due}", delivery.key.delivery, delivery.event_type);
    delivery.log.iter().for_each(attempt);
}

fn attempt(attempt: &Attempt) {
    let Attempt { number, at, ms, status, result, reason, answer } = attempt;
    let status = status.map(|status| status.to_string()).unwrap_or_default();
    let said = reason.as_deref().unwrap_or(answer);
    say!("  {number}  {at}  {}  {status}  {ms} ms  {}", result.as_str(), paint(FAINT, said));
}
