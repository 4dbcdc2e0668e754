//! What a `tidings dev` shows from outside: its queues and its claims.

use super::part::{Part, Unread};
use super::{Claims, Queue};
use crate::limits::MAX_EVENTS_LISTED;
use crate::stack::Search;
use crate::target::Place;
use crate::target::{depths, reader_at};
use tidings_core::claim::ClaimState;

/// Number of the newest claims in each state.
pub(super) async fn claims(at: &Place) -> Result<Vec<Claims>, Unread> {
    const NEEDS: &str = "dynamodb:Scan";
    let reader = reader_at(at).await.map_err(|failure| Unread { unread: failure.message, needs: NEEDS })?;
    let found = reader.newest(&Search::default(), MAX_EVENTS_LISTED).await?;
    let count = |state| found.claims.iter().filter(|claim| claim.state == state).count() as u64;
    Ok(ClaimState::ALL.iter().map(|&state| Claims { state, events: count(state) }).collect())
}

/// Number of messages in its queues.
pub(super) async fn queues(at: &Place) -> Result<Vec<Queue>, Unread> {
    const NEEDS: &str = "sqs:GetQueueAttributes";
    let depths = depths(at).await.map_err(|failure| Unread { unread: failure.message, needs: NEEDS })?;
    let queue = |(queue, depth): (_, Result<_, _>)| Queue {
        queue,
        depth: depth.map_or_else(|error| Part::Unread(Unread::from(error)), Part::Read),
        oldest_s: None,
    };
    Ok(depths.into_iter().map(queue).collect())
}
