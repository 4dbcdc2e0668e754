//! The bound on events with one body. See [`Deliveries`].

use crate::failure::{Failure, FailureKind};
use crate::view::View;
use crate::work::Applied;
use tidings_config::time::Timestamp;
use tidings_core::context::{Content, Deliveries, Item, Place};

impl Applied {
    /// Counts the event among those with its body, at this place.
    pub(crate) fn count_delivery(&mut self, view: &View, place: &Place, now: Timestamp) -> Result<(), Failure> {
        let (version, before) = view.deliveries(place);
        let Some(deliveries) = before.with_one_more() else {
            return Err(FailureKind::RepeatedBody { again: Deliveries::again(now) }.into());
        };
        self.repeats_a_body = before.events > 0;
        self.items.insert(place.clone(), Item { version, content: Content::Deliveries(deliveries) });
        Ok(())
    }
}
