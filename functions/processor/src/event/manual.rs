//! The manual part of an event's plan.

use crate::event::plan::{EventPlan, Manual, bounded};
use crate::failure::{Failure, FailureKind};
use crate::processor::Processor;
use crate::view::View;
use crate::work::{Applied, named};
use std::collections::BTreeSet;
use tidings_config::limits::MAX_CHANGES_RECORDED;
use tidings_config::time::Timestamp;
use tidings_core::context::{Facts, Item, Order, Owner};
use tidings_core::envelope::Envelope;
use tidings_core::manual::{self, Correction, FactChange, ManualChange};

/// A link is followed, so a correction of an identity is one of its conversation.
pub(crate) fn corrected(correction: Correction, at: Timestamp) -> Result<EventPlan, Failure> {
    correction.check().map_err(FailureKind::Manual)?;
    let mut plan = EventPlan::new(Owner::Identity(correction.of.clone()));
    plan.effects.changes = correction.changes();
    plan.manual = Some(Manual { by: correction.by, reason: correction.reason, at, again: None });
    bounded(&plan)?;
    Ok(plan)
}

/// The event's order. An event that is applied again keeps its order, after itself.
pub(crate) fn order(plan: &EventPlan, envelope: &Envelope) -> Order {
    let again_ms = plan.manual.as_ref().map_or(0, |manual| manual.at.unix_ms());
    Order { again_ms, ..envelope.order() }
}

/// Only an event that had an effect and isn't erased is applied again. The transaction checks this as well.
pub(crate) async fn may_be_applied(processor: &Processor, plan: &EventPlan) -> Result<(), Failure> {
    let Some(event) = plan.manual.as_ref().and_then(|manual| manual.again.as_ref()) else { return Ok(()) };
    match processor.store.effect(event).await.map_err(Failure::unavailable)? {
        Some(effect) if effect.conversation.is_some() => Ok(()),
        Some(_) => Err(FailureKind::Manual(format!("{event} is erased")).into()),
        None => {
            Err(FailureKind::Manual(format!("{event} isn't processed; use `tidings dlq redrive` for a dead-lettered event"))
                .into())
        }
    }
}

/// Checks that the stored facts can have the values set by hand.
pub(crate) fn fits(plan: &EventPlan, view: &View) -> Result<(), Failure> {
    for (key, name, value) in plan.effects.changes.corrections() {
        let kept = view.items.get(&view.place(key.clone())).and_then(Item::facts).and_then(|facts| facts.get(name));
        manual::fits(kept, value).map_err(|what| FailureKind::Manual(format!("{} {what}", named(key, name))))?;
    }
    Ok(())
}

impl Manual {
    /// The record in its claim.
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
