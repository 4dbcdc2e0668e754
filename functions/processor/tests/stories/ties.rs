//! Events of one time: facts, the dialogue node and notifications follow one order, in every order of arrival.

use crate::support::{Harness, MAX_RECEIVES, message, now};
use serde_json::{Value, json};
use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: "'ann'" }]
policy: { quiet_hours: { from: "22:00", to: "07:00", zone: UTC } }
rules:
  - { name: status, on: "message.*", set: { status: event.type } }
  - { name: subscription, on: "customer.subscription.*", set: { state: data.state } }
  - name: shipped
    on: order.shipped
    set: { status: "'shipped'" }
    goto: shipped
    notify: { text: on its way }
    if_stale: skip
  - name: delivered
    on: order.delivered
    set: { status: "'delivered'" }
    goto: delivered
    notify: { text: is there }
  - { name: told, on: "told.*", notify: { text: "{event.type}" } }
"#;

/// One event of the same second as all others.
#[derive(Clone, Copy)]
struct Event {
    event_type: &'static str,
    /// Its key has the opposite order of the deciding fields.
    id: &'static str,
    sequence: Option<u64>,
    rank: u32,
    received_after: Duration,
    subject: &'static str,
}

const EVENT: Event =
    Event { event_type: "", id: "e", sequence: None, rank: 0, received_after: Duration::from_secs(1), subject: "order/1" };

impl Event {
    fn body(self, data: &Value) -> String {
        let time = now().minus(Duration::from_secs(60));
        let mut envelope = Envelope::new(NewEnvelope {
            id: self.id.to_owned(),
            source: "s".to_owned(),
            event_type: self.event_type.to_owned(),
            subject: Some(self.subject.to_owned()),
            time: Some(time),
            conversation: None,
            sequence: self.sequence,
            received: time.plus(self.received_after),
            claim_key: ClaimKey::new("s", self.id),
            traceparent: None,
            payload: Payload::Json(serde_json::value::to_raw_value(data).unwrap()),
        });
        envelope.rank = self.rank;
        envelope.encode()
    }
}

fn rules() -> tidings_config::rules::Rules {
    read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"))
}

/// All orders of three.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

async fn after(bodies: &[String], order: &[usize]) -> Harness {
    let harness = Harness::with(rules(), |store| store);
    for n in order {
        assert_eq!(harness.handle(vec![message("m", &bodies[*n], MAX_RECEIVES)]).await, [""; 0]);
    }
    harness
}

#[tokio::test]
async fn the_highest_rank_wins_among_states_of_one_second() {
    let sent = Event { event_type: "message.sent", id: "z", rank: 1, ..EVENT };
    let delivered = Event { event_type: "message.delivered", id: "y", rank: 2, ..EVENT };
    let read = Event { event_type: "message.read", id: "x", rank: 3, ..EVENT };
    let bodies = [sent, delivered, read].map(|event| event.body(&json!({})));
    for order in ORDERS {
        let harness = after(&bodies, &order).await;
        assert_eq!(harness.fact("ann", "order/1", "status"), "message.read", "{order:?}");
    }
}

#[tokio::test]
async fn without_a_rank_the_first_received_is_older() {
    let created = Event { event_type: "customer.subscription.created", id: "z", ..EVENT };
    let later = |ms| EVENT.received_after + Duration::from_millis(ms);
    let updated = Event { event_type: "customer.subscription.updated", id: "y", received_after: later(2), ..EVENT };
    let again = Event { id: "x", received_after: later(3), ..updated };
    let bodies = [
        created.body(&json!({"state": "incomplete"})),
        updated.body(&json!({"state": "active"})),
        again.body(&json!({"state": "paused"})),
    ];
    for order in ORDERS {
        let harness = after(&bodies, &order).await;
        assert_eq!(harness.fact("ann", "order/1", "state"), "paused", "{order:?}");
    }
}

#[tokio::test]
async fn no_notification_is_sent_for_an_overtaken_state() {
    let shipped = Event { event_type: "order.shipped", id: "z", sequence: Some(1), ..EVENT };
    let delivered = Event { event_type: "order.delivered", id: "y", sequence: Some(2), ..EVENT };
    let bodies = [shipped, delivered].map(|event| event.body(&json!({})));
    for (order, said) in [([0, 1], &["on its way", "is there"][..]), ([1, 0], &["is there"])] {
        let harness = after(&bodies, &order).await;
        assert_eq!(harness.node("ann"), Some(json!("delivered")), "{order:?}");
        assert_eq!(harness.fact("ann", "order/1", "status"), "delivered", "{order:?}");
        assert_eq!(harness.said("ann"), said, "{order:?}");
    }
}

/// Of one conversation, what waits for the morning is of several entities.
#[tokio::test]
async fn waiting_notifications_are_sent_in_the_order_of_events() {
    let told = |event_type, id, sequence, rank| Event { event_type, id, sequence: Some(sequence), rank, ..EVENT };
    let bodies = [told("told.one", "z", 1, 9), told("told.two", "y", 2, 0), told("told.three", "x", 2, 1)]
        .map(|event| event.body(&json!({})));
    for order in ORDERS {
        let harness = Harness::with(rules(), |store| store);
        harness.clock.set(Timestamp::parse_rfc3339("2026-11-22T23:00:00Z").unwrap());
        for n in order {
            assert_eq!(harness.handle(vec![message("m", &bodies[n], 1)]).await, [""; 0]);
        }
        assert_eq!(harness.said("ann"), [""; 0], "it is night");
        harness.pass(Duration::from_secs(12 * 3_600)).await;
        assert_eq!(harness.said("ann"), ["told.one", "told.two", "told.three"], "{order:?}");
    }
}
