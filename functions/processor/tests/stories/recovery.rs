//! A message whose effect is in the context is finished by what was recorded, whatever the rules, the fetched objects or the
//! tables say by then.

use crate::support::{AMPLE, Harness, MAX_RECEIVES, Sent, another, handle};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tidings_config::limits::{MAX_EVENT_AGE, OBJECT_LIFETIME};
use tidings_config::rules::Rules;
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_core::context::{ItemKey, Place};
use tidings_core::memory::log::{capture, counted, lines_with};
use tidings_core::memory::{Call, Fault};
use tidings_core::telemetry::Metric;
use tidings_project::read_rules;

const TICKET: &str = "https://api.tickets.example/v2/tickets/7";

const RULES: &str = r#"
version: 1
apis:
  tickets: { url: "https://api.tickets.example/v2/", secret: bearer }
conversations:
  - { on: "ticket.*", conversation: data.who }
  - { on: "*", identity: "'customer:' + data.customer" }
rules:
  - name: ticket
    on: ticket.updated
    enrich: { from: tickets, path: "tickets/{data.id}", if_gone: skip }
    link: "'customer:' + fetched.customer"
    set: { title: fetched.title }
    notify: { text: "Ticket {data.id}: {fetched.title}" }
  - { name: paid, on: payment.made, count: { payments: 1 }, notify: { text: "{data.cents} paid" } }
"#;

/// The same events mean nothing, something else, or can't be planned at all.
const OTHER_RULES: [&str; 3] = [
    "version: 1\nconversations: [{ on: 'ticket.*', conversation: data.who }]\nrules: []\n",
    "version: 1\nconversations: [{ on: '*', conversation: \"'else:' + data.who\" }]\nrules:\n  - { name: other, on: '*', set: { x: data.id }, link: \"'customer:other'\", notify: { text: other } }\n",
    "version: 1\nconversations: [{ on: '*', conversation: data.nothing }]\nrules: []\n",
];

fn rules(yaml: &str) -> Rules {
    read_rules("rules.yaml", yaml, &[]).unwrap_or_else(|report| panic!("{report}"))
}

fn harness() -> Harness {
    Harness::with(rules(RULES), |store| store)
}

fn event(id: &'static str, event_type: &'static str, data: Value) -> Sent {
    Sent { id, event_type, order: "1", age_seconds: 0, data }
}

fn ticket() -> Sent {
    event("t1", "ticket.updated", json!({"who": "ann", "id": "7"}))
}

fn payment(id: &'static str, customer: &str) -> Sent {
    event(id, "payment.made", json!({"customer": customer, "cents": 100}))
}

fn serve(harness: &Harness, customer: &str) {
    harness.outside.https.put(TICKET, json!({"title": "It leaks", "customer": customer}).to_string());
}

/// Its first receive links `customer:c1` to ann, and fails after the transaction.
async fn committed_and_not_finished(harness: &Harness, call: Call) {
    serve(harness, "c1");
    for payment in [payment("p1", "c1"), payment("p2", "c2")] {
        assert_eq!(harness.handle(vec![payment.message(1)]).await, [""; 0]);
    }
    harness.faults.fail(call, Fault::Refuse, 1);
    assert_eq!(harness.handle(vec![ticket().message(1)]).await, ["m-t1"]);
    assert_eq!(harness.state("orders#t1"), Some(ClaimState::Processed));
}

#[tokio::test]
async fn a_retry_moves_only_the_recorded_identity() {
    for call in [Call::Act, Call::First, Call::Rewrite] {
        let harness = harness();
        committed_and_not_finished(&harness, call).await;
        // The ticket belongs to another customer now.
        serve(&harness, "c2");
        harness.clock.advance(OBJECT_LIFETIME);
        assert_eq!(harness.handle(vec![ticket().message(2)]).await, [""; 0], "{call:?}");
        harness.settle().await;
        assert_eq!(harness.fact("ann", "order/1", "payments"), 1, "{call:?}: c1's");
        assert_eq!(harness.fact("customer:c2", "order/1", "payments"), 1, "{call:?}: c2 keeps its own");
        assert_eq!(harness.store.context("ann").identities, ["customer:c1"], "{call:?}");
        assert_eq!(harness.said("ann").iter().filter(|text| *text == "100 paid").count(), 1, "{call:?}");
    }
}

#[tokio::test]
async fn a_redrive_moves_the_recorded_identity_at_its_first_receive() {
    let harness = harness();
    committed_and_not_finished(&harness, Call::First).await;
    serve(&harness, "c2");
    harness.clock.advance(OBJECT_LIFETIME);
    assert_eq!(harness.handle(vec![ticket().message(1)]).await, [""; 0]);
    harness.settle().await;
    assert_eq!(
        (harness.fact("ann", "order/1", "payments"), harness.fact("customer:c2", "order/1", "payments")),
        (json!(1), json!(1))
    );
}

#[tokio::test]
async fn waiting_actions_are_sent_despite_a_missing_object_or_api() {
    for gone in [Some(404), Some(500), None] {
        let harness = harness();
        committed_and_not_finished(&harness, Call::Act).await;
        match gone {
            Some(status) => harness.outside.https.answer(TICKET, status),
            None => harness.faults.fail(Call::Get, Fault::Refuse, 99),
        }
        harness.clock.advance(OBJECT_LIFETIME);
        let asked = harness.outside.https.asked().len();
        assert_eq!(harness.handle(vec![ticket().message(2)]).await, [""; 0], "{gone:?}");
        assert_eq!(harness.said("ann")[0], "Ticket 7: It leaks", "{gone:?}");
        assert_eq!(harness.outside.https.asked().len(), asked, "{gone:?}: what is recorded needs no object");
    }
}

#[tokio::test]
async fn changed_rules_do_not_affect_a_committed_event() {
    for yaml in OTHER_RULES {
        for receive in [1, 2, MAX_RECEIVES] {
            for call in [Call::Act, Call::First, Call::Rewrite] {
                let harness = harness();
                committed_and_not_finished(&harness, call).await;
                let before = harness.store.context("ann").entities.len();
                let newer = another(rules(yaml), Arc::clone(&harness.store), &harness.clock, &harness.outside);
                let mut failed = handle(&newer, vec![ticket().message(receive)], AMPLE).await;
                if receive == 1 && !failed.is_empty() {
                    // These rules can't plan it. Its next receive finds that it is done already.
                    failed = handle(&newer, vec![ticket().message(2)], AMPLE).await;
                }
                assert_eq!(failed, [""; 0], "{yaml} {receive} {call:?}");
                harness.settle().await;
                assert_eq!(harness.said("ann").len(), 2, "{yaml} {receive} {call:?}: its own, and what c1 held");
                assert!(harness.store.context("else:ann").entities.is_empty(), "{yaml} {receive} {call:?}");
                assert_eq!(harness.store.context("ann").entities.len(), before.max(1), "{yaml} {receive} {call:?}");
                assert_eq!(harness.store.context("ann").identities, ["customer:c1"], "{yaml} {receive} {call:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_redrive_past_the_horizon_sends_the_committed_actions() {
    let harness = harness();
    committed_and_not_finished(&harness, Call::Act).await;
    harness.clock.advance(MAX_EVENT_AGE + Duration::from_secs(1));
    assert_eq!(harness.handle(vec![ticket().message(1)]).await, ["m-t1"], "too old to be planned");
    assert_eq!(harness.handle(vec![ticket().message(2)]).await, [""; 0]);
    assert_eq!(harness.said("ann")[0], "Ticket 7: It leaks");
}

#[tokio::test]
async fn an_erased_event_has_no_work_left() {
    let harness = harness();
    committed_and_not_finished(&harness, Call::First).await;
    // As `tidings context erase ann` leaves it: nothing of ann's, and of the claim its key.
    let of_ann = |place: &Place| ["ann", "customer:c1"].contains(&place.partition.as_str());
    harness.store.erase(&ClaimKey::new("orders", "t1"), of_ann);
    // The customer comes again, of whom nobody says any more whose he is.
    assert_eq!(harness.handle(vec![payment("p3", "c1").message(1)]).await, [""; 0]);
    for receive in [1, 2, MAX_RECEIVES] {
        assert_eq!(harness.handle(vec![ticket().message(receive)]).await, [""; 0], "receive {receive}");
    }
    harness.settle().await;
    assert!(harness.store.context("ann").entities.is_empty(), "nothing came back");
    assert_eq!(harness.fact("customer:c1", "order/1", "payments"), 1, "and nothing was taken over");
    assert!(!harness.store.items().contains_key(&Place::new("customer:c1", ItemKey::Link)));
}

#[tokio::test]
async fn a_processed_event_with_unsent_actions_is_always_reported() {
    capture();
    let harness = harness();
    serve(&harness, "c1");
    harness.faults.fail(Call::Act, Fault::Refuse, 99);
    for receive in 1..=MAX_RECEIVES {
        assert_eq!(harness.handle(vec![ticket().message(receive)]).await, ["m-t1"], "receive {receive}");
    }
    assert_eq!(counted(Metric::Undelivered), [("orders".to_owned(), String::new(), 1)]);
    assert_eq!(
        lines_with(&["outcome=\"undelivered\"", "stage=\"deliver\"", "cause=\"", ": Refuse\""]),
        1,
        "the line says what is behind it"
    );
    assert_eq!(harness.claim("orders#t1").unwrap().links, ["customer:c1"]);
}

#[tokio::test]
async fn a_lost_answer_on_the_last_receive_is_finished_and_has_its_line() {
    capture();
    let harness = harness();
    serve(&harness, "c1");
    assert_eq!(harness.handle(vec![payment("p1", "c1").message(1)]).await, [""; 0]);
    harness.faults.fail(Call::Commit, Fault::LoseAnswer, 1);
    assert_eq!(harness.handle(vec![ticket().message(MAX_RECEIVES)]).await, [""; 0]);
    harness.settle().await;
    assert_eq!(harness.said("ann"), ["Ticket 7: It leaks", "100 paid"]);
    assert_eq!(harness.fact("ann", "order/1", "payments"), 1);
    assert_eq!(lines_with(&["message=processed", "orders#t1", "outcome=\"duplicate\""]), 1);
}

const LATE: &str = r#"
version: 1
policy: { quiet_hours: { from: "22:00", to: "07:00", zone: UTC } }
conversations: [{ on: "*", conversation: data.who }]
rules: [{ name: said, on: said, set: { at: data.text }, notify: { text: "{data.text}" } }]
"#;

/// Its transaction empties what was deferred, so a redrive finds nothing there, and all of it in the outbox.
#[tokio::test]
async fn a_redriven_timer_sends_its_committed_actions() {
    let harness = Harness::with(rules(LATE), |store| store);
    harness.clock.advance(Duration::from_secs(13 * 3_600));
    let said = event("e1", "said", json!({"who": "ann", "text": "good morning"}));
    assert_eq!(harness.handle(vec![said.message(1)]).await, [""; 0]);
    harness.faults.fail(Call::Act, Fault::Refuse, 1);
    let wake = harness.first_that_fails(Duration::from_secs(9 * 3_600)).await;
    assert_eq!(harness.said("ann"), [""; 0]);
    assert_eq!(harness.handle(vec![crate::support::message("m", &wake, 1)]).await, [""; 0], "redriven");
    assert_eq!(harness.said("ann"), ["good morning"]);
}

/// Several events of one conversation, while each call of the actions queue takes three seconds and fails.
#[tokio::test(start_paused = true)]
async fn a_hanging_actions_queue_delays_a_batch_once() {
    let harness = Harness::with(rules(LATE), |store| store);
    harness.outside.actions.hang(Duration::from_secs(3));
    let ids = ["e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9"];
    let batch = || ids.iter().map(|id| event(id, "said", json!({"who": "ann", "text": *id})).message(1)).collect::<Vec<_>>();
    let started = tokio::time::Instant::now();
    assert_eq!(harness.handle(batch()).await.len(), ids.len(), "nothing is sent, so each message stays");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    for id in ids {
        assert_eq!(harness.state(&format!("orders#{id}")), Some(ClaimState::Processed), "{id} has its effect");
    }
    harness.outside.actions.hang(Duration::ZERO);
    assert_eq!(harness.handle(batch()).await, [""; 0]);
    assert_eq!(harness.said("ann"), ids);
}
