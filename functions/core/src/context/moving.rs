//! What was kept under an identity becomes its conversation's, as if the link had come first.

use super::{Content, Item, ItemKey, Outgoing, Place, fact};
use crate::due::Due;
use crate::ports::Rewrite;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// The write that moves these items of an identity. `theirs` are the conversation's, as far as they are there. What is no
/// item of a conversation (the link itself) stays.
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
        let Some(content) = together(&item.content, stored.map(|item| &item.content), conversation, now) else { continue };
        rewrite.puts.insert(place, Item { version: stored.and_then(|item| item.version), content });
        if let Some(version) = item.version {
            rewrite.deletes.insert(Place::new(identity, key.clone()), version);
        }
    }
    rewrite
}

fn together(from: &Content, to: Option<&Content>, conversation: &str, now: Timestamp) -> Option<Content> {
    match (from, to.cloned()) {
        (Content::Facts(facts), Some(Content::Facts(ours))) => Some(Content::Facts(fact::merge_all(ours, facts.clone()))),
        (Content::Facts(_), _) => Some(from.clone()),
        (Content::Outbox(outbox), to) => {
            let mut ours = match to {
                Some(Content::Outbox(ours)) => ours,
                Some(Content::Facts(_) | Content::Join(_) | Content::Link(_)) | None => super::Outbox::default(),
            };
            outbox.waiting.iter().for_each(|waiting| ours.put(waiting.what.clone()));
            // Now there is somebody to send them to: the policy looks at each.
            for proposal in &outbox.held {
                let due = Due::Action { conversation: conversation.to_owned(), proposal: proposal.clone() };
                ours.put(Outgoing::Timer { due: now, message: due.envelope(now, now).encode() });
            }
            Some(Content::Outbox(ours))
        }
        (Content::Join(_) | Content::Link(_), _) => None,
    }
}
