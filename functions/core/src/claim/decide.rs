//! What to do, given what the stores said. Pure: no I/O, no clock, no randomness, so that a simulation and a model check
//! can run the very code that production runs.
//!
//! The one principle: **when in doubt, queue it again.** Processing twice is harmless here (the transaction's marker sees
//! to that), losing is not.

use super::{ClaimState, Sha256Hex};
use std::time::Duration;
use tidings_config::limits::{CONFLICT_PAUSE, CONFLICT_RETRIES, MAX_EVENT_AGE, MAX_OTHER_BODIES, RELOAD_RETRIES};
use tidings_config::time::Timestamp;

/// What the claims table said to "put this as `received` unless it is there".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It wasn't there.
    New,
    /// It was. `received` is when its first delivery came in.
    Existing { state: ClaimState, received: Option<Timestamp>, body: Body },
    /// The processor's transaction held the row, even after we waited.
    Contended,
    /// No answer, or an error: it may be there or not.
    Unknown,
}

/// How the body of a known event's delivery compares with that of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// It is the same, or the claim has none to compare it with: the processor made it.
    Same,
    /// It is another one.
    Other {
        /// Of the first body.
        first: Sha256Hex,
        /// Whether the claim has to be told: it has this one not yet, and room for it.
        is_news: bool,
    },
}

impl Body {
    /// `first` and `others` are what the claim has.
    pub fn compare(ours: &Sha256Hex, first: Option<String>, others: &[String]) -> Self {
        match first {
            Some(first) if first != ours.as_str() => {
                let is_news = others.len() < MAX_OTHER_BODIES && others.iter().all(|other| other != ours.as_str());
                Self::Other { first: Sha256Hex::stored(first), is_news }
            }
            Some(_) | None => Self::Same,
        }
    }
}

/// What the receiver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRecord {
    /// Queue it, then mark the claim `enqueued` if `mark`.
    Enqueue { mark: bool },
    /// SQS had it before: nothing to send.
    Duplicate,
}

/// | claim | then |
/// |---|---|
/// | new | queue, mark |
/// | `received` | queue again, mark: we can't know that the first try got through |
/// | `enqueued`, `processed` | duplicate |
/// | `dead` | queue again; stays `dead` until it is processed |
/// | contended | queue again: as `received`, and the processor is about to say the rest |
/// | unknown | queue: durable without a claim, since the processor's transaction is what makes the effect single |
pub fn after_record(recorded: &Recorded) -> AfterRecord {
    match recorded {
        Recorded::New => AfterRecord::Enqueue { mark: true },
        Recorded::Existing { state, .. } => match state {
            ClaimState::Received => AfterRecord::Enqueue { mark: true },
            ClaimState::Enqueued | ClaimState::Processed => AfterRecord::Duplicate,
            ClaimState::Dead => AfterRecord::Enqueue { mark: false },
        },
        Recorded::Contended | Recorded::Unknown => AfterRecord::Enqueue { mark: false },
    }
}

/// What a processed claim says of its effect. What is left to do after a commit (actions to send, items of an identity to
/// move) is read from it and from the stored items, never from a new plan: rules, fetched objects and configuration may have
/// changed since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedEffect {
    /// Whose partition was written. `None` after an erasure: then nothing is left to do.
    pub conversation: Option<String>,
    /// The identities that the event linked to it. `None`: the version before committed it, which recorded none.
    pub links: Option<Vec<String>>,
}

/// What the table said to the transaction of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Claim and context are written.
    Yes,
    /// The marker's condition failed: the effect is there already, and this is what its claim says of it.
    Before(RecordedEffect),
    /// A context item changed after we read it.
    ContextMoved,
    /// Another transaction held an item.
    Contended,
    /// No answer, throttled or failed, and why: it may be written or not.
    Unknown(String),
}

/// What the processor does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterCommit {
    /// The effect is in the context now.
    Done,
    /// It was there before: finish what its record promises.
    Finish(RecordedEffect),
    /// Read the context again after this pause at most, and try again.
    Retry { pause: Duration },
    /// Others were faster each time: return the message to the queue.
    Contended,
    /// Nobody knows whether it is written, and why: return the message to the queue.
    Unknown(String),
}

/// `reloads` and `conflicts` count the answers of either kind that this event has had before. The first reload comes at once:
/// most often the other event is done.
pub fn after_commit(committed: Committed, reloads: u32, conflicts: u32) -> AfterCommit {
    match committed {
        Committed::Yes => AfterCommit::Done,
        Committed::Before(effect) => AfterCommit::Finish(effect),
        Committed::ContextMoved if reloads == 0 => AfterCommit::Retry { pause: Duration::ZERO },
        Committed::ContextMoved if reloads < RELOAD_RETRIES => {
            AfterCommit::Retry { pause: conflict_pause(CONFLICT_PAUSE, reloads - 1) }
        }
        Committed::Contended if conflicts < CONFLICT_RETRIES => {
            AfterCommit::Retry { pause: conflict_pause(CONFLICT_PAUSE, conflicts) }
        }
        Committed::ContextMoved | Committed::Contended => AfterCommit::Contended,
        Committed::Unknown(cause) => AfterCommit::Unknown(cause),
    }
}

/// What becomes of a record that couldn't be processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// SQS shows it again after the visibility timeout.
    Retry,
    /// This was its last receive, and only other events were in its way: send a copy to the queue, so that its receives start
    /// again. Each conflict is another event's success, so this ends.
    Requeue,
    /// This was its last receive: record the reason as `dead`, then leave it to the redrive policy.
    DeadLetter,
}

/// `receive_count` counts this receive; `max_receive_count` is the redrive policy's.
pub fn after_failure(receive_count: u32, max_receive_count: u32, contended: bool) -> AfterFailure {
    match (receive_count < max_receive_count, contended) {
        (true, _) => AfterFailure::Retry,
        (false, true) => AfterFailure::Requeue,
        (false, false) => AfterFailure::DeadLetter,
    }
}

/// Whether the event's claim may have been deleted by now, so that a second effect couldn't be told from a first.
pub fn past_horizon(received: Timestamp, now: Timestamp) -> bool {
    now.since(received) > MAX_EVENT_AGE
}

/// The upper bound of the pause before a conflict is tried again: doubled each time.
pub fn conflict_pause(base: Duration, conflicts: u32) -> Duration {
    base.saturating_mul(1 << conflicts.min(6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_of_a_known_event_is_sent_again_unless_sqs_surely_has_it() {
        let existing = |state| Recorded::Existing { state, received: None, body: Body::Same };
        let send = |mark| AfterRecord::Enqueue { mark };
        assert_eq!(after_record(&Recorded::New), send(true));
        assert_eq!(after_record(&existing(ClaimState::Received)), send(true));
        assert_eq!(after_record(&existing(ClaimState::Enqueued)), AfterRecord::Duplicate);
        assert_eq!(after_record(&existing(ClaimState::Processed)), AfterRecord::Duplicate);
        assert_eq!(after_record(&existing(ClaimState::Dead)), send(false));
        assert_eq!(after_record(&Recorded::Contended), send(false));
        assert_eq!(after_record(&Recorded::Unknown), send(false));
    }

    #[test]
    fn another_body_under_the_same_id_is_a_metric_and_not_a_rejection() {
        for &state in ClaimState::ALL {
            let decide = |body| after_record(&Recorded::Existing { state, received: None, body });
            let other = Body::Other { first: Sha256Hex::of(b"first"), is_news: true };
            assert_eq!(decide(Body::Same), decide(other));
        }
    }

    #[test]
    fn each_other_body_is_news_once_while_there_is_room() {
        let hash = |n: usize| Sha256Hex::of(&n.to_be_bytes());
        let first = || Some(hash(0).as_str().to_owned());
        let others: Vec<String> = (1..=MAX_OTHER_BODIES).map(|n| hash(n).as_str().to_owned()).collect();
        let other = |is_news| Body::Other { first: hash(0), is_news };
        assert_eq!(Body::compare(&hash(0), first(), &others), Body::Same);
        assert_eq!(Body::compare(&hash(0), None, &[]), Body::Same, "there is nothing to compare it with");
        assert_eq!(Body::compare(&hash(1), first(), &[]), other(true));
        assert_eq!(Body::compare(&hash(1), first(), &others[..1]), other(false));
        assert_eq!(Body::compare(&hash(9), first(), &others[1..]), other(true));
        assert_eq!(Body::compare(&hash(9), first(), &others), other(false), "no room");
    }

    #[test]
    fn only_the_marker_ends_an_event_as_done_before() {
        let effect = RecordedEffect { conversation: Some("ann".into()), links: Some(vec!["customer:c1".into()]) };
        assert_eq!(after_commit(Committed::Before(effect.clone()), 99, 99), AfterCommit::Finish(effect));
        assert_eq!(after_commit(Committed::Unknown("throttled".into()), 0, 0), AfterCommit::Unknown("throttled".into()));
    }

    #[test]
    fn tries_are_bounded_on_both_sides() {
        let retry = |ms| AfterCommit::Retry { pause: Duration::from_millis(ms) };
        assert_eq!(after_commit(Committed::ContextMoved, 0, 99), retry(0));
        assert_eq!(after_commit(Committed::ContextMoved, 1, 99), retry(20));
        assert_eq!(after_commit(Committed::ContextMoved, RELOAD_RETRIES - 1, 99), retry(1_280));
        assert_eq!(after_commit(Committed::ContextMoved, RELOAD_RETRIES, 0), AfterCommit::Contended);
        assert_eq!(after_commit(Committed::Contended, 99, CONFLICT_RETRIES - 1), retry(80));
        assert_eq!(after_commit(Committed::Contended, 0, CONFLICT_RETRIES), AfterCommit::Contended);
        assert_eq!(conflict_pause(Duration::from_millis(20), 0), Duration::from_millis(20));
        assert_eq!(conflict_pause(Duration::from_millis(20), 2), Duration::from_millis(80));
        assert_eq!(conflict_pause(Duration::from_millis(20), 60), Duration::from_millis(1_280));
    }

    #[test]
    fn the_last_receive_buries_and_none_before_it() {
        assert_eq!(after_failure(4, 5, false), AfterFailure::Retry);
        assert_eq!(after_failure(5, 5, false), AfterFailure::DeadLetter);
        assert_eq!(after_failure(6, 5, false), AfterFailure::DeadLetter);
    }

    #[test]
    fn contention_is_never_a_reason_to_bury() {
        assert_eq!(after_failure(4, 5, true), AfterFailure::Retry);
        assert_eq!(after_failure(5, 5, true), AfterFailure::Requeue);
    }

    #[test]
    fn an_event_is_parked_from_the_first_moment_its_claim_may_be_gone() {
        let received = Timestamp::from_unix_ms(0);
        assert!(!past_horizon(received, received.plus(MAX_EVENT_AGE)));
        assert!(past_horizon(received, received.plus(MAX_EVENT_AGE + Duration::from_millis(1))));
        assert!(!past_horizon(received.plus(MAX_EVENT_AGE), received), "a clock behind the receiver's parks nothing");
    }
}
