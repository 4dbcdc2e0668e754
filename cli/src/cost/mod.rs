//! The bill of a month: what Tidings takes of AWS, times AWS's list prices.
//!
//! Promises: each item is a quantity, a price and their product. Quantities are counted (`infra/cost/counted.json`, which
//! tests/cost writes) or assumed (`infra/cost/assumed.toml`); prices are dated and have a source
//! (`infra/cost/us-east-1.toml`). README, docs/deploy.md and the dashboard have their numbers from here. Never: a free
//! tier, a discount, a tax.

mod bill;
mod counts;
mod outward;
mod prices;
mod services;
mod tables;
mod usage;
mod variant;

pub use bill::{Bill, Item, Line};
pub use counts::{Assumed, Counted, Counts, Series, Taken};
pub use prices::{Price, Prices, US_EAST_1};
pub use services::{Other, others};
pub(crate) use tables::{amount, dollars};
pub use tables::{each_million, of_a_month, of_others, of_variants};
pub use usage::Usage;
pub use variant::{Architecture, FrontDoor, Share, SinkKind, Variant};

/// A million, in which prices are said.
pub(crate) const MILLION: f64 = 1e6;

/// A number of events, exactly up to 2⁵³, far above any that is priced.
pub(crate) fn real(number: u64) -> f64 {
    number as f64
}
