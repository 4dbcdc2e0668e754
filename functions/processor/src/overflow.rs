//! Values that exceeded a full collection, or that aren't on their ladder. Only the value is dropped; the event's
//! claim and a metric record it.

use std::fmt::Display;
use tidings_core::context::{Dropped, ItemKey, Loss};
use tidings_core::telemetry::Metric;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Events of a join's window.
    Join,
    /// Elements of a set.
    Set,
    /// Values of facts.
    Fact,
    /// Values that aren't on their ladder.
    Ladder,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Overflow {
    pub full: Full,
    /// The line for the claim.
    pub line: String,
}

impl Full {
    /// The collection from which an item lost a value.
    pub const fn of(loss: Loss) -> Self {
        match loss {
            Loss::Elements(_) => Self::Set,
            Loss::Value => Self::Fact,
        }
    }

    /// Counts one more, for a source.
    pub fn count(self, source: &str) {
        match self {
            Self::Join => Metric::Overflow.count_as(source, "join"),
            Self::Set => Metric::Overflow.count_as(source, "set"),
            Self::Fact => Metric::Overflow.count_as(source, "fact"),
            Self::Ladder => Metric::OffLadder.count(source),
        }
    }
}

impl Overflow {
    /// `place`: a rule's field, a fact of an entity, or a join.
    pub fn new(full: Full, place: impl Display, what: impl Display) -> Self {
        Self { full, line: format!("{place} dropped: {what}") }
    }

    /// The overflow of an item.
    pub fn of_item(key: &ItemKey, dropped: &Dropped) -> Self {
        let place = if let ItemKey::Entity(entity) = key { format!("{entity}.{}", dropped.fact) } else { dropped.fact.clone() };
        Self::new(Full::of(dropped.loss), place, dropped.loss)
    }
}
