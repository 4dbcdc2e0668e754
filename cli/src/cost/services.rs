//! The same events elsewhere: services with published prices, and programs that do the job with the same services of AWS.

use super::bill::Bill;
use super::counts::{Counted, Counts, Taken};
use super::prices::Prices;
use super::usage::Usage;
use super::variant::{FrontDoor, Variant};
use super::{Share, real};
use serde::{Deserialize, Serialize};

const SERVICES: &str = include_str!("../../../infra/cost/services.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Services {
    service: Vec<Service>,
}

/// A plan with a published price.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    name: String,
    dollars_a_month: f64,
    included_events: u64,
    /// The price of an event beyond the included ones. `None`: it isn't published.
    dollars_an_event: Option<f64>,
    #[serde(default)]
    at_most_per_second: Option<u64>,
    source: String,
    read: String,
}

/// Another way to receive the same events, and its bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Other {
    pub name: String,
    pub dollars: f64,
    /// The rate for further events isn't published: it costs this or more.
    pub at_least: bool,
    pub note: String,
    /// Page and date of the price. `None`: AWS's prices, as for Tidings.
    pub source: Option<String>,
}

/// What the events of a month cost elsewhere. Nothing that is fixed is part of it, except a plan's own price.
pub fn others(variant: &Variant, counts: &Counts, prices: &Prices) -> Result<Vec<Other>, String> {
    let services: Services = toml::from_str(SERVICES).map_err(|error| format!("infra/cost/services.toml: {error}"))?;
    let deliveries = real(variant.events) * (1.0 + variant.duplicates.0) + real(variant.forged);
    let mut others: Vec<Other> = services.service.iter().map(|service| service.bill(deliveries)).collect();
    others.push(bus(variant, counts, prices));
    others.push(python(variant, counts, prices));
    Ok(others)
}

impl Service {
    fn bill(&self, deliveries: f64) -> Other {
        let further = (deliveries - real(self.included_events)).max(0.0);
        let limit = self.at_most_per_second.map(|limit| format!(", at most {limit} a second"));
        let included = format!("{} events included{}", self.included_events, limit.unwrap_or_default());
        let unpublished = self.dollars_an_event.is_none() && further > 0.0;
        Other {
            name: self.name.clone(),
            dollars: self.dollars_a_month + further * self.dollars_an_event.unwrap_or_default(),
            at_least: unpublished,
            note: if unpublished { format!("{included}; the rate of further events isn't published as text") } else { included },
            source: Some(format!("{} ({})", self.source, self.read)),
        }
    }
}

/// The counts of a program that does the job in Python, with the lines and the metrics of ours.
fn in_python(counts: &Counts) -> Counts {
    let ours = &counts.counted;
    let mut counted =
        Counted { accepted: ours.python_accepted.clone(), processed: ours.python_processed.clone(), ..ours.clone() };
    (counted.accepted.line_bytes, counted.accepted.metric_bytes) = (ours.accepted.line_bytes, ours.accepted.metric_bytes);
    (counted.processed.line_bytes, counted.processed.metric_bytes) = (ours.processed.line_bytes, ours.processed.metric_bytes);
    let mut assumed = counts.assumed;
    (assumed.accepted_ms, assumed.processed_ms) = (assumed.python_accepted_ms, assumed.python_processed_ms);
    Counts { counted, assumed }
}

/// Receiver and processor of tests/bench/peers: Powertools' idempotency and batches, on the same tables and queue.
fn python(variant: &Variant, counts: &Counts, prices: &Prices) -> Other {
    let variant = Variant {
        actions_per_event: 0.0,
        timers: 0,
        stored_event_bytes: None,
        publisher: false,
        outbox: Share(0.0),
        ..variant.clone()
    };
    let mut usage = Usage::counted(&variant, &in_python(counts));
    // Its claims have no index.
    usage.table_gb = usage.backup_gb;
    Other {
        name: "Python with Powertools".to_owned(),
        dollars: Bill::of(&usage, &variant, prices).of_events(),
        at_least: false,
        note: "the peer of tests/bench, without actions: no timeline, outbox, deferral or joins".to_owned(),
        source: None,
    }
}

/// A bus takes the place of front door, receiver, claim and queue; the peer's processor does the rest.
fn bus(variant: &Variant, counts: &Counts, prices: &Prices) -> Other {
    let mut counts = in_python(counts);
    let only_processor = Variant {
        duplicates: Share(0.0),
        forged: 0,
        actions_per_event: 0.0,
        timers: 0,
        batch_size: 1.0,
        front_door: FrontDoor::FunctionUrl,
        stored_event_bytes: None,
        publisher: false,
        outbox: Share(0.0),
        ..variant.clone()
    };
    counts.counted.accepted = Taken::default();
    counts.assumed.accepted_ms = 0.0;
    let mut usage = Usage::counted(&only_processor, &counts);
    let events = real(variant.events);
    // A target is invoked once for each event, and there is no queue to poll.
    (usage.invocations, usage.event_queue_requests, usage.table_gb) = (events, 0.0, usage.backup_gb);
    Other {
        name: "EventBridge, partner events".to_owned(),
        dollars: prices.custom_event.of(events * (1.0 + variant.duplicates.0))
            + Bill::of(&usage, &only_processor, prices).of_events(),
        at_least: false,
        note: "of AWS's partners alone (Stripe, Shopify …), with the Python peer's processor as the target".to_owned(),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_costs_its_price_and_what_is_not_included() {
        let (counts, prices) = (Counts::shipped().expect("counts"), Prices::shipped().expect("prices"));
        let of = |events: u64| others(&Variant { events, ..Variant::default() }, &counts, &prices).expect("others");
        let named = |others: &[Other], name: &str| others.iter().find(|other| other.name == name).cloned().expect("it");
        let million = of(1_000_000);
        assert!((named(&million, "Svix, Free").dollars - 95.0).abs() < 1e-6);
        assert!((named(&million, "Svix, Professional").dollars - 585.0).abs() < 1e-6);
        assert!(named(&million, "Hookdeck, Team").at_least);
        let few = of(10_000);
        assert!(!named(&few, "Hookdeck, Team").at_least && named(&few, "Svix, Free").dollars.abs() < 1e-9);
        let bus = named(&million, "EventBridge, partner events").dollars;
        assert!(bus > 1.0 && bus < named(&million, "Python with Powertools").dollars, "{million:?}");
    }
}
