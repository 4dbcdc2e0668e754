//! Manual changes, planned and committed like events: corrections of facts, and events that are applied again. A
//! command calls this with its operator's own credentials; nothing comes from a queue.
//!
//! Promises: each change is claimed and applied once. An event that is applied again keeps its place in the order of
//! events: its earlier writes are removed first, and newer values stay.

use crate::commit::{Done, commit};
use crate::decode::Message;
use crate::event::plan::{EventPlan, Manual, bounded};
use crate::failure::{Failure, FailureKind};
use crate::plan::Plan;
use crate::planner::Fetched;
use crate::processor::Processor;
use crate::schema;
use crate::view::read;
use crate::work::named;
use std::collections::BTreeSet;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::context::ItemKey;
use tidings_core::envelope::Envelope;
use tidings_core::internal_event::InternalEvent;
use tidings_core::manual::{BatchName, Correction, Part};

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
    /// Items that may contain its earlier writes, beside those that it changes now.
    pub wrote: BTreeSet<ItemKey>,
}

/// A manual change that is planned and not applied yet.
#[derive(Debug)]
pub struct Work {
    envelope: Envelope,
    plan: Plan,
    /// Effects of its rules that are left out, for people.
    pub left_out: Vec<String>,
}

impl Work {
    pub fn claim_key(&self) -> &ClaimKey {
        &self.envelope.claimkey
    }

    fn event_plan(&self) -> Result<&EventPlan, Failure> {
        match &self.plan {
            Plan::Event(plan) => Ok(plan),
            Plan::Action { .. }
            | Plan::Wake { .. }
            | Plan::Join { .. }
            | Plan::Reminder(_)
            | Plan::Turn(_)
            | Plan::NotYet { .. }
            | Plan::Forgotten => Err(FailureKind::Manual("not an event".to_owned()).into()),
        }
    }
}

impl Processor {
    /// Plans a correction made at this time.
    pub fn correction(&self, correction: Correction, at: Timestamp) -> Result<Work, Failure> {
        let envelope = InternalEvent::Correct(Box::new(correction)).envelope(at, at);
        let message = Message::new(envelope);
        let plan = self.planner.plan(&message, &Fetched::new(), at)?;
        Ok(Work { envelope: message.envelope, plan, left_out: Vec::new() })
    }

    /// Plans an event that is applied again, by this processor's rules.
    pub fn again(&self, event: &Envelope, how: &Again) -> Result<Work, Failure> {
        if event.is_ours() {
            return Err(FailureKind::Manual(
                "an internal event: it follows from other events or from a manual change".to_owned(),
            )
            .into());
        }
        let mut message = Message::new(event.clone());
        message.readable()?;
        let finding = schema::validate(&self.schemas, &message)?;
        if let Some(index) = self.planner.wanted(&message, how.at)?.keys().next() {
            let rule = self.planner.rule_name(*index);
            return Err(FailureKind::Manual(format!("rule {rule} fetches an object, which may have changed since")).into());
        }
        message.envelope.claimkey = how.batch.claim_key(how.part, &event.claimkey);
        // It doesn't count as another delivery of its body.
        message.envelope.contentkey = None;
        let mut plan = match self.planner.plan(&message, &Fetched::new(), how.at)? {
            Plan::Event(plan) => plan,
            Plan::Action { .. }
            | Plan::Wake { .. }
            | Plan::Join { .. }
            | Plan::Reminder(_)
            | Plan::Turn(_)
            | Plan::NotYet { .. }
            | Plan::Forgotten => {
                return Err(FailureKind::Manual("not an event".to_owned()).into());
            }
        };
        let mut left_out = Vec::new();
        if !std::mem::take(&mut plan.legs).is_empty() {
            left_out.push("joins: it took part in them when it was first applied".to_owned());
        }
        match how.part {
            Part::Facts => {
                let collected = plan.effects.collected.drain(..).map(|collected| collected.proposal);
                left_out.extend(plan.effects.proposals.drain(..).chain(collected).map(|proposal| proposal.label()));
                left_out.extend(plan.effects.reminders.drain(..).map(|one| format!("{}/{}", one.rule, one.kind.as_str())));
                left_out.extend(plan.links.drain(..).map(|_| "a link".to_owned()));
                plan.effects.changes.take_back(event.claimkey.clone(), how.wrote.clone());
            }
            Part::Actions => {}
        }
        if !how.counts || how.part == Part::Actions {
            let counts = plan.effects.changes.leave_out_counts();
            if how.part == Part::Facts {
                left_out.extend(counts.iter().map(|(key, name, step)| format!("{} {step:+}, already counted", named(key, name))));
            }
        }
        plan.off_schema = finding.map(|finding| finding.to_string());
        plan.manual =
            Some(Manual { by: how.by.clone(), reason: how.reason.clone(), at: how.at, again: Some(event.claimkey.clone()) });
        bounded(&plan)?;
        Ok(Work { envelope: message.envelope, plan: Plan::Event(plan), left_out })
    }

    /// The conversation that is changed, after following an identity's link.
    pub async fn conversation_of(&self, work: &Work) -> Result<String, Failure> {
        let view = read(self, &work.event_plan()?.owner, &BTreeSet::new(), &BTreeSet::new()).await?;
        Ok(view.partition)
    }

    /// Applies it once: a second call finds it applied. If a table didn't respond, a retry may help.
    pub async fn apply(&self, work: &Work) -> Result<Done, Failure> {
        commit(self, &work.envelope, None, &work.plan, None).await
    }
}
