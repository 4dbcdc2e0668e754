//! read → apply → one transaction, until an answer ends it; then what the transaction has promised: actions are sent, identities
//! move. What an answer means is decided in [`tidings_core::claim::decide`]; here it is done.
//!
//! What waits in the conversation's outbox is sent before anything new is applied. If that fails, the event has its effect all
//! the same, and its message stays until all is sent.
//!
//! A message whose effect is there already is finished by what its claim records ([`finish`]), never by a new plan.

use crate::Processor;
use crate::adopt::adopt;
use crate::apply::{self, Applied, Ending, Moment, keys_of, keys_of_action, occurred};
use crate::deliver::{deliver, flush, hop, send_first};
use crate::failure::Failure;
use crate::manual;
use crate::plan::{EventPlan, Linking, Plan};
use crate::tries::{Next, Tries};
use crate::view::{View, load, read, read_partition};
use std::collections::BTreeSet;
use tidings_config::limits::{JOIN_GRACE, MAX_JOIN_POSTPONED};
use tidings_config::time::Timestamp;
use tidings_core::action::{Became, Proposal, Withheld};
use tidings_core::claim::Outcome;
use tidings_core::claim::decide::RecordedEffect;
use tidings_core::context::{
    Branch, Content, Deliveries, Item, ItemKey, Order, Owner, Place, Taken, Terms, is_late, join_partition,
};
use tidings_core::due::Due;
use tidings_core::envelope::Envelope;
use tidings_core::kept::KeptEvent;
use tidings_core::manual::ManualChange;
use tidings_core::ports::{Commit, Unavailable};
use tidings_core::telemetry::Metric;

/// Whether a message's effect is in the context, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Now(Outcome),
    Before,
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
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
    manual: Option<ManualChange>,
    /// What kept from sending what waited before.
    unsent: Option<Failure>,
}

/// Makes the plan true, once.
/// `silent`: what kept an earlier record of the batch from sending. Then this one doesn't wait for that either.
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
            Plan::Event(plan) => event(processor, envelope, plan, now, &mut silent).await?,
            Plan::Action { conversation, proposal } => {
                action(processor, envelope, conversation, proposal, now, &mut silent).await?
            }
            Plan::Wake { conversation, fired } => {
                match wake(processor, envelope, conversation, *fired, now, &mut silent).await? {
                    Some(prepared) => prepared,
                    None => return Ok(nothing("settled")),
                }
            }
            Plan::Join { index, key } => match join(processor, envelope, *index, key, now, &mut silent).await? {
                Ok(prepared) => prepared,
                Err(outcome) => return Ok(nothing(outcome)),
            },
            Plan::NotYet { due, what } => return not_yet(processor, envelope, *due, what, now).await,
            Plan::Forgotten => return Ok(nothing("forgotten")),
        };
        let commit = prepared.commit(envelope, trace_id, kept(processor, envelope, plan), now);
        match tries.after(processor.store.commit(&commit).await).await {
            Next::Done => {
                prepared.count(envelope);
                return prepared.keep_promises(processor).await;
            }
            // The version before recorded no links: of its claims only this plan says them.
            Next::Finish(effect) => {
                let links = effect.links.or_else(|| Some(plan.links().to_vec()));
                return finish(processor, &RecordedEffect { links, ..effect }).await;
            }
            Next::Again => {}
            Next::Contended => return Err(Failure::Contended),
            Next::Unknown(cause) => {
                return Err(Failure::Unavailable(Unavailable { call: "dynamodb:TransactWriteItems", cause }));
            }
        }
    }
}

/// What is left to do of an effect that is in the context: its claim says whose it is and what it linked, and the stored items
/// say what of that isn't done. After an erasure the claim names nobody, and nothing is left.
pub async fn finish(processor: &Processor, effect: &RecordedEffect) -> Result<Done, Failure> {
    if let Some(conversation) = &effect.conversation {
        let links = effect.links.iter().flatten().map(|identity| Place::new(identity.clone(), ItemKey::Link)).collect();
        let links = load(processor, links).await.map_err(Failure::undelivered)?;
        for (place, item) in links {
            // An identity that has another conversation by now is that one's to move.
            if matches!(&item.content, Content::Link(link) if link.conversation == *conversation) {
                adopt(processor, &place.partition, conversation).await?;
            }
        }
        flush(processor, conversation).await?;
    }
    let conversation = effect.conversation.clone().unwrap_or_default();
    Ok(Done { effect: Some(Effect::Before), outcome: "duplicate", conversation, rules: Vec::new(), actions: Vec::new() })
}

/// What is kept of it with its claim. What is due comes again when the events are played again that it is due to.
fn kept(processor: &Processor, envelope: &Envelope, plan: &Plan) -> Option<KeptEvent> {
    match plan {
        Plan::Event(_) if processor.keeps_events => KeptEvent::of(envelope),
        Plan::Event(_) | Plan::Action { .. } | Plan::Join { .. } | Plan::Wake { .. } | Plan::NotYet { .. } | Plan::Forgotten => {
            None
        }
    }
}

fn nothing(outcome: &'static str) -> Done {
    Done { effect: None, outcome, conversation: String::new(), rules: Vec::new(), actions: Vec::new() }
}

async fn event(
    processor: &Processor,
    envelope: &Envelope,
    plan: &EventPlan,
    now: Timestamp,
    silent: &mut Option<Failure>,
) -> Result<Prepared, Failure> {
    let order = manual::order(plan, envelope);
    manual::may_be_applied(processor, plan).await?;
    let mut elsewhere: BTreeSet<Place> = plan.links.iter().map(|identity| Place::new(identity.clone(), ItemKey::Link)).collect();
    for (index, key) in plan.legs.keys() {
        elsewhere.insert(Place::new(join_partition(&processor.planner.join(*index).name, key), ItemKey::Join));
    }
    let deliveries = envelope.contentkey.as_deref().map(|content| Deliveries::place(envelope.source_name(), content, now));
    elsewhere.extend(deliveries.clone());
    let mut keys = keys_of(&plan.outline, !plan.legs.is_empty());
    if !plan.links.is_empty() {
        keys.extend(plan.links.iter().cloned().map(ItemKey::Identity).chain([ItemKey::Link]));
    }
    // A manual change hasn't waited in a backlog.
    let received = if plan.manual.is_some() { now } else { envelope.receivedtime };
    let at = Moment { policy: processor.planner.policy(), now, received };
    loop {
        let mut view = read(processor, &plan.owner, &keys, &elsewhere).await?;
        if plan.linking == Linking::Moved {
            let before = mirrors_of(&view, &plan.links);
            view.items.extend(load(processor, before).await?);
        }
        manual::fits(plan, &view)?;
        let unsent = send_first(processor, &mut view, silent).await;
        let mut applied = apply::event(&processor.planner, plan, &view, &order, &at)?;
        if !applied.missing.is_empty() {
            keys.extend(applied.missing);
            continue;
        }
        if let Some(place) = &deliveries {
            applied.count_delivery(&view, place, now)?;
        }
        let manual = plan.manual.as_ref().map(|manual| manual.record(&view, &applied));
        return Ok(Prepared {
            view,
            applied,
            manual,
            event_type: envelope.event_type.clone(),
            time: order.time,
            rules: plan.rules.clone(),
            off_schema: plan.off_schema.clone(),
            unsent,
        });
    }
}

/// Where the conversations that these identities have so far name them.
fn mirrors_of(view: &View, identities: &[String]) -> BTreeSet<Place> {
    let mirror = |identity: &String| Some(Place::new(view.link(identity)?, ItemKey::Identity(identity.clone())));
    identities.iter().filter_map(mirror).collect()
}

/// A notification that the version before put off.
async fn action(
    processor: &Processor,
    envelope: &Envelope,
    conversation: &str,
    proposal: &Proposal,
    now: Timestamp,
    silent: &mut Option<Failure>,
) -> Result<Prepared, Failure> {
    let order = Order::at(now, envelope.claimkey.clone());
    let owner = Owner::Conversation(conversation.to_owned());
    let mut keys = keys_of_action(proposal);
    keys.insert(ItemKey::Deferred);
    // It has waited for its time, not in a backlog.
    let at = Moment { policy: processor.planner.policy(), now, received: now };
    loop {
        let mut view = read(processor, &owner, &keys, &BTreeSet::new()).await?;
        let unsent = send_first(processor, &mut view, silent).await;
        let applied = apply::action(proposal, &view, &order, &at);
        if !applied.missing.is_empty() {
            keys.extend(applied.missing);
            continue;
        }
        let rules = vec![proposal.rule.clone()];
        let event_type = envelope.event_type.clone();
        return Ok(Prepared { view, applied, event_type, time: now, rules, off_schema: None, manual: None, unsent });
    }
}

/// What a conversation deferred and is due by now. `None`: nothing is deferred any more.
async fn wake(
    processor: &Processor,
    envelope: &Envelope,
    conversation: &str,
    fired: Timestamp,
    now: Timestamp,
    silent: &mut Option<Failure>,
) -> Result<Option<Prepared>, Failure> {
    let owner = Owner::Conversation(conversation.to_owned());
    let (mut keys, mut elsewhere) = (BTreeSet::from([ItemKey::Outbox, ItemKey::Deferred]), BTreeSet::new());
    let order = Order::at(now, envelope.claimkey.clone());
    // It has waited for its time, not in a backlog.
    let at = Moment { policy: processor.planner.policy(), now, received: now };
    // What waits says what else must be read, and may change meanwhile.
    loop {
        let mut view = read(processor, &owner, &keys, &elsewhere).await?;
        let deferred = view.deferred(conversation).1;
        if deferred.is_empty() {
            // Perhaps by this very message, which then couldn't send what it had put into the outbox.
            flush(processor, conversation).await?;
            return Ok(None);
        }
        let identity = deferred.identities.first();
        let places = identity.map(|identity| [ItemKey::Deferred, ItemKey::Link].map(|key| Place::new(identity.clone(), key)));
        let places = BTreeSet::from_iter(places.into_iter().flatten());
        if !places.is_subset(&elsewhere) {
            elsewhere.extend(places);
            continue;
        }
        let unsent = send_first(processor, &mut view, silent).await;
        let applied = apply::wake(fired, identity.map(String::as_str), &view, &order, &at);
        if !applied.missing.is_empty() {
            keys.extend(applied.missing);
            continue;
        }
        let rules = applied.rules.iter().cloned().collect();
        let event_type = envelope.event_type.clone();
        return Ok(Some(Prepared { view, applied, event_type, time: now, rules, off_schema: None, manual: None, unsent }));
    }
}

/// The word says why there is nothing to do, or not yet.
async fn join(
    processor: &Processor,
    envelope: &Envelope,
    index: usize,
    key: &str,
    now: Timestamp,
    silent: &mut Option<Failure>,
) -> Result<Result<Prepared, &'static str>, Failure> {
    let join = processor.planner.join(index);
    let terms = Terms::of(join);
    let place = Place::new(join_partition(&join.name, key), ItemKey::Join);
    let own = read_partition(processor, &place.partition, &[ItemKey::Join]).await?;
    let (version, state) = own.join(&place.partition);
    let state = state.under(&terms, now);
    // Perhaps by this very message, which then couldn't send what the join says. That is no reason not to take the next end.
    let unsent = match &state.taken {
        Some(Taken { partition, .. }) => flush(processor, partition).await.err(),
        None => None,
    };
    let Some(next) = state.next(&terms, now) else { return unsent.map_or(Ok(Err("settled")), Err) };
    if next.gives_up()
        && let Some(later) = postponed(envelope, now)
    {
        let due = now.plus(JOIN_GRACE);
        hop(processor, &later.envelope(due, now).encode(), due, now).await?;
        return Ok(Err("waits"));
    }
    let (branch, end) = (next.end().branch, next.end().clone());
    let outline = processor.planner.branch(index, key, &end, now)?;
    let at = Moment { policy: processor.planner.policy(), now, received: envelope.receivedtime };
    let ending = Ending { place, version, state, next };
    let mut keys = keys_of(&outline, false);
    let (view, unsent, applied) = loop {
        let mut view = read(processor, &end.owner, &keys, &BTreeSet::new()).await?;
        let unsent = send_first(processor, &mut view, silent).await;
        let applied = apply::ending(&ending, &terms, &outline, &view, &at);
        if applied.missing.is_empty() {
            break (view, unsent, applied);
        }
        keys.extend(applied.missing);
    };
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
        manual: None,
        unsent,
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
            overtaken: self.applied.overtaken.clone(),
            off_schema: self.off_schema.clone(),
            manual: self.manual.clone(),
            actions: self.applied.told(),
            trace_id: trace_id.map(str::to_owned),
            joins: self.applied.joins.clone(),
            event,
            links: self.applied.links.clone(),
            items: self.applied.items.clone(),
            deletes: self.applied.deletes.clone(),
            absent: self.view.unlinked.clone(),
        }
    }

    /// What the transaction has promised: its outbox is sent, and the identities that it linked move.
    async fn keep_promises(self, processor: &Processor) -> Result<Done, Failure> {
        let Self { view, applied, rules, unsent, .. } = self;
        if let Some(unsent) = unsent {
            return Err(unsent);
        }
        // What an identity has known comes first: a join that the event completes tells of it.
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
            actions: applied.told(),
        })
    }

    /// Counts what became of its actions, and what somebody should look at.
    fn count(&self, envelope: &Envelope) {
        let (source, applied) = (envelope.source_name(), &self.applied);
        for outcome in &applied.actions {
            match outcome.became {
                Became::Queued | Became::Digest { .. } => Metric::Emitted.count(source),
                Became::WaitsUntil(_) | Became::WaitsForLink => Metric::Deferred.count(source),
                Became::Withheld(Withheld::Shed) => Metric::Shed.count(source),
                Became::Withheld(Withheld::Expired) => Metric::Expired.count(source),
                Became::Withheld(Withheld::NoRoom | Withheld::TooLarge) => Metric::HoldOverflow.count(source),
                Became::Withheld(Withheld::OverCap) => Metric::OverCap.count(source),
                Became::Withheld(Withheld::Unreadable(preference)) => {
                    Metric::PreferenceUnread.count_as(source, preference.as_str());
                }
                Became::Withheld(Withheld::NoChannel | Withheld::NoOptIn | Withheld::Stale) => {}
            }
        }
        if applied.repeats_a_body {
            Metric::RepeatedBody.count(source);
        }
        for overflow in &applied.overflows {
            overflow.full.count(source);
        }
        for gone in &applied.evicted {
            Metric::HoldOverflow.count(source);
            tracing::warn!(claim_key = %gone.cause, rule = gone.rule, "too much waits: the least urgent action is withheld");
        }
        if applied.lost_timers > 0 {
            Metric::HoldOverflow.count(source);
            tracing::error!(claim_key = %envelope.claimkey, timers = applied.lost_timers, "the outbox is full: no timer was set");
        }
        if applied.conflicts > 0 {
            Metric::LinkConflict.count(source);
            let (claim_key, conflicts) = (&envelope.claimkey, applied.conflicts);
            tracing::warn!(%claim_key, conflicts, "a link wasn't made: a name has another conversation, or identities of its own");
        }
        if !applied.deletes.is_empty() && !applied.links.is_empty() {
            let (claim_key, links) = (&envelope.claimkey, applied.links.len());
            tracing::warn!(%claim_key, links, "identities were moved to another conversation, as told");
        }
    }
}
