//! Chooses the writes of a commit: the cheapest ones with the same result as one transaction. Pure, so that the tests
//! that prove the choice run the code that production runs.
//!
//! A write inside a transaction costs twice as much as the same write alone. Facts that are decided by the order of
//! events (registers, ladders, sets) can be merged again without a change. So their item may be written before the
//! claim: if the processor stops between the two writes, the next receive finds the facts, and writes the claim.
//! Everything else is written together with the claim.

use crate::context::Content;
use crate::ports::Commit;

/// Whether a repetition of a commit's merge changes the items again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merging {
    /// Another receive of the same event merges the same facts into the same item, and changes nothing.
    Repeatable,
    /// It must be merged once: a counter, or an effect that another receive may plan differently.
    Once,
}

/// The writes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitPlan {
    /// No item changes: the claim alone, by one conditional update.
    ClaimOnly,
    /// First the item with the facts, guarded by its version; then the claim, guarded by its state. A processor that
    /// stops between the two leaves an event with its facts and without its claim, and the next receive adds the
    /// claim.
    FactsThenClaim,
    /// All of it, or nothing.
    Transaction,
}

impl CommitPlan {
    /// | commit | plan |
    /// |---|---|
    /// | changes no item | the claim alone |
    /// | changes one item of facts in its conversation, by a merge that is repeatable; nothing else follows from it | facts, then claim |
    /// | any other | transaction |
    pub fn of(commit: &Commit) -> Self {
        let again = commit.manual.as_ref().is_some_and(|manual| manual.again.is_some());
        if commit.items.is_empty() && commit.deletes.is_empty() && !again {
            return Self::ClaimOnly;
        }
        let mut items = commit.items.iter();
        let only_facts = match (items.next(), items.next()) {
            (Some((place, item)), None) => match item.content {
                Content::Facts(_) => place.partition == commit.conversation,
                Content::Deferred(_)
                | Content::Deliveries(_)
                | Content::Feed(_)
                | Content::FeedPage(_)
                | Content::Join(_)
                | Content::Link(_)
                | Content::Outbox(_)
                | Content::OutboxPage(_)
                | Content::Reminder(_)
                | Content::Turn(_) => false,
            },
            (Some(_) | None, _) => false,
        };
        // What the claim promises beside the facts: actions to send, identities to move, joins to erase.
        let promises = [commit.actions.len(), commit.joins.len(), commit.links.len(), commit.deletes.len()];
        let nothing_else = promises.iter().all(|n| *n == 0) && commit.manual.is_none() && commit.absent.is_none();
        match commit.merging {
            Merging::Repeatable if only_facts && nothing_else => Self::FactsThenClaim,
            Merging::Repeatable | Merging::Once => Self::Transaction,
        }
    }
}
