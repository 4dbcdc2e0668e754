//! The filter of the `events` commands, and the line that they print for an event.

use crate::Failure;
use crate::commands::when::When;
use crate::stack::Reader;
use crate::stack::{Found, Search};
use crate::style::{BAD, FAINT, GOOD, NAME, WARN, paint, short};
use crate::target::{Place, now, unreadable};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use tidings_config::rules::TypePattern;
use tidings_config::tenant::TenantName;
use tidings_core::claim::{Claim, ClaimState};

/// The filter options.
#[derive(Clone, Debug, Args)]
pub struct EventsFilter {
    /// Events of a conversation and its identities
    #[arg(long, value_name = "NAME")]
    pub conversation: Option<String>,
    /// Events of a source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Events of a tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<TenantName>,
    /// Events of a type, as rules.yaml names it: order.shipped, order.*
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<TypePattern>,
    /// Events in this state
    #[arg(long, value_parser = state())]
    pub state: Option<ClaimState>,
    /// Events with this text in their key, type, subject, conversation, rules or reason, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// Not older than this: RFC 3339, or how long ago, as in 2h
    #[arg(long, value_name = "TIME")]
    pub since: Option<When>,
    /// Not newer than this
    #[arg(long, value_name = "TIME")]
    pub until: Option<When>,
}

fn state() -> impl TypedValueParser<Value = ClaimState> {
    PossibleValuesParser::new(ClaimState::ALL.iter().map(|state| state.as_str()))
        .map(|word| ClaimState::parse(&word).expect("state"))
}

/// Returns the newest events that match the filter.
pub(crate) async fn find(reader: &Reader, filter: &EventsFilter, limit: usize, at: &Place) -> Result<Found, Failure> {
    let now = now(at).await;
    let search = Search {
        key: None,
        source: filter.source.clone(),
        tenant: filter.tenant.clone(),
        event_type: filter.event_type.clone(),
        state: filter.state,
        text: filter.text.as_ref().map(|text| text.to_lowercase()),
        since: filter.since.map(|when| when.from(now)),
        until: filter.until.map(|when| when.from(now)),
    };
    let found = match &filter.conversation {
        None => reader.newest(&search, limit).await,
        Some(name) => match reader.context(name, now).await {
            Ok(context) => reader.newest_of(&context, &search, limit).await,
            Err(error) => Err(error),
        },
    };
    found.map_err(|error| unreadable(at, &error))
}

/// An event in one line, for people.
pub(super) fn line(claim: &Claim, of_conversation: bool) -> String {
    let at = if of_conversation { claim.happened() } else { claim.came() };
    let at = at.map_or_else(String::new, |at| at.to_string());
    let (style, word) = match (claim.erased, claim.state) {
        (Some(_), _) => (FAINT, "erased"),
        (None, ClaimState::Received | ClaimState::Enqueued) => (WARN, claim.state.as_str()),
        (None, ClaimState::Processed) => (GOOD, claim.outcome.map_or(claim.state.as_str(), |outcome| outcome.as_str())),
        (None, ClaimState::Dead) => (BAD, claim.state.as_str()),
    };
    format!(
        "{}  {:<10}  {:<28}  {}  {}  {}",
        paint(FAINT, format!("{at:<24}")),
        claim.source,
        short(&claim.event_type, 28),
        paint(style, format!("{word:<9}")),
        paint(NAME, format!("{:<24}", short(claim.conversation.as_deref().unwrap_or(""), 24))),
        claim.key
    )
}

/// A note with the number of rows that this version can't read as claims.
pub(super) fn unknown(found: &Found) -> Option<String> {
    (found.unknown > 0).then(|| format!("{} rows can't be read as claims by this version, and are skipped", found.unknown))
}
