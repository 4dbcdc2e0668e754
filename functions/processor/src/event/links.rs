//! Applies a plan's links to the stored items. Pure. [`Linked`] decides; this module writes the items.

use crate::event::plan::{EventPlan, Linking};
use crate::failure::{Failure, FailureKind};
use crate::view::View;
use crate::work::Applied;
use tidings_core::claim::Outcome;
use tidings_core::context::{Content, Item, ItemKey, Link, Linked, Order, Place};

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
    let its_link = view.link(&view.partition);
    for identity in &plan.links {
        let link = view.link(identity);
        match Linked::of(&view.partition, its_link, identity, link) {
            Linked::Make => make(applied, view, identity, order),
            Linked::Known => {}
            Linked::TargetIsIdentity => return refused(applied, FailureKind::LinkTarget),
            Linked::IsConversation => refused(applied, FailureKind::LinkedTo)?,
            Linked::Elsewhere if plan.linking == Linking::Moved => {
                let mirror = link.map(|before| Place::new(before, ItemKey::Identity(identity.clone())));
                let known = mirror.and_then(|mirror| view.items.get_key_value(&mirror));
                if let Some((mirror, Item { version: Some(version), .. })) = known {
                    applied.deletes.insert(mirror.clone(), *version);
                }
                make(applied, view, identity, order);
            }
            Linked::Elsewhere => applied.conflicts += 1,
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
