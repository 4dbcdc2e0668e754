//! Decides the next step from the stores' responses. Pure: no I/O, no clock, no randomness, so that the simulation
//! and the model check run the same code as production.
//!
//! The one principle: **when in doubt, queue the event again.** Processing an event twice is harmless, because the
//! transaction's marker prevents a second effect. Losing an event isn't.

use super::{ClaimState, Sha256Hex};
use crate::ports::DeadLettered;
use std::time::Duration;
use tidings_config::limits::{CONFLICT_PAUSE, CONFLICT_RETRIES, MAX_EVENT_AGE, MAX_OTHER_BODIES, RELOAD_RETRIES};
use tidings_config::time::Timestamp;

/// The result of putting a claim as `received` unless it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The claim didn't exist.
    New,
    /// The claim exists. `received` is when the first delivery was received. `is_kept`: the claim keeps the event, and a
    /// sweep finds it.
    Existing { state: ClaimState, received: Option<Timestamp>, body: Body, is_kept: bool },
    /// The processor's transaction held the row, even after retries.
    Contended,
    /// There was no response, or an error: the claim may exist or not.
    Unknown,
}

/// How the body of a known event's delivery compares with the first body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The same; or the claim has none to compare with, because the processor made it.
    Same,
    /// A different body.
    Other {
        /// The hash of the first body.
        first: Sha256Hex,
        /// Whether the hash must be added to the claim: it isn't there yet, and there is room.
        is_news: bool,
    },
}

impl Body {
    /// `first` and `others` are the hashes in the claim.
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

/// The receiver's next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRecord {
    /// Send the event to the queue. `mark`: then its claim may be marked `enqueued`.
    Enqueue { mark: bool },
    /// SQS has acknowledged it before: nothing to send.
    Duplicate,
}

/// | claim | next step |
/// |---|---|
/// | new | queue |
/// | `received` | queue again: the first try may have failed |
/// | `enqueued`, `processed` | duplicate |
/// | `dead` | queue again; the claim stays `dead` until it is processed |
/// | contended | queue again, as for `received`; the processor's transaction decides |
/// | unknown | queue: it is durable without a claim, since the processor's transaction makes the effect unique |
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

/// Whether a claim keeps the event, so that a sweep queues it: it is durable without the queue. Only a sure answer counts.
pub fn is_kept(recorded: &Recorded, has_message: bool) -> bool {
    match recorded {
        Recorded::New => has_message,
        Recorded::Existing { state: ClaimState::Received, is_kept, .. } => *is_kept,
        Recorded::Existing { state: ClaimState::Enqueued | ClaimState::Processed | ClaimState::Dead, .. }
        | Recorded::Contended
        | Recorded::Unknown => false,
    }
}

/// How far the events of a delivery got, or those of one of its steps. The worst one decides the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// SQS had acknowledged all of them before.
    Duplicate,
    /// SQS has acknowledged all of them, or a claim keeps what it didn't.
    Queued,
    /// One of them is neither in the queue nor kept: the provider must send the delivery again.
    NotDurable,
}

impl Durability {
    /// `durable`: for each event that was sent, whether SQS has acknowledged it or its claim keeps it.
    pub fn of(durable: impl IntoIterator<Item = bool>) -> Self {
        let worst = |durable| if durable { Self::Queued } else { Self::NotDurable };
        durable.into_iter().map(worst).max().unwrap_or(Self::Duplicate)
    }

    /// Whether the acknowledged events are marked `enqueued`: only if the delivery may be sent again. `in_steps`: after one
    /// of several steps the time may run out.
    pub fn marks(self, in_steps: bool) -> bool {
        self == Self::NotDurable || in_steps
    }
}

/// What a processed claim records about its effect. The work that is left after a commit (actions to send, items of
/// an identity to move) is read from here and from the stored items. It is never planned again: rules, fetched
/// objects and configuration may have changed since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedEffect {
    /// The conversation whose partition was written. `None` after an erasure: no work is left.
    pub conversation: Option<String>,
    /// The identities that the event linked to it. `None`: the previous version committed it and recorded none.
    pub links: Option<Vec<String>>,
}

impl RecordedEffect {
    /// Whether the record alone says what is left to do. If not, the previous version wrote it, and the links come from a
    /// new plan.
    pub fn is_complete(&self) -> bool {
        self.links.is_some() || self.conversation.is_none()
    }

    /// Whether the items of a recorded identity are this effect's to move. `link`: the conversation that the identity is
    /// linked to now. An identity that was moved to another conversation since is that conversation's to finish.
    pub fn moves(&self, link: Option<&str>) -> bool {
        link.is_some() && link == self.conversation.as_deref()
    }
}

/// Whether a message's claim is read before it is planned: a message that is received again, or that the receiver sent
/// again, may have its effect already.
pub fn reads_claim_first(receive_count: u32, is_sent_again: bool) -> bool {
    receive_count > 1 || is_sent_again
}

/// The result of a commit's transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The claim and the context are written.
    Yes,
    /// The marker's condition failed: the effect exists already, and the claim records this about it.
    Before(RecordedEffect),
    /// A context item changed after it was read.
    ContextMoved,
    /// Another transaction held an item.
    Contended,
    /// There was no response, throttling or an error, with its cause: it may be written or not.
    Unknown(String),
}

/// The processor's next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterCommit {
    /// The effect is in the context.
    Done,
    /// The effect was there before: finish the work that its record names.
    Finish(RecordedEffect),
    /// Read the context again after a pause of at most this, and try again.
    Retry { pause: Duration },
    /// Other events won each time: return the message to the queue.
    Contended,
    /// It is unknown whether the effect is written; the cause is given. Return the message to the queue.
    Unknown(String),
}

/// `reloads` and `conflicts` count this event's earlier responses of each kind. The first reload is immediate, since
/// the other event is usually done.
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

/// What happens to a record that couldn't be processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// SQS delivers it again after the visibility timeout.
    Retry,
    /// This was its last receive, and only other events were in its way: send a copy to the queue with a receive
    /// count of zero. Each conflict is another event's success, so this ends.
    Requeue,
    /// This was its last receive: record the reason as `dead`, then leave the message to the redrive policy.
    DeadLetter,
}

/// `receive_count` includes this receive; `max_receive_count` is the redrive policy's.
pub fn after_failure(receive_count: u32, max_receive_count: u32, contended: bool) -> AfterFailure {
    match (receive_count < max_receive_count, contended) {
        (true, _) => AfterFailure::Retry,
        (false, true) => AfterFailure::Requeue,
        (false, false) => AfterFailure::DeadLetter,
    }
}

/// What happens after an event was recorded as dead-lettered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterDeadLetter {
    /// The message goes to the dead-letter queue. If the record failed, only the reason is missing.
    Dead,
    /// Its effect exists, although this receive failed: a response was lost. Finish the work that its record names.
    Finish(RecordedEffect),
    /// Its effect exists, and what is left failed just now: the dead-letter queue keeps the message, so that a redrive
    /// finishes it.
    Undelivered,
}

/// `recorded`: `None` if there was no response. `is_unsent`: the failure was to send what the effect promises.
pub fn after_dead_letter(recorded: Option<DeadLettered>, is_unsent: bool) -> AfterDeadLetter {
    match recorded {
        None | Some(DeadLettered::Yes) => AfterDeadLetter::Dead,
        Some(DeadLettered::Processed(_)) if is_unsent => AfterDeadLetter::Undelivered,
        Some(DeadLettered::Processed(effect)) => AfterDeadLetter::Finish(effect),
    }
}

/// Whether the event's claim may have been deleted, so that a second effect couldn't be detected.
pub fn past_horizon(received: Timestamp, now: Timestamp) -> bool {
    now.since(received) > MAX_EVENT_AGE
}

/// The upper bound of the pause before a conflict is retried. It doubles each time.
pub fn conflict_pause(base: Duration, conflicts: u32) -> Duration {
    base.saturating_mul(1 << conflicts.min(6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_event_is_sent_again_unless_sqs_acknowledged_it() {
        let existing = |state| Recorded::Existing { state, received: None, body: Body::Same, is_kept: false };
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
    fn only_a_sure_claim_that_waits_keeps_its_event() {
        let existing = |state, is_kept| Recorded::Existing { state, received: None, body: Body::Same, is_kept };
        assert!(is_kept(&Recorded::New, true) && !is_kept(&Recorded::New, false));
        for &state in ClaimState::ALL {
            assert_eq!(is_kept(&existing(state, true), true), state == ClaimState::Received, "{state}");
            assert!(!is_kept(&existing(state, false), true), "{state}: the first delivery kept nothing");
        }
        assert!(!is_kept(&Recorded::Unknown, true) && !is_kept(&Recorded::Contended, true));
    }

    #[test]
    fn another_body_under_the_same_id_is_counted_and_not_refused() {
        for &state in ClaimState::ALL {
            let decide = |body| after_record(&Recorded::Existing { state, received: None, body, is_kept: false });
            let other = Body::Other { first: Sha256Hex::of(b"first"), is_news: true };
            assert_eq!(decide(Body::Same), decide(other));
        }
    }

    #[test]
    fn each_other_body_is_recorded_once_while_there_is_room() {
        let hash = |n: usize| Sha256Hex::of(&n.to_be_bytes());
        let first = || Some(hash(0).as_str().to_owned());
        let others: Vec<String> = (1..=MAX_OTHER_BODIES).map(|n| hash(n).as_str().to_owned()).collect();
        let other = |is_news| Body::Other { first: hash(0), is_news };
        assert_eq!(Body::compare(&hash(0), first(), &others), Body::Same);
        assert_eq!(Body::compare(&hash(0), None, &[]), Body::Same, "the claim has no body to compare with");
        assert_eq!(Body::compare(&hash(1), first(), &[]), other(true));
        assert_eq!(Body::compare(&hash(1), first(), &others[..1]), other(false));
        assert_eq!(Body::compare(&hash(9), first(), &others[1..]), other(true));
        assert_eq!(Body::compare(&hash(9), first(), &others), other(false), "no room");
    }

    #[test]
    fn only_the_marker_means_done_before() {
        let effect = RecordedEffect { conversation: Some("ann".into()), links: Some(vec!["customer:c1".into()]) };
        assert_eq!(after_commit(Committed::Before(effect.clone()), 99, 99), AfterCommit::Finish(effect));
        assert_eq!(after_commit(Committed::Unknown("throttled".into()), 0, 0), AfterCommit::Unknown("throttled".into()));
    }

    #[test]
    fn retries_are_bounded_on_both_sides() {
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
    fn only_the_last_receive_dead_letters() {
        assert_eq!(after_failure(4, 5, false), AfterFailure::Retry);
        assert_eq!(after_failure(5, 5, false), AfterFailure::DeadLetter);
        assert_eq!(after_failure(6, 5, false), AfterFailure::DeadLetter);
    }

    #[test]
    fn the_event_that_is_not_durable_decides_the_reply_and_the_marks() {
        assert_eq!(Durability::of([]), Durability::Duplicate);
        assert_eq!(Durability::of([true, true]), Durability::Queued);
        assert_eq!(Durability::of([true, false, true]), Durability::NotDurable);
        assert!(Durability::NotDurable.marks(false) && Durability::Queued.marks(true) && !Durability::Queued.marks(false));
    }

    #[test]
    fn a_claim_is_read_first_where_its_effect_may_exist() {
        assert!(!reads_claim_first(1, false) && reads_claim_first(1, true) && reads_claim_first(2, false));
        let effect = |conversation: Option<&str>, links| RecordedEffect { conversation: conversation.map(str::to_owned), links };
        assert!(effect(Some("ann"), Some(Vec::new())).is_complete() && effect(None, None).is_complete());
        assert!(!effect(Some("ann"), None).is_complete(), "the previous version's");
    }

    #[test]
    fn an_identity_is_moved_only_to_the_recorded_conversation() {
        let effect = |conversation: Option<&str>| RecordedEffect { conversation: conversation.map(str::to_owned), links: None };
        assert!(effect(Some("ann")).moves(Some("ann")) && !effect(Some("ann")).moves(Some("bob")));
        assert!(!effect(Some("ann")).moves(None) && !effect(None).moves(Some("ann")) && !effect(None).moves(None), "erased");
    }

    #[test]
    fn an_effect_that_exists_is_finished_unless_that_failed_just_now() {
        let processed = || Some(DeadLettered::Processed(RecordedEffect::default()));
        assert_eq!(after_dead_letter(None, false), AfterDeadLetter::Dead);
        assert_eq!(after_dead_letter(Some(DeadLettered::Yes), false), AfterDeadLetter::Dead);
        assert_eq!(after_dead_letter(processed(), false), AfterDeadLetter::Finish(RecordedEffect::default()));
        assert_eq!(after_dead_letter(processed(), true), AfterDeadLetter::Undelivered);
    }

    #[test]
    fn contention_never_dead_letters() {
        assert_eq!(after_failure(4, 5, true), AfterFailure::Retry);
        assert_eq!(after_failure(5, 5, true), AfterFailure::Requeue);
    }

    #[test]
    fn an_event_expires_as_soon_as_its_claim_may_be_deleted() {
        let received = Timestamp::from_unix_ms(0);
        assert!(!past_horizon(received, received.plus(MAX_EVENT_AGE)));
        assert!(past_horizon(received, received.plus(MAX_EVENT_AGE + Duration::from_millis(1))));
        assert!(!past_horizon(received.plus(MAX_EVENT_AGE), received), "a clock behind the receiver's expires no event");
    }
}
