//! What a person does by a command, by the planning and the commit that events have: facts that are corrected, and events that are
//! applied again. The command calls this with its operator's own credentials: nothing of it comes from a queue.
//!
//! Promises: each is claimed, and done once. An event that is applied again stands among
//! others where it stood: what it has written before goes first, as if it hadn't been, and what is newer stays.

use crate::Processor;
use crate::apply::Applied;
use crate::commit::{Done, commit};
use crate::failure::Failure;
use crate::plan::{EventPlan, Fetched, Plan, bounded};
use crate::schema;
use crate::view::{View, read};
use std::collections::BTreeSet;
use tidings_config::limits::MAX_CHANGES_RECORDED;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::context::{Facts, Item, ItemKey, Order, Owner};
use tidings_core::due::Due;
use tidings_core::envelope::Envelope;
use tidings_core::manual::{self, BatchName, Correction, FactChange, ManualChange, Part};

/// Whose a plan is, where it is a person's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manual {
    pub by: String,
    pub reason: String,
    /// When the person said so.
    pub at: Timestamp,
    /// The event that is applied again.
    pub again: Option<ClaimKey>,
}

/// How an event is applied again.
#[derive(Clone, Debug)]
pub struct Again {
    pub by: String,
    pub reason: String,
    pub batch: BatchName,
    pub at: Timestamp,
    pub part: Part,
    /// Whether its counts are added once more.
    pub counts: bool,
    /// Items in which something of it may stand, beside those that it changes now.
    pub wrote: BTreeSet<ItemKey>,
}

/// What a person wants done: planned, and not done yet.
#[derive(Debug)]
pub struct Work {
    envelope: Envelope,
    plan: Plan,
    /// What of its rules' effects isn't part of it, for people.
    pub left_out: Vec<String>,
}

impl Work {
    pub fn claim_key(&self) -> &ClaimKey {
        &self.envelope.claimkey
    }

    fn event_plan(&self) -> Result<&EventPlan, Failure> {
        match &self.plan {
            Plan::Event(plan) => Ok(plan),
            Plan::Action { .. } | Plan::Wake { .. } | Plan::Join { .. } | Plan::NotYet { .. } | Plan::Forgotten => {
                Err(Failure::Manual("not an event".to_owned()))
            }
        }
    }
}

impl Processor {
    /// A correction, said at this time.
    pub fn correction(&self, correction: Correction, at: Timestamp) -> Result<Work, Failure> {
        let envelope = Due::Correct(Box::new(correction)).envelope(at, at);
        let plan = self.planner.plan(&envelope, &Fetched::new(), at)?;
        Ok(Work { envelope, plan, left_out: Vec::new() })
    }

    /// An event that is applied again, by the rules that this processor has.
    pub fn again(&self, event: &Envelope, how: &Again) -> Result<Work, Failure> {
        if Due::read(event).is_some() {
            return Err(Failure::Manual("an event of our own: it follows from others, or was said by hand".to_owned()));
        }
        if let Some(unreadable) = event.unreadable() {
            return Err(Failure::Unreadable(unreadable));
        }
        let finding = schema::hold(&self.schemas, event)?;
        if let Some(index) = self.planner.wanted(event, how.at)?.keys().next() {
            let rule = self.planner.rule_name(*index);
            return Err(Failure::Manual(format!("rule {rule} fetches an object, which may be another by now")));
        }
        let mut envelope = event.clone();
        envelope.claimkey = how.batch.claim_key(how.part, &event.claimkey);
        // It isn't one more delivery of its body.
        envelope.contentkey = None;
        let mut plan = match self.planner.plan(&envelope, &Fetched::new(), how.at)? {
            Plan::Event(plan) => plan,
            Plan::Action { .. } | Plan::Wake { .. } | Plan::Join { .. } | Plan::NotYet { .. } | Plan::Forgotten => {
                return Err(Failure::Manual("not an event".to_owned()));
            }
        };
        let mut left_out = Vec::new();
        if !std::mem::take(&mut plan.legs).is_empty() {
            left_out.push("joins: it was part of them when it came".to_owned());
        }
        match how.part {
            Part::Facts => {
                left_out.extend(plan.outline.proposals.drain(..).map(|proposal| proposal.label()));
                left_out.extend(plan.links.drain(..).map(|_| "a link".to_owned()));
                plan.outline.changes.take_back(event.claimkey.clone(), how.wrote.clone());
            }
            Part::Actions => {}
        }
        if !how.counts || how.part == Part::Actions {
            let counts = plan.outline.changes.leave_out_counts();
            if how.part == Part::Facts {
                left_out.extend(counts.iter().map(|(key, name, step)| format!("{} {step:+}, counted already", named(key, name))));
            }
        }
        plan.off_schema = finding.map(|finding| finding.to_string());
        plan.manual =
            Some(Manual { by: how.by.clone(), reason: how.reason.clone(), at: how.at, again: Some(event.claimkey.clone()) });
        bounded(&plan)?;
        Ok(Work { envelope, plan: Plan::Event(plan), left_out })
    }

    /// Whose context it is about, after its identity's link.
    pub async fn conversation_of(&self, work: &Work) -> Result<String, Failure> {
        let view = read(self, &work.event_plan()?.owner, &BTreeSet::new(), &BTreeSet::new()).await?;
        Ok(view.partition)
    }

    /// Does it, once: a second call finds it done. Errors of a table that didn't answer may be tried again.
    pub async fn apply(&self, work: &Work) -> Result<Done, Failure> {
        commit(self, &work.envelope, None, &work.plan, None).await
    }
}

/// A link is followed, so that a correction of an identity is one of its conversation.
pub(crate) fn corrected(correction: Correction, at: Timestamp) -> Result<EventPlan, Failure> {
    correction.check().map_err(Failure::Manual)?;
    let mut plan = EventPlan::new(Owner::Identity(correction.of.clone()));
    plan.outline.changes = correction.changes();
    plan.manual = Some(Manual { by: correction.by, reason: correction.reason, at, again: None });
    bounded(&plan)?;
    Ok(plan)
}

/// Where an event stands among others: one that is applied again where it stood, after itself.
pub(crate) fn order(plan: &EventPlan, envelope: &Envelope) -> Order {
    let again_ms = plan.manual.as_ref().map_or(0, |manual| manual.at.unix_ms());
    Order { again_ms, ..envelope.order() }
}

/// Only what had an effect, and isn't erased, is applied again. The transaction sees to that as well.
pub(crate) async fn may_be_applied(processor: &Processor, plan: &EventPlan) -> Result<(), Failure> {
    let Some(event) = plan.manual.as_ref().and_then(|manual| manual.again.as_ref()) else { return Ok(()) };
    match processor.store.effect(event).await.map_err(Failure::Unavailable)? {
        Some(effect) if effect.conversation.is_some() => Ok(()),
        Some(_) => Err(Failure::Manual(format!("{event} is erased"))),
        None => Err(Failure::Manual(format!("{event} isn't processed: what died comes back by `tidings dlq redrive`"))),
    }
}

/// Whether what is stored can be what a person says.
pub(crate) fn fits(plan: &EventPlan, view: &View) -> Result<(), Failure> {
    for (key, name, value) in plan.outline.changes.corrections() {
        let kept = view.items.get(&view.place(key.clone())).and_then(Item::facts).and_then(|facts| facts.get(name));
        manual::fits(kept, value).map_err(|what| Failure::Manual(format!("{} {what}", named(key, name))))?;
    }
    Ok(())
}

impl Manual {
    /// What its claim records.
    pub(crate) fn record(&self, view: &View, applied: &Applied) -> ManualChange {
        let own = applied.items.iter().filter(|(place, _)| place.partition == view.partition);
        let nothing = Facts::new();
        let mut changes = Vec::new();
        for (place, item) in own {
            let Some(after) = item.facts() else { continue };
            let before = view.items.get(place).and_then(Item::facts).unwrap_or(&nothing);
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                let (before, after) = (before.get(name), after.get(name));
                let change = FactChange::new(named(&place.key, name), before, after);
                if change.before != change.after
                    || before.map(|fact| &fact.order) != after.map(|fact| &fact.order) && self.again.is_none()
                {
                    changes.push(change);
                }
            }
        }
        changes.truncate(MAX_CHANGES_RECORDED);
        ManualChange { by: self.by.clone(), reason: self.reason.clone(), again: self.again.clone(), changes }
    }
}

/// A fact as claims name it, or `node`.
fn named(key: &ItemKey, name: &str) -> String {
    if let ItemKey::Entity(entity) = key { format!("{entity}.{name}") } else { name.to_owned() }
}
