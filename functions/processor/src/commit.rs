//! Read → apply → write, repeated until the result is final. Then its promises are kept: actions are sent, and
//! identities move. [`CommitPlan`] chooses the writes, [`tidings_core::claim::decide`] interprets each result; this
//! module carries them out.
//!
//! Actions that wait in the conversation's outbox are sent before a new event is applied. If sending fails, the event
//! has its effect nevertheless, and its message stays until all actions are sent.
//!
//! A message with an existing effect is finished from its claim's record ([`finish`]), never from a new plan.
//!
//! Where they are on, what it says of a message is recorded, and an event is published after that, by each receive that finds its effect committed: the last one deletes its
//! message, so it is published at least once.

use crate::adopt::adopt;
use crate::deliver::{deliver, flush};
use crate::event::Readiness;
use crate::failure::{Failure, FailureKind, Stage};
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::processor::Processor;
use crate::publish;
use crate::tries::{Next, Tries};
use crate::view::load;
use crate::{event, join, message_status, notification, reminder, timer, turn};
use std::collections::BTreeMap;
use tidings_core::action::ActionNote;
use tidings_core::claim::Outcome;
use tidings_core::claim::decide::{Committed, RecordedEffect};
use tidings_core::commit_plan::CommitPlan;
use tidings_core::context::{Content, Item, ItemKey, Place};
use tidings_core::envelope::Envelope;
use tidings_core::ports::{Commit, Rewrite, Unavailable};
use tidings_core::stored_event::StoredEvent;

/// Whether a message's effect is in the context, and which receive committed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Now(Outcome),
    Before,
}

/// The result of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Done {
    /// `None`: there was nothing to do, or it isn't due yet.
    pub effect: Option<Effect>,
    /// An [`Outcome`], or the reason why there is none.
    pub outcome: &'static str,
    pub conversation: String,
    pub rules: Vec<String>,
    pub actions: Vec<ActionNote>,
}

/// Commits the plan once. `silent`: the failure that kept an earlier record of the batch from sending; this record
/// then doesn't wait for it again.
pub async fn commit(
    processor: &Processor,
    envelope: &Envelope,
    trace_id: Option<&str>,
    plan: &Plan,
    mut silent: Option<Failure>,
) -> Result<Done, Failure> {
    let mut tries = Tries::default();
    loop {
        let now = processor.clock.now();
        let prepared = match plan {
            Plan::Event(plan) => match event::prepare(processor, envelope, plan, now, &mut silent).await? {
                Readiness::Prepared(prepared) => *prepared,
                Readiness::Before(effect) => {
                    return finish_planned(processor, envelope, effect, plan.links.clone()).await;
                }
            },
            Plan::Action { conversation, proposal } => {
                notification::prepare_delayed(processor, envelope, conversation, proposal, now, &mut silent).await?
            }
            Plan::Wake { conversation, fired } => {
                match notification::prepare_timer(processor, envelope, conversation, *fired, now, &mut silent).await? {
                    Some(prepared) => prepared,
                    None => return Ok(nothing("settled")),
                }
            }
            Plan::Join { index, timer } => match join::prepare(processor, envelope, *index, timer, now, &mut silent).await? {
                Ok(prepared) => prepared,
                Err(outcome) => return Ok(nothing(outcome)),
            },
            Plan::Turn(timer) => match turn::prepare(processor, envelope, timer, now, &mut silent).await? {
                Ok(prepared) => prepared,
                Err(outcome) => return Ok(nothing(outcome)),
            },
            Plan::Reminder(timer) => match reminder::prepare(processor, envelope, timer, now, &mut silent).await? {
                Ok(prepared) => prepared,
                Err(outcome) => return Ok(nothing(outcome)),
            },
            Plan::NotYet { due, what } => return timer::reschedule(processor, envelope, *due, what, now).await.map(nothing),
            Plan::Forgotten => return Ok(nothing("forgotten")),
        };
        let commit = prepared.commit(envelope, trace_id, kept(processor, envelope, plan), now);
        let (call, committed) = write(processor, commit).await;
        match tries.after(committed).await {
            Next::Done => {
                prepared.count(envelope);
                let done = keep_promises(processor, prepared).await?;
                message_status::record(processor, envelope).await?;
                publish::event(processor, envelope, &done.conversation).await?;
                return Ok(done);
            }
            Next::Finish(effect) => return finish_planned(processor, envelope, effect, plan.links().to_vec()).await,
            Next::Again => {}
            Next::Contended => return Err(FailureKind::Contended.at(Stage::Commit)),
            Next::Unknown(cause) => {
                return Err(Failure::unavailable(Unavailable { call, cause }));
            }
        }
    }
}

/// Makes the writes of a commit. The call that the result is of, and the result.
async fn write(processor: &Processor, mut commit: Commit) -> (&'static str, Committed) {
    const CLAIM: &str = "dynamodb:UpdateItem";
    match CommitPlan::of(&commit) {
        CommitPlan::Transaction => ("dynamodb:TransactWriteItems", processor.store.commit(&commit).await),
        CommitPlan::ClaimOnly => (CLAIM, processor.store.commit(&commit).await),
        CommitPlan::FactsThenClaim => {
            let puts = std::mem::take(&mut commit.items);
            let facts = Rewrite { puts, deletes: BTreeMap::new(), at: commit.processed };
            match processor.store.rewrite(&facts).await {
                Committed::Yes => (CLAIM, processor.store.commit(&commit).await),
                // The facts aren't written, or it isn't known: nothing is claimed.
                other @ (Committed::Before(_) | Committed::ContextMoved | Committed::Contended | Committed::Unknown(_)) => {
                    ("dynamodb:PutItem", other)
                }
            }
        }
    }
}

/// Finishes an effect that another receive committed. The previous version recorded no links, so for its claims they
/// come from this plan.
async fn finish_planned(
    processor: &Processor,
    envelope: &Envelope,
    effect: RecordedEffect,
    links: Vec<String>,
) -> Result<Done, Failure> {
    let links = effect.links.or(Some(links));
    finish(processor, Some(envelope), &RecordedEffect { links, ..effect }).await
}

/// Finishes a committed effect. Its claim names the conversation and the links, and the stored items show what isn't
/// done. After an erasure the claim names no conversation, and nothing is left to do. `envelope`: the event, if its message can
/// be decoded.
pub async fn finish(processor: &Processor, envelope: Option<&Envelope>, effect: &RecordedEffect) -> Result<Done, Failure> {
    if let Some(conversation) = &effect.conversation {
        let links = effect.links.iter().flatten().map(|identity| Place::new(identity.clone(), ItemKey::Link)).collect();
        let links = load(processor, links).await.map_err(Failure::in_delivery)?;
        for (place, item) in links {
            if matches!(&item.content, Content::Link(link) if effect.moves(Some(&link.conversation))) {
                adopt(processor, &place.partition, conversation).await?;
            }
        }
        flush(processor, conversation).await?;
        if let Some(envelope) = envelope {
            message_status::record(processor, envelope).await?;
            publish::event(processor, envelope, conversation).await?;
        }
    }
    let conversation = effect.conversation.clone().unwrap_or_default();
    Ok(Done { effect: Some(Effect::Before), outcome: "duplicate", conversation, rules: Vec::new(), actions: Vec::new() })
}

/// The event to store with its claim. Timers aren't stored: a replay of the original events causes them again.
fn kept(processor: &Processor, envelope: &Envelope, plan: &Plan) -> Option<StoredEvent> {
    match plan {
        Plan::Event(_) if processor.keeps_events => StoredEvent::of(envelope),
        Plan::Event(_)
        | Plan::Action { .. }
        | Plan::Join { .. }
        | Plan::Reminder(_)
        | Plan::Turn(_)
        | Plan::Wake { .. }
        | Plan::NotYet { .. }
        | Plan::Forgotten => None,
    }
}

fn nothing(outcome: &'static str) -> Done {
    Done { effect: None, outcome, conversation: String::new(), rules: Vec::new(), actions: Vec::new() }
}

/// Keeps the transaction's promises: sends its outbox, and moves the identities that it linked.
async fn keep_promises(processor: &Processor, prepared: Prepared) -> Result<Done, Failure> {
    let Prepared { view, applied, rules, unsent, .. } = prepared;
    if let Some(unsent) = unsent {
        return Err(unsent);
    }
    // An identity's facts come first, since a join that the event completes may use them.
    for identity in &applied.links {
        adopt(processor, identity, &view.partition).await?;
    }
    if applied.links.is_empty() {
        let (version, outbox) = match applied.items.get(&view.place(ItemKey::Outbox)) {
            Some(Item { version, content: Content::Outbox(outbox) }) => (Some(version.unwrap_or(0) + 1), outbox.clone()),
            Some(_) | None => view.outbox(),
        };
        deliver(processor, &view.partition, version, outbox).await?;
    } else {
        flush(processor, &view.partition).await?;
    }
    Ok(Done {
        effect: Some(Effect::Now(applied.outcome)),
        outcome: applied.outcome.as_str(),
        conversation: view.partition,
        rules,
        actions: applied.notes(),
    })
}
