//! read → apply → one transaction, until an answer ends it; then what the transaction has promised: identities move, actions
//! are sent. What an answer means is decided in [`tidings_core::claim::decide`]; here it is done.
//!
//! Whoever finds the effect there already does what comes after it again: the message isn't deleted until that is done, so a
//! death in between costs nothing.

use crate::Processor;
use crate::apply::{self, Applied, Ending, Moment, View, keys_of, keys_of_action, occurred};
use crate::deliver::{adopt, deliver, hop};
use crate::failure::Failure;
use crate::plan::{EventPlan, Plan};
use std::collections::{BTreeMap, BTreeSet};
use tidings_core::action::{Proposal, Withheld};
use tidings_core::claim::Outcome;
use tidings_core::claim::decide::{AfterCommit, Committed, after_commit, conflict_pause};
use tidings_core::context::{Branch, Content, Item, ItemKey, Order, Owner, Place, Taken, Terms, is_late, join_partition};
use tidings_core::due::Due;
use tidings_core::envelope::Envelope;
use tidings_core::kept::KeptEvent;
use tidings_core::limits::{CONFLICT_PAUSE, JOIN_GRACE, MAX_JOIN_POSTPONED};
use tidings_core::ports::Commit;
use tidings_core::telemetry::Metric;
use tidings_core::time::Timestamp;

/// Whether a message's effect is in the context, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Now(Outcome),
    Before,
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// `None`: there was nothing to do, or not yet.
    pub effect: Option<Effect>,
    /// An [`Outcome`], or why there is none.
    pub outcome: &'static str,
    pub conversation: String,
    pub rules: Vec<String>,
    pub actions: Vec<String>,
}

/// What is to be written for a message, and what it is called.
struct Prepared {
    view: View,
    applied: Applied,
    event_type: String,
    time: Timestamp,
    rules: Vec<String>,
    off_schema: Option<String>,
}

/// Makes the plan true, once.
pub async fn commit(processor: &Processor, envelope: &Envelope, trace_id: Option<&str>, plan: &Plan) -> Result<Done, Failure> {
    let (mut reloads, mut conflicts) = (0, 0);
    loop {
        let now = processor.clock.now();
        let prepared = match plan {
            Plan::Event(plan) => event(processor, envelope, plan, now).await?,
            Plan::Action { conversation, proposal } => action(processor, envelope, conversation, proposal, now).await?,
            Plan::Join { index, key } => match join(processor, envelope, *index, key, now).await? {
                Ok(prepared) => prepared,
                Err(outcome) => return Ok(nothing(outcome)),
            },
            Plan::NotYet { due, what } => return not_yet(processor, envelope, *due, what, now).await,
            Plan::Forgotten => return Ok(nothing("forgotten")),
        };
        let commit = prepared.commit(envelope, trace_id, kept(processor, envelope, plan), now);
        let committed = processor.store.commit(&commit).await;
        match after_commit(committed, reloads, conflicts) {
            AfterCommit::Done { duplicate } => {
                if !duplicate {
                    prepared.count(envelope);
                }
                after(processor, plan, &prepared, duplicate).await?;
                return Ok(prepared.done(duplicate));
            }
            AfterCommit::Reload => {
                Metric::Conflicts.measure(1);
                reloads += 1;
            }
            AfterCommit::Pause => {
                Metric::Conflicts.measure(1);
                tokio::time::sleep(conflict_pause(CONFLICT_PAUSE, conflicts).mul_f64(fastrand::f64())).await;
                conflicts += 1;
            }
            AfterCommit::GiveBack if committed == Committed::Unknown => {
                return Err(Failure::Unavailable("dynamodb:TransactWriteItems".to_owned()));
            }
            AfterCommit::GiveBack => return Err(Failure::Contended),
        }
    }
}

/// What is kept of it with its claim. What is due comes anew when the events are played again that it is due to.
fn kept(processor: &Processor, envelope: &Envelope, plan: &Plan) -> Option<KeptEvent> {
    match plan {
        Plan::Event(_) if processor.keeps_events => KeptEvent::of(envelope),
        Plan::Event(_) | Plan::Action { .. } | Plan::Join { .. } | Plan::NotYet { .. } | Plan::Forgotten => None,
    }
}

fn nothing(outcome: &'static str) -> Done {
    Done { effect: None, outcome, conversation: String::new(), rules: Vec::new(), actions: Vec::new() }
}

async fn event(processor: &Processor, envelope: &Envelope, plan: &EventPlan, now: Timestamp) -> Result<Prepared, Failure> {
    let order = envelope.order();
    let mut elsewhere: BTreeSet<Place> = plan.links.iter().map(|identity| Place::new(identity.clone(), ItemKey::Link)).collect();
    for (index, key) in plan.legs.keys() {
        elsewhere.insert(Place::new(join_partition(&processor.planner.join(*index).name, key), ItemKey::Join));
    }
    let mut keys = keys_of(&plan.outline, !plan.legs.is_empty());
    if !plan.links.is_empty() {
        keys.extend(plan.links.iter().cloned().map(ItemKey::Identity).chain([ItemKey::Link]));
    }
    let view = read(processor, &plan.owner, &keys, &elsewhere).await?;
    let at = Moment { policy: processor.planner.policy(), now, received: envelope.receivedtime };
    let applied = apply::event(&processor.planner, plan, &view, &order, &at)?;
    Ok(Prepared {
        view,
        applied,
        event_type: envelope.event_type.clone(),
        time: order.time,
        rules: plan.rules.clone(),
        off_schema: plan.off_schema.clone(),
    })
}

async fn action(
    processor: &Processor,
    envelope: &Envelope,
    conversation: &str,
    proposal: &Proposal,
    now: Timestamp,
) -> Result<Prepared, Failure> {
    let order = Order { sequence: None, time: now, key: envelope.claimkey.clone() };
    let owner = Owner::Conversation(conversation.to_owned());
    let view = read(processor, &owner, &keys_of_action(proposal), &BTreeSet::new()).await?;
    // It has waited for its time, not in a backlog.
    let at = Moment { policy: processor.planner.policy(), now, received: now };
    let applied = apply::action(proposal, &view, &order, &at)?;
    let rules = vec![proposal.rule.clone()];
    Ok(Prepared { view, applied, event_type: envelope.event_type.clone(), time: now, rules, off_schema: None })
}

/// The word says why there is nothing to do, or not yet.
async fn join(
    processor: &Processor,
    envelope: &Envelope,
    index: usize,
    key: &str,
    now: Timestamp,
) -> Result<Result<Prepared, &'static str>, Failure> {
    let join = processor.planner.join(index);
    let terms = Terms::of(join);
    let place = Place::new(join_partition(&join.name, key), ItemKey::Join);
    let own = View { partition: place.partition.clone(), unlinked: None, items: load(processor, [place.clone()].into()).await? };
    let (version, state) = own.join(&place.partition);
    let state = state.under(&terms, now);
    if let Some(Taken { partition, .. }) = &state.taken {
        // Perhaps by this very message, which then couldn't send what the join says.
        flush(processor, partition).await?;
    }
    let Some(next) = state.next(&terms, now) else { return Ok(Err("settled")) };
    if next.gives_up()
        && let Some(later) = postponed(envelope, now)
    {
        let due = now.plus(JOIN_GRACE);
        hop(processor, &later.envelope(due, now).encode(), due, now).await?;
        return Ok(Err("waits"));
    }
    let (branch, end) = (next.end().branch, next.end().clone());
    let outline = processor.planner.branch(index, key, &end, now)?;
    let view = read(processor, &end.owner, &keys_of(&outline, false), &BTreeSet::new()).await?;
    let at = Moment { policy: processor.planner.policy(), now, received: envelope.receivedtime };
    let ending = Ending { place, version, state, next };
    let applied = apply::ending(&ending, &terms, &outline, &view, &at)?;
    if applied.items.is_empty() {
        return Ok(Err("settled"));
    }
    let event_type = match branch {
        Branch::Then => "tidings.join.then",
        Branch::Else => "tidings.join.else",
    };
    Ok(Ok(Prepared {
        view,
        applied,
        event_type: event_type.to_owned(),
        time: end.time,
        rules: vec![join.name.clone()],
        off_schema: None,
    }))
}

/// The timer that asks again, if this one says that the queue lags: an event that would complete the join may be in it.
fn postponed(envelope: &Envelope, now: Timestamp) -> Option<Due> {
    let (what, due) = Due::read(envelope)?.ok()?;
    let Due::Join { join, key, because_of, postponed } = what else { return None };
    let lags = is_late(Due::visible(envelope).unwrap_or(due), now);
    (lags && postponed < MAX_JOIN_POSTPONED).then_some(Due::Join { join, key, because_of, postponed: postponed + 1 })
}

/// Sends it on its way again. A join that is over needs no timer any more.
async fn not_yet(
    processor: &Processor,
    envelope: &Envelope,
    due: Timestamp,
    what: &Due,
    now: Timestamp,
) -> Result<Done, Failure> {
    if let Due::Join { join, key, .. } = what {
        let place = Place::new(join_partition(join, key), ItemKey::Join);
        let stored = load(processor, [place.clone()].into()).await?;
        let is_over = if let Some(Content::Join(state)) = stored.get(&place).map(|item| &item.content)
            && let Some(terms) = processor.planner.join_named(join).map(Terms::of)
        {
            state.clone().under(&terms, now).is_over(&terms)
        } else {
            false
        };
        if is_over {
            return Ok(nothing("settled"));
        }
    }
    // A join's is made again, so that it says when it is to be seen.
    let message = if let Due::Join { .. } = what { what.envelope(due, now).encode() } else { envelope.encode() };
    hop(processor, &message, due, now).await?;
    Ok(nothing("waits"))
}

async fn load(processor: &Processor, places: BTreeSet<Place>) -> Result<BTreeMap<Place, Item>, Failure> {
    processor.store.load(&places).await.map_err(|e| Failure::Unavailable(e.call.to_owned()))
}

/// Reads an owner's items, and some others. Of an identity that has a link, they are its conversation's.
async fn read(
    processor: &Processor,
    owner: &Owner,
    keys: &BTreeSet<ItemKey>,
    elsewhere: &BTreeSet<Place>,
) -> Result<View, Failure> {
    let of = |partition: &str| keys.iter().map(|key| Place::new(partition, key.clone())).collect::<BTreeSet<_>>();
    let mut places = of(owner.name());
    places.extend(elsewhere.iter().cloned());
    match owner {
        Owner::Conversation(partition) => {
            Ok(View { partition: partition.clone(), unlinked: None, items: load(processor, places).await? })
        }
        Owner::Identity(identity) => {
            let link = Place::new(identity.clone(), ItemKey::Link);
            places.insert(link.clone());
            let items = load(processor, places).await?;
            let mut view = View { partition: identity.clone(), unlinked: Some(link), items };
            if let Some(conversation) = view.link(identity).map(str::to_owned) {
                let theirs = load(processor, of(&conversation)).await?;
                view.items.retain(|place, _| elsewhere.contains(place));
                view.items.extend(theirs);
                view.partition = conversation;
                view.unlinked = None;
            }
            Ok(view)
        }
    }
}

/// What the transaction has promised. A duplicate finds in what it read what is left to do.
async fn after(processor: &Processor, plan: &Plan, prepared: &Prepared, duplicate: bool) -> Result<(), Failure> {
    let Prepared { view, applied, .. } = prepared;
    let outbox = Place::new(view.partition.clone(), ItemKey::Outbox);
    let mut moved = false;
    if let Plan::Event(plan) = plan {
        for identity in &plan.links {
            let linked_now = applied.items.contains_key(&Place::new(identity.clone(), ItemKey::Link));
            let linked_before = duplicate && view.link(identity) == Some(view.partition.as_str());
            if linked_now || linked_before {
                // What a try before this one has moved may still be in the outbox.
                moved |= adopt(processor, identity, &view.partition).await? || linked_before;
            }
        }
    }
    if moved {
        return flush(processor, &view.partition).await;
    }
    let (version, outbox) = match applied.items.get(&outbox) {
        Some(Item { version, content: Content::Outbox(outbox) }) if !duplicate => {
            (Some(version.unwrap_or(0) + 1), outbox.clone())
        }
        Some(Item { content: Content::Facts(_) | Content::Join(_) | Content::Link(_) | Content::Outbox(_), .. }) | None => {
            view.outbox()
        }
    };
    deliver(processor, &view.partition, version, outbox).await
}

/// Sends what waits in an outbox that wasn't read yet.
async fn flush(processor: &Processor, partition: &str) -> Result<(), Failure> {
    let place = Place::new(partition, ItemKey::Outbox);
    let view = View { partition: partition.to_owned(), unlinked: None, items: load(processor, [place].into()).await? };
    let (version, outbox) = view.outbox();
    deliver(processor, partition, version, outbox).await
}

impl Prepared {
    fn commit(&self, envelope: &Envelope, trace_id: Option<&str>, event: Option<KeptEvent>, now: Timestamp) -> Commit {
        Commit {
            key: envelope.claimkey.clone(),
            source: envelope.source_name().to_owned(),
            event_id: envelope.id.clone(),
            event_type: self.event_type.clone(),
            subject: envelope.subject.clone(),
            received: envelope.receivedtime,
            processed: now,
            conversation: self.view.partition.clone(),
            occurred: occurred(self.time, &envelope.claimkey),
            outcome: self.applied.outcome,
            rules: self.rules.clone(),
            node: self.applied.node.clone(),
            off_schema: self.off_schema.clone(),
            actions: self.applied.actions.clone(),
            trace_id: trace_id.map(str::to_owned),
            joins: self.applied.joins.clone(),
            event,
            items: self.applied.items.clone(),
            absent: self.view.unlinked.clone(),
        }
    }

    /// Counts what became of its actions, and what somebody should look at.
    fn count(&self, envelope: &Envelope) {
        let source = envelope.source_name();
        for became in &self.applied.actions {
            if became.ends_with(" queued") {
                Metric::Emitted.count(source);
            } else if became.contains(" deferred until ") || became.contains(" held until ") {
                Metric::Deferred.count(source);
            }
        }
        for why in &self.applied.withheld {
            match why {
                Withheld::Shed => Metric::Shed.count(source),
                Withheld::Expired => Metric::Expired.count(source),
                Withheld::NoConversation => Metric::Unheld.count(source),
                Withheld::NoChannel | Withheld::NoOptIn | Withheld::Stale => {}
            }
        }
        for overflow in &self.applied.overflows {
            Metric::Overflow.count_as(source, overflow.full.word());
        }
        if self.applied.conflicts > 0 {
            Metric::LinkConflict.count(source);
            tracing::warn!(claim_key = %envelope.claimkey, conflicts = self.applied.conflicts, "an identity has another conversation");
        }
    }

    fn done(self, duplicate: bool) -> Done {
        Done {
            effect: Some(if duplicate { Effect::Before } else { Effect::Now(self.applied.outcome) }),
            outcome: if duplicate { "duplicate" } else { self.applied.outcome.as_str() },
            conversation: self.view.partition,
            rules: self.rules,
            actions: if duplicate { Vec::new() } else { self.applied.actions },
        }
    }
}
