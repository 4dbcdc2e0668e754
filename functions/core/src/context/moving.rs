//! What is known under an identity becomes its conversation's, as if the link had come first.
//!
//! What is to be sent or said later isn't moved here: it is sent first, and said by its own rules ([`super::Deferred`]).

use super::{Content, Item, ItemKey, Place, fact};
use crate::ports::Rewrite;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// The write that moves these items of an identity. `theirs` are the conversation's, as far as they are there. What isn't
/// known of somebody (the link itself, an outbox) stays.
pub fn moved(
    identity: &str,
    items: &BTreeMap<ItemKey, Item>,
    conversation: &str,
    theirs: &BTreeMap<Place, Item>,
    now: Timestamp,
) -> Rewrite {
    let mut rewrite = Rewrite { puts: BTreeMap::new(), deletes: BTreeMap::new(), at: now };
    for (key, item) in items {
        let place = Place::new(conversation, key.clone());
        let stored = theirs.get(&place);
        let Some(content) = together(&item.content, stored.map(|item| &item.content)) else { continue };
        rewrite.puts.insert(place, Item { version: stored.and_then(|item| item.version), content });
        if let Some(version) = item.version {
            rewrite.deletes.insert(Place::new(identity, key.clone()), version);
        }
    }
    rewrite
}

fn together(from: &Content, to: Option<&Content>) -> Option<Content> {
    match (from, to) {
        (Content::Facts(facts), Some(Content::Facts(ours))) => Some(Content::Facts(fact::merge_all(ours.clone(), facts.clone()))),
        (Content::Facts(_), _) => Some(from.clone()),
        (Content::Deferred(_) | Content::Join(_) | Content::Link(_) | Content::Outbox(_) | Content::OutboxPage(_), _) => None,
    }
}
