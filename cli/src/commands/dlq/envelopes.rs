//! The events in the dead-letter queue, for commands that try rules on them. The queue doesn't change.

use super::filter::DlqFilter;
use super::walk::Walk;
use crate::Failure;
use crate::limits::{MAX_CAPTURED, MAX_CAPTURED_BYTES};
use crate::target::Place;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use tidings_core::envelope::Envelope;

/// The result of a walk.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// In the order of receipt.
    pub(crate) events: Vec<Envelope>,
    /// Number of messages that can't be read as an event.
    pub(crate) unreadable: usize,
    /// Whether the queue may have more.
    pub(crate) cut: bool,
}

pub(crate) async fn envelopes(filter: &DlqFilter, at: &Place) -> Result<Found, Failure> {
    let walk = super::walk::start(filter, at).await?;
    walk.stop_on_interrupt();
    found(&walk, MAX_CAPTURED).await
}

pub(super) async fn found(walk: &Walk, most: usize) -> Result<Found, Failure> {
    let (mut found, mut bytes) = (Found::default(), 0);
    let stop = walk.stop();
    let walked = walk
        .all(async |dead| {
            for one in dead {
                let Ok(event) = Envelope::decode(&one.letter.body) else {
                    found.unreadable += 1;
                    continue;
                };
                bytes += one.letter.body.len() as u64;
                if found.events.len() == most || bytes > MAX_CAPTURED_BYTES {
                    found.cut = true;
                    stop.store(true, Ordering::Relaxed);
                    break;
                }
                found.events.push(event);
            }
            Ok(BTreeSet::new())
        })
        .await?;
    found.cut |= walked.stopped;
    found.events.sort_by(|a, b| (a.receivedtime, &a.claimkey).cmp(&(b.receivedtime, &b.claimkey)));
    Ok(found)
}
