//! Moves an identity's facts to its conversation, with the same result as if the link had come first.
//!
//! Pending actions aren't moved here: actions in the outbox are sent first, and deferred ones have rules of their own
//! ([`super::Deferred`]).

use super::{Content, Dropped, Facts, Item, ItemKey, Place, fact, fit};
use crate::ports::Rewrite;
use std::collections::BTreeMap;
use tidings_config::time::Timestamp;

/// A move.
#[derive(Clone, Debug)]
pub struct Moved {
    pub rewrite: Rewrite,
    /// What was dropped for lack of room when two items were merged.
    pub dropped: Vec<Dropped>,
}

/// The write that moves these items of an identity. `theirs` are the conversation's existing items. Items that aren't
/// facts (the link itself, an outbox) stay.
pub fn moved(
    identity: &str,
    items: &BTreeMap<ItemKey, Item>,
    conversation: &str,
    theirs: &BTreeMap<Place, Item>,
    now: Timestamp,
) -> Moved {
    let mut dropped = Vec::new();
    let mut rewrite = Rewrite { puts: BTreeMap::new(), deletes: BTreeMap::new(), at: now };
    for (key, item) in items {
        let place = Place::new(conversation, key.clone());
        let stored = theirs.get(&place);
        let Some(mut facts) = together(&item.content, stored.map(|item| &item.content)) else { continue };
        dropped.extend(fit(&mut facts, now));
        rewrite.puts.insert(place, Item { version: stored.and_then(|item| item.version), content: Content::Facts(facts) });
        if let Some(version) = item.version {
            rewrite.deletes.insert(Place::new(identity, key.clone()), version);
        }
    }
    Moved { rewrite, dropped }
}

fn together(from: &Content, to: Option<&Content>) -> Option<Facts> {
    match (from, to) {
        (Content::Facts(facts), Some(Content::Facts(ours))) => Some(fact::merge_all(ours.clone(), facts.clone())),
        (Content::Facts(facts), _) => Some(facts.clone()),
        (
            Content::Deferred(_)
            | Content::Deliveries(_)
            | Content::Feed(_)
            | Content::FeedPage(_)
            | Content::Join(_)
            | Content::Link(_)
            | Content::Outbox(_)
            | Content::OutboxPage(_)
            | Content::Reminder(_)
            | Content::Turn(_),
            _,
        ) => None,
    }
}
