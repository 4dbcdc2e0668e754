//! Adds an event to the joins that it takes part in.

use crate::overflow::{Full, Overflow};
use crate::work::Work;
use tidings_config::rules::Join;
use tidings_core::claim::ClaimKey;
use tidings_core::context::{Content, Item, ItemKey, Place, Seen, Terms, join_partition};
use tidings_core::internal_event::InternalEvent;

impl Work<'_> {
    /// Adds an event to a join, as one or several of its legs.
    pub(super) fn see(&mut self, join: &Join, key: &str, legs: &[Seen], because_of: &ClaimKey) {
        let now = self.at.now;
        let terms = Terms::of(join);
        let partition = join_partition(&join.name, key);
        let (version, stored) = self.view.join(&partition);
        let before = stored.under(&terms, now);
        let mut state = before.clone();
        let lost: usize = legs.iter().map(|seen| state.see(seen.clone(), &terms, now)).sum();
        if lost > 0 {
            let what = if lost == 1 { "1 event of its window".to_owned() } else { format!("{lost} events of its window") };
            self.applied.overflows.push(Overflow::new(Full::Join, &join.name, what));
        }
        self.applied.joins.push(partition.clone());
        if state == before {
            return;
        }
        for due in state.timers(&before, &terms, now) {
            let (join, key, because_of) = (join.name.clone(), key.to_owned(), because_of.clone());
            self.timer(&InternalEvent::Join { join, key, because_of, postponed: 0 }, due);
        }
        let item = Item { version, content: Content::Join(state) };
        self.applied.items.insert(Place::new(partition, ItemKey::Join), item);
    }
}
