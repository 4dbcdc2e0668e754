//! `tidings events`: what became of events.

pub(crate) mod list;
mod message;
pub(crate) mod show;
pub(crate) mod tail;

use crate::Failure;
use crate::arguments::{EventsFilter, Place};
use crate::style::{BAD, FAINT, GOOD, NAME, WARN, paint, short};
use crate::target::{now, unreadable};
use tidings_core::aws::Reader;
use tidings_core::claim::search::{Found, Search};
use tidings_core::claim::{Claim, ClaimState};

/// The newest events that the filter lets through.
async fn find(reader: &Reader, filter: &EventsFilter, limit: usize, at: &Place) -> Result<Found, Failure> {
    let now = now(at).await;
    let search = Search {
        key: None,
        source: filter.source.clone(),
        event_type: filter.event_type.clone(),
        state: filter.state,
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

/// An event, in a line for people.
fn line(claim: &Claim, of_conversation: bool) -> String {
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

/// What isn't a claim as this version knows them, said and not hidden.
fn unknown(found: &Found) -> Option<String> {
    (found.unknown > 0).then(|| format!("{} rows are no claims that this version knows: left out", found.unknown))
}
