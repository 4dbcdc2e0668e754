//! A year of one conversation: its ordinary days, an outage, and customers who mean harm. Whatever they fill, every event has its
//! effect, nothing grows without bound, and an urgent event is said.

use crate::support::{Harness, MAX_RECEIVES, Sent, message, on_the_links_queue};
use serde_json::{Value, json};
use std::time::Duration;
use tidings_config::time::Clock;
use tidings_core::claim::ClaimState;
use tidings_core::external_link::ExternalLink;
use tidings_core::memory::{Call, Fault};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
policy:
  quiet_hours: { from: "22:00", to: "07:00", zone: UTC }
  cap: { at_most: 3, within: 24h }
conversations:
  - { on: "payment.*", identity: "'customer:' + data.customer" }
  - { on: "*", conversation: data.who }
rules:
  - { name: moved, on: order.moved, set: { status: data.status }, count: { moves: 1 }, notify: { text: "order {data.status}" } }
  - { name: paid, on: payment.made, count: { payments: 1 }, notify: { text: "{data.note} paid" } }
  - { name: tagged, on: tagged, entity: "'profile'", add: { tags: data.tag }, notify: { text: "tag {data.tag}", cap: { at_most: 2, within: 7d } } }
  - { name: fire, on: fire, entity: "'alarm'", count: { fires: 1 }, priority: urgent, notify: { text: "fire {data.n}" } }
"#;

/// DynamoDB's limit.
const ITEM_BYTES: usize = 400 * 1024;

struct Year {
    harness: Harness,
    events: usize,
}

impl Year {
    fn new() -> Self {
        let rules = read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"));
        Self { harness: Harness::with(rules, |store| store), events: 0 }
    }

    /// One event, received now. It has its effect at its first receive.
    async fn event(&mut self, event_type: &'static str, data: Value) {
        self.events += 1;
        let id: &'static str = Box::leak(format!("e{}", self.events).into_boxed_str());
        let mut envelope = Sent { id, event_type, order: "1", age_seconds: 0, data }.envelope();
        envelope.receivedtime = self.harness.clock.now();
        envelope.time = Some(self.harness.clock.now());
        let body = envelope.encode();
        for receive in 1..=MAX_RECEIVES {
            let failed = self.harness.handle(vec![message("m", &body, receive)]).await;
            assert_eq!(self.harness.state(&format!("orders#{id}")), Some(ClaimState::Processed), "{event_type} {id}");
            if failed.is_empty() {
                return;
            }
        }
    }

    /// So much later. Nothing in the tables is larger than it may be, and there aren't many timers.
    async fn later(&self, hours: u64) {
        self.harness.pass(Duration::from_secs(hours * 3_600)).await;
        for (place, item) in self.harness.store.items() {
            let bytes = item.content.encode().len();
            assert!(bytes < ITEM_BYTES, "{place:?}: {bytes} bytes");
        }
        let timers = self.harness.outside.waiting();
        assert!(timers <= 4, "{timers} timers of one conversation");
    }

    async fn urgent(&mut self, n: usize) {
        self.event("fire", json!({"who": "ann", "n": n})).await;
        let said = self.harness.said("ann");
        assert!(said.contains(&format!("fire {n}")), "an urgent event is said: {:?}", said.last());
    }
}

#[tokio::test]
async fn an_urgent_event_is_sent_after_a_year_of_ordinary_days() {
    let mut year = Year::new();
    for day in 0..365_usize {
        for status in ["packed", "shipped", "delivered"] {
            year.event("order.moved", json!({"who": "ann", "status": format!("{status} on day {day}")})).await;
            year.later(8).await;
        }
        year.event("tagged", json!({"who": "ann", "tag": format!("day{}", day % 100)})).await;
        if day % 30 == 0 {
            year.urgent(day).await;
        }
    }
    year.urgent(999).await;
    assert_eq!(year.harness.fact("ann", "order/1", "moves"), 3 * 365);
    assert!(year.harness.said("ann").len() > 365, "the rest wasn't starved");
}

#[tokio::test]
async fn filling_the_deferred_notifications_blocks_no_urgent_one() {
    let mut year = Year::new();
    // A year of bursts over the cap, with texts as long as they may be.
    for week in 0..52 {
        for n in 0..30 {
            year.event("order.moved", json!({"who": "ann", "status": format!("{week}/{n} {}", "x".repeat(3_900))})).await;
        }
        year.urgent(week).await;
        year.later(7 * 24).await;
    }
    year.urgent(999).await;
    assert_eq!(year.harness.fact("ann", "order/1", "moves"), 52 * 30, "no event lost its effect");
}

#[tokio::test]
async fn identities_without_a_link_for_a_year_are_bounded_and_their_conversation_still_sends() {
    let mut year = Year::new();
    for week in 0..52 {
        for n in 0..15 {
            for customer in ["c1", "c2", "c3"] {
                let note = format!("{week}/{n} {}", "x".repeat(1_500));
                year.event("payment.made", json!({"customer": customer, "note": note})).await;
            }
        }
        year.later(7 * 24).await;
    }
    for customer in ["c1", "c2", "c3"] {
        let (time, identity) = (year.harness.clock.now(), format!("customer:{customer}"));
        let link = ExternalLink { id: identity.clone(), time, identity, conversation: "ann".into(), moves: false };
        assert_eq!(year.harness.handle(vec![on_the_links_queue("m", &link.encode(), 1)]).await, [""; 0]);
    }
    year.urgent(1).await;
    year.later(24).await;
    assert_eq!(year.harness.fact("ann", "order/1", "payments"), 52 * 15 * 3);
}

#[tokio::test]
async fn an_urgent_event_is_sent_after_a_week_without_the_actions_queue() {
    let mut year = Year::new();
    year.harness.faults.fail(Call::Act, Fault::Refuse, 1_000_000);
    for day in 0..7 {
        for n in 0..100 {
            year.event("fire", json!({"who": "ann", "n": format!("{day}/{n} {}", "x".repeat(2_000))})).await;
        }
        year.harness.clock.advance(Duration::from_secs(86_400));
    }
    year.harness.faults.clear();
    year.urgent(999).await;
    let said = year.harness.said("ann");
    assert_eq!(said.len(), 701, "each once");
    assert!(said[0].starts_with("fire 0/0 ") && said[700] == "fire 999", "in order");
}
