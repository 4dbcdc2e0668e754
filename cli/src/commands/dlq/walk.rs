//! One walk through the dead-letter queue. At its end, also an early one, every message that wasn't taken out becomes
//! visible again.

use super::dead::{Dead, WalkSummary};
use super::filter::{DlqFilter, Filter};
use crate::Failure;
use crate::limits::{DEAD_LETTERS_WALK, MAX_DEAD_LETTERS};
use crate::stack::{DeadLetters, Letter, Reader, Receipt};
use crate::target::{Place, dead_letters, now, reader_at};
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tidings_config::limits::MAX_BATCH_MESSAGES;
use tidings_config::time::Timestamp;
use tidings_core::claim::decide::past_horizon;
use tidings_core::claim::{Claim, ClaimKey, ClaimState};
use tidings_core::envelope::Envelope;
use tidings_core::external_link::ExternalLink;
use tidings_core::ports::Unavailable;

/// The number of successive empty receives after which the queue counts as read to its end. SQS asks only a part of its
/// servers for each receive.
const EMPTY_RECEIVES: usize = 3;

/// Parallel receives. One read of the claims takes the messages of eight receives.
const AT_ONCE: usize = 8;

pub(super) struct Walk {
    queue: DeadLetters,
    reader: Reader,
    filter: Filter,
    now: Timestamp,
    stop: Arc<AtomicBool>,
}

pub(super) async fn queue(at: &Place) -> Result<DeadLetters, Failure> {
    Ok(dead_letters(at).await?.hiding(DEAD_LETTERS_WALK))
}

pub(super) async fn start(filter: &DlqFilter, at: &Place) -> Result<Walk, Failure> {
    let now = now(at).await;
    Ok(Walk::new(queue(at).await?, reader_at(at).await?, Filter::new(filter, now), now))
}

impl Walk {
    pub(super) fn new(queue: DeadLetters, reader: Reader, filter: Filter, now: Timestamp) -> Self {
        Self { queue, reader, filter, now, stop: Arc::default() }
    }

    pub(super) fn queue(&self) -> &DeadLetters {
        &self.queue
    }

    /// Returns the stop flag. When it is set, the walk ends after the current messages.
    pub(super) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Ends the walk in good order on Ctrl-C.
    pub(super) fn stop_on_interrupt(&self) {
        let stop = self.stop();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.store(true, Ordering::Relaxed);
            }
        });
    }

    /// Passes the messages that match the filter to `each`, up to ten at a time. `each` returns the positions of those
    /// that left the queue.
    pub(super) async fn all(
        &self,
        mut each: impl AsyncFnMut(&[Dead]) -> Result<BTreeSet<usize>, Failure>,
    ) -> Result<WalkSummary, Failure> {
        let mut walked = WalkSummary::default();
        let mut known = HashSet::new();
        let mut kept = Vec::new();
        let ended = self.go(&mut walked, &mut known, &mut kept, &mut each).await;
        let share = kept.len().div_ceil(AT_ONCE).max(1);
        join_all(kept.chunks(share).map(|share| self.queue.show_again(share))).await;
        ended.map(|()| walked)
    }

    async fn go(
        &self,
        walked: &mut WalkSummary,
        known: &mut HashSet<String>,
        kept: &mut Vec<Receipt>,
        each: &mut impl AsyncFnMut(&[Dead]) -> Result<BTreeSet<usize>, Failure>,
    ) -> Result<(), Failure> {
        let mut empty = 0;
        while empty < EMPTY_RECEIVES {
            if self.stop.load(Ordering::Relaxed) || walked.seen >= MAX_DEAD_LETTERS {
                walked.stopped = true;
                break;
            }
            let letters = self.take(kept).await?;
            let (new, again): (Vec<Letter>, Vec<Letter>) =
                letters.into_iter().partition(|letter| known.insert(letter.id.clone()));
            // Messages whose visibility timeout ended. They have been handled already.
            kept.extend(again.into_iter().map(|letter| letter.receipt));
            empty = if new.is_empty() { empty + 1 } else { 0 };
            walked.seen += new.len();
            let receipts: Vec<Receipt> = new.iter().map(|letter| letter.receipt.clone()).collect();
            let dead = match self.dead(new).await {
                Ok(dead) => dead,
                Err(error) => {
                    kept.extend(receipts);
                    return Err(error);
                }
            };
            let (taken, left): (Vec<Dead>, Vec<Dead>) = dead.into_iter().partition(|dead| self.filter.takes(dead));
            kept.extend(left.into_iter().map(|dead| dead.letter.receipt));
            walked.matched += taken.len();
            let mut batches = taken.chunks(MAX_BATCH_MESSAGES);
            for batch in batches.by_ref() {
                let gone = each(batch).await;
                let is_gone = |n: &usize| gone.as_ref().is_ok_and(|gone| gone.contains(n));
                let stay = batch.iter().enumerate().filter(|(n, _)| !is_gone(n));
                kept.extend(stay.map(|(_, dead)| dead.letter.receipt.clone()));
                if let Err(failure) = gone {
                    kept.extend(batches.flatten().map(|dead| dead.letter.receipt.clone()));
                    return Err(failure);
                }
            }
        }
        Ok(())
    }

    /// Several receives in parallel. If one fails, the messages of the others become visible again.
    async fn take(&self, kept: &mut Vec<Receipt>) -> Result<Vec<Letter>, Failure> {
        let mut letters = Vec::new();
        let mut failed = None;
        for taken in join_all((0..AT_ONCE).map(|_| self.queue.take())).await {
            match taken {
                Ok(taken) => letters.extend(taken),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            None => Ok(letters),
            Some(error) => {
                kept.extend(letters.into_iter().map(|letter| letter.receipt));
                Err(unread(error))
            }
        }
    }

    /// The messages with the data of their claims.
    async fn dead(&self, letters: Vec<Letter>) -> Result<Vec<Dead>, Failure> {
        let keys: BTreeSet<ClaimKey> = letters.iter().filter_map(|letter| key_of(&letter.body)).collect();
        let claims = self.reader.claims(&keys).await.map_err(unread)?;
        let claims: BTreeMap<ClaimKey, Claim> = claims.into_iter().map(|claim| (claim.key.clone(), claim)).collect();
        Ok(letters.into_iter().map(|letter| dead(letter, &claims, self.now)).collect())
    }
}

/// The claim key of an event, or of an external link that was sent to the wrong queue.
fn key_of(body: &str) -> Option<ClaimKey> {
    ExternalLink::read(body, None).map_or_else(|| Envelope::claim_key_of(body), |(key, _)| key)
}

fn dead(letter: Letter, claims: &BTreeMap<ClaimKey, Claim>, now: Timestamp) -> Dead {
    let envelope = Envelope::decode(&letter.body);
    let key = key_of(&letter.body);
    let claim = key.as_ref().and_then(|key| claims.get(key));
    let reason = match (claim.map(|claim| claim.state), claim.and_then(|claim| claim.reason.clone()), &envelope) {
        (Some(ClaimState::Dead), Some(reason), _) => reason,
        (Some(ClaimState::Processed), ..) => {
            "processed: its effect is in the context, but its actions may not be sent".to_owned()
        }
        (_, _, Err(error)) => error.to_string(),
        // Every receive ended before a reason could be recorded: the function was killed or ran out of memory.
        (Some(ClaimState::Received | ClaimState::Enqueued | ClaimState::Dead), ..) => {
            "the reason couldn't be recorded".to_owned()
        }
        (None, ..) => "its claim has expired or was deleted".to_owned(),
    };
    let received = envelope.as_ref().ok().map(|envelope| envelope.receivedtime);
    Dead {
        source: envelope.as_ref().map_or_else(|_| "unknown".to_owned(), |envelope| envelope.source_name().to_owned()),
        event_type: envelope.as_ref().map_or_else(|_| "unknown".to_owned(), |envelope| envelope.event_type.clone()),
        conversation: claim.and_then(|claim| claim.conversation.clone()),
        reason,
        at: claim.and_then(|claim| claim.dead).or(letter.sent),
        received,
        too_old: received.is_some_and(|received| past_horizon(received, now)),
        key,
        letter,
    }
}

pub(super) fn unread(error: Unavailable) -> Failure {
    Failure::new(format!("{} failed: {}", error.call, error.cause))
        .hint("without --stack: is `tidings dev` running? With it: check --region and --profile, and that your credentials may read the queue and the claims table")
}
