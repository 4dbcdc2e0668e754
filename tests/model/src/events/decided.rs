//! The way to the deployed decisions: translates the model's small values to theirs.

use super::state::{Claim, Effect};
use processor::failure::{Failure, FailureKind, Stage};
use receiver::reply::Reply;
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_config::limits::{CLAIM_LIFETIME, MAX_EVENT_AGE};
use tidings_config::time::Timestamp;
use tidings_core::claim::decide::{
    AfterCommit, AfterDeadLetter, AfterFailure, AfterRecord, Body, Committed, Durability, Recorded, RecordedEffect, after_commit,
    after_dead_letter, after_failure, after_record, past_horizon,
};
use tidings_core::claim::{ClaimKey, Outcome, TimelineKey};
use tidings_core::commit_plan::{CommitPlan, Merging};
use tidings_core::context::{Content, Facts, Item, ItemKey, Linked, Outbox, Outgoing, Place, Waiting};
use tidings_core::ports::{Commit, DeadLettered, Unavailable};

/// The time that has passed, by [`super::state::State::age`]: nothing; longer than an event may wait; longer than a claim.
pub const AGES: [Duration; 3] = [Duration::ZERO, hours(MAX_EVENT_AGE, 13), hours(CLAIM_LIFETIME, 1)];

const fn hours(time: Duration, more: u64) -> Duration {
    Duration::from_secs(time.as_secs() + more * 3_600)
}

/// What an event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// No rule matches it.
    Noted,
    /// It sets facts.
    Facts,
    /// It counts, and causes an action.
    Action,
    /// It links the identity to the conversation.
    Link,
    /// It counts for the identity.
    OfIdentity,
}

/// The recorded claim → the receiver's next step. `None`: the put's result isn't known.
pub fn recorded(claim: Option<Claim>) -> Recorded {
    claim.map_or(Recorded::New, |claim| Recorded::Existing {
        state: claim.state,
        received: None,
        body: Body::Same,
        is_kept: false,
    })
}

pub fn enqueue(recorded: &Recorded) -> Option<bool> {
    match after_record(recorded) {
        AfterRecord::Enqueue { mark } => Some(mark),
        AfterRecord::Duplicate => None,
    }
}

/// Whether acknowledged events are marked, and whether the reply is a 2xx. `answers`: SQS's, for each event that was sent.
pub fn reply(answers: impl IntoIterator<Item = bool>) -> (bool, bool) {
    let durability = Durability::of(answers);
    let reply = match durability {
        Durability::Duplicate => Reply::Duplicate,
        Durability::Queued => Reply::Accepted,
        Durability::NotDurable => Reply::NotDurable,
    };
    (durability.marks(false), reply.status().is_success())
}

/// Whether a forged request gets a 2xx.
pub fn forged_reply() -> bool {
    Reply::Unauthentic.status().is_success()
}

fn name(partition: u8) -> String {
    ["ann", "customer:c1", "bob"][usize::from(partition)].to_owned()
}

pub fn record(effect: Effect) -> RecordedEffect {
    let links = if effect.links { vec![name(super::state::IDENTITY)] } else { Vec::new() };
    RecordedEffect { conversation: effect.conversation.map(name), links: Some(links) }
}

/// Whether a recorded effect is enough to finish without a plan.
pub fn is_complete(effect: Effect) -> bool {
    record(effect).is_complete()
}

/// Whether the identity's items are this effect's to move.
pub fn moves(effect: Effect, link: Option<u8>) -> bool {
    record(effect).moves(link.map(name).as_deref())
}

/// Whether the identity is linked, given its present link.
pub fn links(to: u8, its_link: Option<u8>, link: Option<u8>) -> bool {
    let (its_link, link) = (its_link.map(name), link.map(name));
    Linked::of(&name(to), its_link.as_deref(), &name(super::state::IDENTITY), link.as_deref()) == Linked::Make
}

pub fn is_unsent(sequence: u8, sent: Option<u8>) -> bool {
    let what = Outgoing::Timer { due: Timestamp::from_unix_ms(0), message: String::new() };
    Waiting { sequence: sequence.into(), what }.is_unsent(sent.map(u64::from))
}

/// The result of a write, and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Yes,
    Before(Effect),
    Moved,
    Conflict,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Done,
    Finish(Effect),
    Again,
    Contended,
    Unknown,
}

pub fn after_write(written: Written, reloads: u8, conflicts: u8) -> Next {
    let (committed, effect) = match written {
        Written::Yes => (Committed::Yes, None),
        Written::Before(effect) => (Committed::Before(record(effect)), Some(effect)),
        Written::Moved => (Committed::ContextMoved, None),
        Written::Conflict => (Committed::Contended, None),
        Written::Unknown => (Committed::Unknown(String::new()), None),
    };
    match after_commit(committed, reloads.into(), conflicts.into()) {
        AfterCommit::Done => Next::Done,
        AfterCommit::Finish(_) => Next::Finish(effect.unwrap_or_default()),
        AfterCommit::Retry { .. } => Next::Again,
        AfterCommit::Contended => Next::Contended,
        AfterCommit::Unknown(_) => Next::Unknown,
    }
}

pub fn settle(receives: u8, max_receives: u8, contended: bool) -> AfterFailure {
    after_failure(receives.into(), max_receives.into(), contended)
}

/// `recorded`: `None` without an answer; else the effect of a claim that is processed.
pub fn buried(recorded: Option<Option<Effect>>, unsent: bool) -> AfterDeadLetter {
    let recorded = recorded.map(|effect| effect.map_or(DeadLettered::Yes, |effect| DeadLettered::Processed(record(effect))));
    after_dead_letter(recorded, unsent)
}

/// How a failure of the tables, or of a queue after the commit, is settled: whether it is contended, and unsent.
pub fn failure(contended: bool, in_delivery: bool) -> (bool, bool) {
    let unavailable = || Unavailable { call: "", cause: String::new() };
    let failure = match (contended, in_delivery) {
        (true, false) => FailureKind::Contended.at(Stage::Commit),
        (true, true) => FailureKind::Contended.at(Stage::Deliver),
        (false, false) => Failure::unavailable(unavailable()),
        (false, true) => Failure::unsent(unavailable()),
    };
    (matches!(failure.kind, FailureKind::Contended), failure.is_unsent())
}

/// Whether a message is too old. Both ages are true times; each side reads its own clock.
pub fn is_past_horizon(received: u8, now: u8, (receiver, processor): (i8, i8)) -> bool {
    let at = |age: u8, skew: i8| {
        let begin = Timestamp::from_unix_ms(1_795_000_000_000 + i64::from(skew) * 3_600_000);
        begin.plus(AGES[usize::from(age)])
    };
    past_horizon(at(received, receiver), at(now, processor))
}

/// The writes of an event of this kind that changes something.
pub fn commit_plan(kind: Kind) -> CommitPlan {
    let time = Timestamp::from_unix_ms(0);
    let key = ClaimKey::new("stripe", "evt_1");
    let facts = || (Place::new("ann", ItemKey::Entity("order/1".to_owned())), Item::new(Content::Facts(Facts::new())));
    let outbox = || (Place::new("ann", ItemKey::Outbox), Item::new(Content::Outbox(Outbox::default())));
    let (items, merging): (BTreeMap<_, _>, _) = match kind {
        Kind::Noted => (BTreeMap::new(), Merging::Once),
        Kind::Facts => ([facts()].into(), Merging::Repeatable),
        Kind::Action => ([facts(), outbox()].into(), Merging::Once),
        Kind::Link | Kind::OfIdentity => ([facts()].into(), Merging::Once),
    };
    CommitPlan::of(&Commit {
        occurred: TimelineKey::new(time, &key),
        key,
        source: String::new(),
        event_id: String::new(),
        event_type: String::new(),
        subject: None,
        received: time,
        processed: time,
        conversation: "ann".to_owned(),
        outcome: Outcome::Applied,
        rules: Vec::new(),
        node: None,
        overtaken: Vec::new(),
        off_schema: None,
        actions: Vec::new(),
        trace_id: None,
        joins: Vec::new(),
        manual: None,
        event: None,
        result: None,
        links: if kind == Kind::Link { vec!["customer:c1".to_owned()] } else { Vec::new() },
        items,
        deletes: BTreeMap::new(),
        absent: (kind == Kind::OfIdentity).then(|| Place::new("customer:c1", ItemKey::Link)),
        merging,
    })
}
