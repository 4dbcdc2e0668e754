//! What a person does by a command, by the planning and the commit that events have: facts that are corrected, and events that are
//! applied again. The command calls this with its operator's own credentials: nothing of it comes from a queue.
//!
//! Promises: each is claimed, and done once. An event that is applied again stands among
//! others where it stood: what it has written before goes first, as if it hadn't been, and what is newer stays.

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
                Err(FailureKind::Manual("not an event".to_owned()).into())
            }
        }
    }
}

impl Processor {
    /// A correction, said at this time.
    pub fn correction(&self, correction: Correction, at: Timestamp) -> Result<Work, Failure> {
        let envelope = InternalEvent::Correct(Box::new(correction)).envelope(at, at);
        let message = Message::new(envelope);
        let plan = self.planner.plan(&message, &Fetched::new(), at)?;
        Ok(Work { envelope: message.envelope, plan, left_out: Vec::new() })
    }

    /// An event that is applied again, by the rules that this processor has.
    pub fn again(&self, event: &Envelope, how: &Again) -> Result<Work, Failure> {
        if event.is_ours() {
            return Err(FailureKind::Manual("an event of our own: it follows from others, or was said by hand".to_owned()).into());
        }
        let mut message = Message::new(event.clone());
        message.readable()?;
        let finding = schema::validate(&self.schemas, &message)?;
        if let Some(index) = self.planner.wanted(&message, how.at)?.keys().next() {
            let rule = self.planner.rule_name(*index);
            return Err(FailureKind::Manual(format!("rule {rule} fetches an object, which may be another by now")).into());
        }
        message.envelope.claimkey = how.batch.claim_key(how.part, &event.claimkey);
        // It isn't one more delivery of its body.
        message.envelope.contentkey = None;
        let mut plan = match self.planner.plan(&message, &Fetched::new(), how.at)? {
            Plan::Event(plan) => plan,
            Plan::Action { .. } | Plan::Wake { .. } | Plan::Join { .. } | Plan::NotYet { .. } | Plan::Forgotten => {
                return Err(FailureKind::Manual("not an event".to_owned()).into());
            }
        };
        let mut left_out = Vec::new();
        if !std::mem::take(&mut plan.legs).is_empty() {
            left_out.push("joins: it was part of them when it came".to_owned());
        }
        match how.part {
            Part::Facts => {
                left_out.extend(plan.effects.proposals.drain(..).map(|proposal| proposal.label()));
                left_out.extend(plan.links.drain(..).map(|_| "a link".to_owned()));
                plan.effects.changes.take_back(event.claimkey.clone(), how.wrote.clone());
            }
            Part::Actions => {}
        }
        if !how.counts || how.part == Part::Actions {
            let counts = plan.effects.changes.leave_out_counts();
            if how.part == Part::Facts {
                left_out.extend(counts.iter().map(|(key, name, step)| format!("{} {step:+}, counted already", named(key, name))));
            }
        }
        plan.off_schema = finding.map(|finding| finding.to_string());
        plan.manual =
            Some(Manual { by: how.by.clone(), reason: how.reason.clone(), at: how.at, again: Some(event.claimkey.clone()) });
        bounded(&plan)?;
        Ok(Work { envelope: message.envelope, plan: Plan::Event(plan), left_out })
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
