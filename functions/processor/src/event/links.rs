//! Applies a plan's links to the stored items. Pure.
//!
//! There are no chains. A conversation with identities is linked to itself, by the item that would link an identity
//! to its conversation. So one condition on one item, inside the transaction, decides whether a name is a
//! conversation or an identity, for any order of events.

use crate::event::plan::{EventPlan, Linking};
use crate::failure::{Failure, FailureKind};
use crate::view::View;
use crate::work::Applied;
use tidings_core::claim::Outcome;
use tidings_core::context::{Content, Item, ItemKey, Link, Order, Place};

/// Adds the items that the links write. If a rule's link conflicts, it is counted and the event continues. If an
/// external or manual link conflicts, it fails with its reason.
pub(crate) fn link(applied: &mut Applied, view: &View, plan: &EventPlan, order: &Order) -> Result<(), Failure> {
    if plan.links.is_empty() {
        return Ok(());
    }
    let refused = |applied: &mut Applied, failure: FailureKind| match plan.linking {
        Linking::ByRule => {
            applied.conflicts += 1;
            Ok(())
        }
        Linking::Stated | Linking::Moved => Err(Failure::from(failure)),
    };
    if view.link(&view.partition).is_some_and(|to| to != view.partition) {
        return refused(applied, FailureKind::LinkTarget);
    }
    for identity in &plan.links {
        match view.link(identity) {
            None => make(applied, view, identity, order),
            Some(to) if to == view.partition => {}
            Some(to) if to == identity => refused(applied, FailureKind::LinkedTo)?,
            Some(before) if plan.linking == Linking::Moved => {
                let mirror = Place::new(before, ItemKey::Identity(identity.clone()));
                if let Some(version) = view.items.get(&mirror).and_then(|item| item.version) {
                    applied.deletes.insert(mirror, version);
                }
                make(applied, view, identity, order);
            }
            Some(_) => applied.conflicts += 1,
        }
    }
    Ok(())
}

fn make(applied: &mut Applied, view: &View, identity: &str, order: &Order) {
    let link = Content::Link(Link { conversation: view.partition.clone(), order: order.clone() });
    let own = view.place(ItemKey::Link);
    let has_own = view.items.contains_key(&own);
    let places = [Place::new(identity, ItemKey::Link), view.place(ItemKey::Identity(identity.to_owned()))];
    for place in places.into_iter().chain((!has_own).then_some(own)) {
        let version = view.items.get(&place).and_then(|item| item.version);
        applied.items.insert(place, Item { version, content: link.clone() });
    }
    applied.links.push(identity.to_owned());
    applied.outcome = Outcome::Applied;
}
