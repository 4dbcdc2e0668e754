//! Isolates records that may have aborted the process.
//!
//! A panic affects only its own record. An abort (stack overflow, out of memory, the function's timeout) ends the
//! process with its whole batch. SQS delivers the batch again, and nothing shows which record caused it. So a record
//! that is received again is a suspect. One suspect of a batch is processed, alone and before the rest. The others
//! are hidden longer, each for a different time, *before* any record of the batch is read. An abort then affects no
//! record that was received for the first time.
//!
//! Promises: another record's abort costs a record at most one receive before it is processed; no record reaches the
//! dead-letter queue earlier than without isolation. A suspect without a spare receive is always processed, after all
//! others. A record that this container itself returned to the queue on the receive before isn't a suspect: the
//! process survived it, so an outage doesn't make every record a suspect. On failure: a record that can't be hidden
//! is returned to the queue nevertheless, and comes again after the queue's own visibility timeout.

use crate::decode::receive_count;
use aws_lambda_events::event::sqs::SqsMessage;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tidings_config::limits::{MAX_SURVIVORS, POSTPONED_APART};
use tidings_core::ports::{Hide, MessageVisibility};
use tidings_core::telemetry::{Metric, UNKNOWN};

/// The port and the memory of isolation.
#[derive(Debug)]
pub(crate) struct Isolation {
    queue: Arc<dyn MessageVisibility>,
    /// The queue's visibility timeout.
    visibility_timeout: Duration,
    survivors: Mutex<Survivors>,
}

/// Messages that this container returned to the queue, and the receive on which it did.
#[derive(Debug, Default)]
struct Survivors {
    receives: BTreeMap<String, u32>,
    /// The latest at the end.
    order: VecDeque<String>,
}

/// A batch in processing order, and the records that are postponed.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    /// The rounds run one after the other; records of one round run concurrently.
    pub(crate) rounds: Vec<Vec<SqsMessage>>,
    /// Ids of messages to return to the queue.
    pub(crate) postponed: Vec<String>,
    receives: BTreeMap<String, u32>,
}

/// The split of a batch. Pure.
#[derive(Debug, Default)]
struct Split {
    first: Option<SqsMessage>,
    fresh: Vec<SqsMessage>,
    postponed: Vec<SqsMessage>,
    /// Suspects without a spare receive, the one with the fewest first.
    last: Vec<SqsMessage>,
}

impl Isolation {
    pub(crate) fn new(queue: Arc<dyn MessageVisibility>, visibility_timeout: Duration) -> Self {
        Self { queue, visibility_timeout, survivors: Mutex::default() }
    }

    async fn postpone(&self, messages: &[SqsMessage]) {
        if messages.is_empty() {
            return;
        }
        let hide = |(place, message): (usize, &SqsMessage)| Hide {
            receipt_handle: message.receipt_handle.clone().unwrap_or_default(),
            time: self.visibility_timeout + stagger(place, message, self.visibility_timeout),
        };
        let hidden = self.queue.hide(&messages.iter().enumerate().map(hide).collect::<Vec<_>>()).await;
        for (message, hidden) in messages.iter().zip(hidden) {
            let (message_id, receive_count) = (message.message_id.as_deref(), receive_count(message));
            let cause = hidden.err().map(|unavailable| unavailable.to_string());
            Metric::Retried.count_as(UNKNOWN, "isolated");
            tracing::warn!(message_id, outcome = "retry", code = "isolated", receive_count, cause, "postponed, unread");
        }
    }

    fn is_suspect(&self, message: &SqsMessage) -> bool {
        let receives = receive_count(message);
        receives > 1 && {
            let survivors = self.survivors();
            message
                .message_id
                .as_ref()
                .and_then(|id| survivors.receives.get(id))
                .is_none_or(|survived| survived.saturating_add(1) != receives)
        }
    }

    fn survivors(&self) -> MutexGuard<'_, Survivors> {
        self.survivors.lock().expect("nothing panics while it holds this")
    }
}

/// The rounds of a batch. All other records are hidden when this returns.
pub(crate) async fn rounds(isolation: Option<&Isolation>, messages: Vec<SqsMessage>, max_receive_count: u32) -> Rounds {
    let Some(isolation) = isolation else {
        return Rounds { rounds: vec![messages], ..Rounds::default() };
    };
    let id = |message: &SqsMessage| message.message_id.clone().unwrap_or_default();
    let receives = messages.iter().map(|message| (id(message), receive_count(message))).collect();
    let Split { first, fresh, postponed, last } = split(messages, max_receive_count, |message| isolation.is_suspect(message));
    isolation.postpone(&postponed).await;
    let alone = |message| vec![message];
    let rounds = first.into_iter().map(alone).chain([fresh]).chain(last.into_iter().map(alone));
    Rounds { rounds: rounds.filter(|round| !round.is_empty()).collect(), postponed: postponed.iter().map(id).collect(), receives }
}

/// Remembers records that were tried and are returned to the queue.
pub(crate) fn survived(isolation: Option<&Isolation>, rounds: &Rounds, returned: &[String]) {
    let Some(isolation) = isolation else { return };
    let mut survivors = isolation.survivors();
    for id in returned {
        let Some(receives) = rounds.receives.get(id) else { continue };
        if survivors.receives.insert(id.clone(), *receives).is_some() {
            survivors.order.retain(|known| known != id);
        }
        survivors.order.push_back(id.clone());
        if survivors.order.len() > MAX_SURVIVORS
            && let Some(oldest) = survivors.order.pop_front()
        {
            survivors.receives.remove(&oldest);
        }
    }
}

fn split(messages: Vec<SqsMessage>, max_receive_count: u32, is_suspect: impl Fn(&SqsMessage) -> bool) -> Split {
    let mut split = Split::default();
    let mut suspects = Vec::new();
    for message in messages {
        match (is_suspect(&message), receive_count(&message).saturating_add(1) >= max_receive_count) {
            (false, _) => split.fresh.push(message),
            (true, false) => suspects.push(message),
            (true, true) => split.last.push(message),
        }
    }
    split.last.sort_by_key(receive_count);
    // The suspect with the fewest spare receives comes first; of equals, the first in the batch.
    suspects.sort_by_key(|message| std::cmp::Reverse(receive_count(message)));
    let mut suspects = suspects.into_iter();
    split.first = suspects.next();
    split.postponed = suspects.collect();
    split
}

/// The time beyond the visibility timeout: by the position in the batch and by the message id, so that suspects of
/// two batches don't meet in a third.
fn stagger(place: usize, message: &SqsMessage, visibility_timeout: Duration) -> Duration {
    let apart = (visibility_timeout.as_secs() / POSTPONED_APART).max(1);
    let id = message.message_id.as_deref().unwrap_or_default();
    let own = id.bytes().fold(u64::from(receive_count(message)), |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    Duration::from_secs((u64::try_from(place).unwrap_or(0) * apart).saturating_add(own % apart))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_core::memory::sqs_message;

    fn message(id: &str, receives: u32) -> SqsMessage {
        sqs_message(id, "", receives)
    }

    fn ids(messages: &[SqsMessage]) -> Vec<&str> {
        messages.iter().filter_map(|message| message.message_id.as_deref()).collect()
    }

    #[test]
    fn one_suspect_is_processed_and_the_others_wait() {
        let batch = [("a", 1), ("b", 2), ("c", 4), ("d", 3), ("e", 1), ("f", 5), ("g", 2), ("h", 4)];
        let split = split(batch.iter().map(|(id, n)| message(id, *n)).collect(), 5, |message| receive_count(message) > 1);
        assert_eq!(split.first.as_ref().and_then(|m| m.message_id.as_deref()), Some("d"), "the fewest spare receives");
        assert_eq!(ids(&split.fresh), ["a", "e"]);
        assert_eq!(ids(&split.postponed), ["b", "g"]);
        assert_eq!(ids(&split.last), ["c", "h", "f"], "without a spare receive; the last one at the end");
    }

    #[test]
    fn a_batch_without_suspects_is_one_round() {
        let split = split(vec![message("a", 1), message("b", 1)], 5, |message| receive_count(message) > 1);
        assert_eq!(
            (ids(&split.fresh), split.first.is_none(), split.postponed.len(), split.last.len()),
            (vec!["a", "b"], true, 0, 0)
        );
    }

    #[test]
    fn postponed_records_return_at_different_times() {
        let timeout = Duration::from_secs(180);
        let at = |place| stagger(place, &message(&format!("m{place}"), 2), timeout);
        let times: Vec<Duration> = (0..10).map(at).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
        assert!(times.iter().all(|time| *time < timeout), "{times:?}");
        assert_ne!(stagger(3, &message("m3", 2), timeout), stagger(3, &message("x", 2), timeout), "another batch, another time");
        assert_eq!(
            stagger(1, &message("m", 2), Duration::from_secs(1)),
            Duration::from_secs(1),
            "whole seconds in `tidings dev`"
        );
    }
}
