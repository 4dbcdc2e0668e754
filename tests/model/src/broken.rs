//! Protections that can be taken away, one at a time. Mistakes that were made once are among them.

/// A protection that is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    // The receiver.
    /// The claim is put without its condition.
    ClaimWithoutCondition,
    /// A claim that is `received` counts as a duplicate.
    ReceivedIsDuplicate,
    /// A claim that is `dead` counts as a duplicate.
    DeadIsDuplicate,
    /// The claim is marked `enqueued` before SQS answers.
    MarkBeforeAnswer,
    /// The mark has no condition on the state.
    MarkAnyState,
    /// A send without an answer counts as acknowledged.
    LostSendIsSuccess,
    /// One acknowledged event of a batch acknowledges all of them.
    PartIsWhole,
    /// The reply is sent before the events are queued.
    ReplyBeforeQueue,
    /// A forged request is processed as an authentic one.
    ForgedIsAccepted,
    // The commit.
    /// The effect is written first, and the claim by a write of its own.
    CommitWithoutClaim,
    /// The claim in the transaction has no condition on its state.
    CommitWithoutCondition,
    /// A missing claim counts as processed.
    MissingClaimIsProcessed,
    /// Items are written without the versions that were read.
    CommitWithoutVersions,
    /// A commit without an answer counts as written.
    UnknownIsDone,
    /// The claim is written before the facts.
    ClaimBeforeFacts,
    /// Facts are merged without a read of the claim.
    FactsWithoutClaim,
    /// An identity's items are written although a link exists.
    IdentityWithoutAbsence,
    // The end of a message.
    /// The message is deleted before its commit.
    DeleteBeforeCommit,
    /// A message is deleted on its last receive, instead of left to the redrive policy.
    DeleteOnLastReceive,
    /// A dead-lettered message has no record of its reason.
    DeadWithoutReason,
    /// The record of a dead-lettered event replaces one that is processed.
    DeadReplacesProcessed,
    /// The message is deleted before its copy is sent.
    DeleteBeforeCopy,
    /// An event of any age is applied.
    NoHorizon,
    // What a commit promises.
    /// A message whose effect exists is deleted without finishing it.
    FinishIsNothing,
    /// Recovery plans again, by the rules of today.
    RecoveryPlansAgain,
    /// An outbox is emptied before its actions are sent.
    EmptyBeforeSend,
    /// Waiting actions aren't sent before a new effect.
    OwnActionsOnly,
    /// Actions are sent before the commit.
    SendBeforeCommit,
    /// An identity's items are moved without their versions.
    MoveWithoutVersions,
    /// An identity's items are copied first, and deleted by another write.
    MoveByTwoWrites,
    /// An erasure deletes the claims.
    EraseClaims,
    /// An erasure leaves the conversation's name in the claims, and its outbox in place.
    EraseFactsOnly,
    // The sender.
    /// The send is recorded after the request.
    RequestBeforeRecord,
    /// The record is written without the version that was seen.
    RecordWithoutVersion,
    /// A send that is under way is taken over at once.
    NoLease,
    /// A send whose answer is lost is sent again, without a key.
    RepeatUncertain,
    /// Each try has an idempotency key of its own.
    KeyForEachTry,
    /// A send is repeated although the provider has forgotten its key.
    RepeatAfterForgotten,
    /// What waits doesn't hold what is behind it.
    WaitingHoldsNothing,
    /// A send that is over is deleted from the queue before the dead-letter queue has it.
    DeleteBeforeDeadLetter,
    /// A refused send gets a new key, although an earlier try may have been sent.
    RefusedAfterUncertain,
    /// An answer that isn't known counts as sent.
    LostRequestIsSent,
}
