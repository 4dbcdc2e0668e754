//! Protections that can be taken away, to show that the checks can fail.

/// What the fault layer does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A commit doesn't look whether its event is processed.
    ClaimWithoutCondition,
    /// A write doesn't look whether an item changed since it was read.
    ItemsWithoutVersions,
    /// A commit whose outcome isn't known counts as done.
    UnknownIsDone,
    /// The events queue acknowledges a batch of which it lost a message.
    QueueDrops,
    /// A refused batch counts as acknowledged.
    RefusedIsAcknowledged,
    /// The actions queue acknowledges an action that it lost.
    ActionsDropped,
    /// The actions queue takes every copy.
    ActionsTwice,
    /// What a processor returned to the queue is deleted.
    FailedIsDeleted,
    /// A timer is acknowledged and lost.
    TimersDropped,
    /// A claim is deleted long before its time.
    ClaimsExpireEarly,
    /// An erasure leaves no claims.
    ErasureForgets,
    /// A stranger has a source's secret.
    ForgerHasSecret,
    /// The record of a send is written whatever is stored.
    SendsWithoutVersions,
    /// A request to a channel whose answer is lost counts as never sent.
    LostIsUnsent,
}

impl Broken {
    pub const ALL: &'static [Self] = &[
        Self::ClaimWithoutCondition,
        Self::ItemsWithoutVersions,
        Self::UnknownIsDone,
        Self::QueueDrops,
        Self::RefusedIsAcknowledged,
        Self::ActionsDropped,
        Self::ActionsTwice,
        Self::FailedIsDeleted,
        Self::TimersDropped,
        Self::ClaimsExpireEarly,
        Self::ErasureForgets,
        Self::ForgerHasSecret,
        Self::SendsWithoutVersions,
        Self::LostIsUnsent,
    ];
}
