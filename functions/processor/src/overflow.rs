//! What had no room in a full collection. It costs itself; the event's claim and a metric say so.

use std::fmt::Display;
use tidings_core::context::{Dropped, ItemKey, Loss};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Events of a join's window.
    Join,
    /// Elements of a set.
    Set,
    /// Values of facts.
    Fact,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Overflow {
    pub full: Full,
    /// For the claim.
    pub line: String,
}

impl Full {
    /// What it was that an item has lost.
    pub const fn of(loss: Loss) -> Self {
        match loss {
            Loss::Elements(_) => Self::Set,
            Loss::Value => Self::Fact,
        }
    }

    /// For the metric.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Set => "set",
            Self::Fact => "fact",
        }
    }
}

impl Overflow {
    /// `place`: a rule's field, a fact of an entity, or a join.
    pub fn new(full: Full, place: impl Display, what: impl Display) -> Self {
        Self { full, line: format!("{place} dropped: {what}") }
    }

    /// What an item has lost.
    pub fn of_item(key: &ItemKey, dropped: &Dropped) -> Self {
        let place = if let ItemKey::Entity(entity) = key { format!("{entity}.{}", dropped.fact) } else { dropped.fact.clone() };
        Self::new(Full::of(dropped.loss), place, dropped.loss)
    }
}
