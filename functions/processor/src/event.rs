//! A provider's event or a manual change: applies its plan to the stored items.

mod deliveries;
mod legs;
pub(crate) mod links;
pub(crate) mod manual;
pub mod plan;
mod reminders;
mod turns;

use crate::deliver::send_first;
use crate::event::plan::{EventPlan, Linking};
use crate::failure::Failure;
use crate::planner::Planner;
use crate::prepared::Prepared;
use crate::processor::Processor;
use crate::view::{View, load, read, read_conversation, read_with_effect};
use crate::work::{Applied, Moment, Work, keys_of};
use std::collections::BTreeSet;
use tidings_config::time::Timestamp;
use tidings_core::action::PlannedAction;
use tidings_core::claim::decide::RecordedEffect;
use tidings_core::commit_plan::Merging;
use tidings_core::context::{Deliveries, ItemKey, Order, Owner, Place, join_partition};
use tidings_core::envelope::Envelope;

/// What an event's items and claim say.
pub(crate) enum Readiness {
    /// The effect, to be written.
    Prepared(Box<Prepared>),
    /// Another receive has committed the effect: this is what its claim records.
    Before(RecordedEffect),
}

/// Reads what the plan needs, and applies it.
pub(crate) async fn prepare(
    processor: &Processor,
    envelope: &Envelope,
    plan: &EventPlan,
    now: Timestamp,
    silent: &mut Option<Failure>,
) -> Result<Readiness, Failure> {
    let order = manual::order(plan, envelope);
    manual::may_be_applied(processor, plan).await?;
    let mut elsewhere: BTreeSet<Place> = plan.links.iter().map(|identity| Place::new(identity.clone(), ItemKey::Link)).collect();
    for (index, key) in plan.legs.keys() {
        elsewhere.insert(Place::new(join_partition(&processor.planner.join(*index).name, key), ItemKey::Join));
    }
    let turns = plan.effects.collected.iter().map(|collected| Place::new(collected.partition(&plan.owner), ItemKey::Turn));
    elsewhere.extend(turns);
    let reminders = plan.effects.reminders.iter().map(|one| Place::new(one.partition(&plan.owner), ItemKey::Reminder));
    elsewhere.extend(reminders);
    if processor.feed {
        elsewhere.extend(plan.links.iter().map(|identity| Place::new(identity.clone(), ItemKey::Feed)));
    }
    let deliveries = envelope.contentkey.as_deref().map(|content| Deliveries::place(&envelope.sender(), content, now));
    elsewhere.extend(deliveries.clone());
    let mut keys = keys_of(&plan.effects, !plan.legs.is_empty(), processor.feed);
    if !plan.links.is_empty() {
        keys.extend(plan.links.iter().cloned().map(ItemKey::Identity).chain([ItemKey::Link]));
    }
    // A manual change hasn't waited in a backlog.
    let received = if plan.manual.is_some() { now } else { envelope.receivedtime };
    let at = Moment { policy: processor.planner.policy(), now, received, feed: processor.feed };
    // An update of the feed is added once, with what it is about.
    let mut merging = if deliveries.is_some() || processor.feed { Merging::Once } else { plan.merging() };
    loop {
        let mut view = match merging {
            Merging::Once => match (&plan.owner, plan.linking) {
                // A link's target must be what it says, and not what that is linked to.
                (Owner::Conversation(target), Linking::Stated | Linking::Moved) => {
                    read_conversation(processor, target, &keys, &elsewhere).await?
                }
                // It changes nothing, and its timeline is read together with those of its conversation's identities.
                (Owner::Conversation(name), Linking::ByRule) if keys.is_empty() => {
                    read_conversation(processor, name, &keys, &elsewhere).await?
                }
                (Owner::Conversation(_) | Owner::Identity(_), _) => read(processor, &plan.owner, &keys, &elsewhere).await?,
            },
            // Its facts are written before its claim. So the claim is read with them: a later copy of a processed event
            // must not write again what was erased or forgotten since.
            Merging::Repeatable => match read_with_effect(processor, plan.owner.name(), &keys, &envelope.claimkey).await? {
                (view, None) => view,
                (_, Some(effect)) => return Ok(Readiness::Before(effect)),
            },
        };
        let is_followed = view.partition != plan.owner.name();
        if is_followed {
            // The link may be moved to another conversation between two receives.
            merging = Merging::Once;
        }
        if plan.linking == Linking::Moved {
            let before = mirrors_of(&view, &plan.links);
            view.items.extend(load(processor, before).await?);
        }
        manual::fits(plan, &view)?;
        let unsent = send_first(processor, &mut view, silent).await;
        let mut applied = apply(&processor.planner, plan, &view, &order, &at)?;
        if !applied.missing.is_empty() {
            keys.extend(applied.missing);
            continue;
        }
        if let Some(place) = &deliveries {
            applied.count_delivery(&view, place, now)?;
        }
        if let (true, Owner::Conversation(name)) = (is_followed, &plan.owner) {
            // An event that was read before the link was made may have written under the linked name since. An identity's
            // event can't: its transaction checks that there is no link.
            applied.links.push(name.clone());
        }
        let manual = plan.manual.as_ref().map(|manual| manual.record(&view, &applied));
        return Ok(Readiness::Prepared(Box::new(Prepared {
            view,
            applied,
            manual,
            event_type: envelope.event_type.clone(),
            time: order.time,
            rules: plan.rules.clone(),
            off_schema: plan.off_schema.clone(),
            unsent,
            merging,
        })));
    }
}

/// The places where the present conversations of these identities name them.
fn mirrors_of(view: &View, identities: &[String]) -> BTreeSet<Place> {
    let mirror = |identity: &String| Some(Place::new(view.link(identity)?, ItemKey::Identity(identity.clone())));
    identities.iter().filter_map(mirror).collect()
}

/// Applies a provider's event.
fn apply(planner: &Planner, plan: &EventPlan, view: &View, order: &Order, at: &Moment<'_>) -> Result<Applied, Failure> {
    let mut work = Work::new(view, &plan.effects, order, at);
    let due: Vec<PlannedAction> = plan.effects.reminders.iter().filter_map(|one| work.remind(one, &plan.owner, order)).collect();
    if due.is_empty() {
        work.act(&plan.effects.proposals);
    } else if work.applied.missing.is_empty() {
        work.act(&[plan.effects.proposals.as_slice(), due.as_slice()].concat());
    }
    for collected in &plan.effects.collected {
        work.collect(collected, &plan.owner, &order.key);
    }
    links::link(&mut work.applied, view, plan, order)?;
    for ((index, key), legs) in &plan.legs {
        work.see(planner.join(*index), key, legs, &order.key);
    }
    Ok(work.finish())
}
