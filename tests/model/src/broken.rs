//! The protocol with one protection taken away.

/// Which protection is missing. The checker must find what follows from each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// A claim is put without the condition that none exists.
    ClaimWithoutCondition,
    /// A known claim that is only `received` is answered as a duplicate.
    ReceivedIsDuplicate,
    /// A put without an answer is taken for a known event.
    UnknownClaimIsDuplicate,
    /// The claim is marked `enqueued` before the queue has answered.
    MarkBeforeSend,
    /// Every claim of a delivery is marked, also that of an event which the queue didn't take.
    MarkUnsent,
    /// The mark has no condition on the claim's state.
    MarkWithoutCondition,
    /// A send without an answer is taken for a success.
    UnknownSendIsSent,
    /// A delivery is acknowledged if one of its events is queued.
    OneQueuedIsEnough,
    /// The transaction has no condition on the claim.
    CommitWithoutMarker,
    /// The transaction has no condition on the version that was read.
    CommitWithoutVersion,
    /// A counter is written before its claim, as if it could be merged again.
    CounterBeforeClaim,
    /// The action is sent before the commit.
    SendBeforeCommit,
    /// The message is deleted before the commit.
    DeleteBeforeCommit,
    /// A commit without an answer is taken for a success.
    UnknownCommitIsDone,
    /// A message that failed isn't in the list of failed ones, so it is deleted.
    FailureNotReported,
    /// What is left after a commit is forgotten: a known effect ends the message.
    RecoveryForgets,
    /// What is left after a commit is planned again by the rules of now.
    RecoveryPlansAgain,
    /// The outbox is emptied before its actions are sent.
    EmptyBeforeSend,
    /// Contention on the last receive is dead-lettered like a failure.
    ContentionIsDead,
    /// A contended message is deleted before its copy is sent.
    RequeueDeletesFirst,
    /// The reason is recorded without the condition that the event isn't processed.
    DeadWithoutCondition,
    /// A message whose last receive failed is deleted instead of left to the redrive policy.
    DeadIsDeleted,
    /// An event is applied however old it is.
    NoHorizon,
    /// A claim is deleted before its event is too old to be applied.
    ShortLivedClaims,
}

impl Broken {
    pub const ALL: [Self; 24] = [
        Self::ClaimWithoutCondition,
        Self::ReceivedIsDuplicate,
        Self::UnknownClaimIsDuplicate,
        Self::MarkBeforeSend,
        Self::MarkUnsent,
        Self::MarkWithoutCondition,
        Self::UnknownSendIsSent,
        Self::OneQueuedIsEnough,
        Self::CommitWithoutMarker,
        Self::CommitWithoutVersion,
        Self::CounterBeforeClaim,
        Self::SendBeforeCommit,
        Self::DeleteBeforeCommit,
        Self::UnknownCommitIsDone,
        Self::FailureNotReported,
        Self::RecoveryForgets,
        Self::RecoveryPlansAgain,
        Self::EmptyBeforeSend,
        Self::ContentionIsDead,
        Self::RequeueDeletesFirst,
        Self::DeadWithoutCondition,
        Self::DeadIsDeleted,
        Self::NoHorizon,
        Self::ShortLivedClaims,
    ];
}
