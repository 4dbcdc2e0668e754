//! One body under many delivery ids: each is an event, up to a bound.

use crate::stores::Yielding;
use crate::support::{AMPLE, Harness, MAX_RECEIVES, another, handle, message, now, rules};
use futures::future::join_all;
use serde_json::json;
use std::sync::Arc;
use tidings_config::limits::{DELIVERIES_WINDOW, MAX_DELIVERIES_PER_BODY};
use tidings_config::time::Clock;
use tidings_core::claim::{ClaimKey, ClaimState};
use tidings_core::context::{Content, Deliveries, ItemKey};
use tidings_core::envelope::{Envelope, NewEnvelope, Payload};
use tidings_core::memory::{Call, Fault};
use tidings_core::ports::ContextStore;
use tidings_project::read_rules;

const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: "'ann'" }]
rules: [{ name: pressed, on: pressed, count: { presses: 1 } }]
"#;

fn harness() -> Harness {
    let rules = read_rules("rules.yaml", RULES, &[]).unwrap_or_else(|report| panic!("{report}"));
    Harness::with(rules, |store| store)
}

/// As the receiver queues what has an unsigned id of its delivery.
fn body_of(event_type: &str, content: &str, delivery: &str) -> String {
    let mut envelope = Envelope::new(NewEnvelope {
        id: delivery.to_owned(),
        source: "github".to_owned(),
        event_type: event_type.to_owned(),
        subject: Some("workflow/1".to_owned()),
        time: None,
        conversation: None,
        sequence: None,
        received: now(),
        claim_key: ClaimKey::new("github", &format!("{content}:{delivery}")),
        traceparent: None,
        payload: Payload::Json(serde_json::value::to_raw_value(&json!({"who": "ann"})).unwrap()),
    });
    envelope.contentkey = Some(content.to_owned());
    envelope.encode()
}

fn body(delivery: &str) -> String {
    body_of("pressed", "sha256:00", delivery)
}

/// The count of a body.
fn counted(harness: &Harness, content: &str) -> u32 {
    let place = Deliveries::place("github", content, harness.clock.now());
    match harness.store.items().get(&place).map(|item| &item.content) {
        Some(Content::Deliveries(deliveries)) => deliveries.events,
        Some(other) => panic!("{other:?}"),
        None => 0,
    }
}

async fn count_up_to(harness: &Harness, events: u32) {
    for n in counted(harness, "sha256:00")..events {
        assert_eq!(harness.handle(vec![message("m", &body(&n.to_string()), 1)]).await, [""; 0]);
    }
}

#[tokio::test]
async fn each_delivery_of_a_body_is_an_event_and_counts_once() {
    let harness = harness();
    for delivery in ["a", "a", "b", "b", "a"] {
        assert_eq!(harness.handle(vec![message("m", &body(delivery), 1)]).await, [""; 0]);
    }
    assert_eq!((harness.fact("ann", "workflow/1", "presses"), counted(&harness, "sha256:00")), (json!(2), 2));
    assert_eq!(harness.handle(vec![message("m", &body_of("pressed", "sha256:01", "c"), 1)]).await, [""; 0]);
    assert_eq!((counted(&harness, "sha256:00"), counted(&harness, "sha256:01")), (2, 1), "another body has its own");
}

#[tokio::test]
async fn an_event_beyond_the_bound_is_dead_lettered_with_its_reason() {
    let harness = harness();
    count_up_to(&harness, MAX_DELIVERIES_PER_BODY).await;
    assert_eq!(harness.fact("ann", "workflow/1", "presses"), MAX_DELIVERIES_PER_BODY);
    assert_eq!(harness.handle(vec![message("m", &body("more"), MAX_RECEIVES)]).await, ["m"]);
    let claim = harness.claim("github#sha256:00:more").unwrap();
    assert_eq!(claim.state, ClaimState::Dead);
    let reason = claim.reason.unwrap();
    assert!(reason.starts_with("1000 earlier events had the same body in 30 days"), "{reason}");
    assert!(reason.contains(&Deliveries::again(harness.clock.now()).to_string()), "{reason}");
    assert_eq!(harness.fact("ann", "workflow/1", "presses"), MAX_DELIVERIES_PER_BODY, "it had no effect");
    let other = body_of("pressed", "sha256:01", "other");
    assert_eq!(harness.handle(vec![message("m", &other, MAX_RECEIVES)]).await, [""; 0], "no other body is held up");

    // Brought back when the next window has begun, it has its effect.
    harness.clock.set(Deliveries::again(harness.clock.now()));
    assert_eq!(harness.handle(vec![message("m", &body("more"), 1)]).await, [""; 0]);
    assert_eq!((counted(&harness, "sha256:00"), harness.state("github#sha256:00:more")), (1, Some(ClaimState::Processed)));
}

#[tokio::test]
async fn a_crash_and_a_lost_answer_count_once() {
    for fault in [Fault::LoseAnswer, Fault::Refuse, Fault::Conflict] {
        let harness = harness();
        harness.faults.fail(Call::Commit, fault, 1);
        let mut receives = 1;
        while !harness.handle(vec![message("m", &body("a"), receives)]).await.is_empty() {
            receives += 1;
            assert!(receives <= MAX_RECEIVES);
        }
        assert_eq!((harness.fact("ann", "workflow/1", "presses"), counted(&harness, "sha256:00")), (json!(1), 1), "{fault:?}");
    }
}

/// Nothing else of these events meets: each has a conversation of its own.
#[tokio::test(start_paused = true)]
async fn many_concurrent_equal_bodies_succeed_within_the_retries() {
    let rules = || read_rules("rules.yaml", &RULES.replace("'ann'", "event.id"), &[]).unwrap();
    let harness = Harness::with(rules(), |store| store);
    let store = Arc::new(Yielding::new(Arc::clone(&harness.store), 7));
    let processors = [(); 2].map(|()| another(rules(), Arc::clone(&store), &harness.clock, &harness.outside));
    let (mut left, mut rounds): (Vec<Vec<String>>, u32) =
        ((0..2).map(|p| (0..10).map(|n| body(&format!("{p}.{n}"))).collect()).collect(), 0);
    while left.iter().any(|share| !share.is_empty()) {
        rounds += 1;
        let batch = |share: &[String]| share.iter().enumerate().map(|(n, b)| message(&n.to_string(), b, 1)).collect();
        let work = processors.iter().zip(&left).map(|(processor, share)| handle(processor, batch(share), AMPLE));
        let failed = join_all(work).await;
        for (share, failed) in left.iter_mut().zip(failed) {
            *share =
                share.iter().enumerate().filter(|(n, _)| failed.contains(&n.to_string())).map(|(_, body)| body.clone()).collect();
        }
    }
    assert_eq!(counted(&harness, "sha256:00"), 20, "each once");
    assert!(rounds <= MAX_RECEIVES, "{rounds} receives");
}

#[tokio::test]
async fn a_source_whose_ids_are_signed_has_no_count() {
    let harness = Harness::with(rules(), |store| store);
    harness.handle(vec![crate::support::moved("a", "ann", "paid", 5).message(1)]).await;
    assert!(harness.store.items().keys().all(|place| place.key != ItemKey::Deliveries));
}

/// An erasure takes a conversation's partition, and the count is in none.
#[tokio::test]
async fn the_count_contains_no_name() {
    let harness = harness();
    count_up_to(&harness, 3).await;
    let place = Deliveries::place("github", "sha256:00", harness.clock.now());
    let json = harness.store.items()[&place].content.encode();
    assert_eq!(json, r#"{"events":3}"#);
    let seen = harness.store.first(&place.partition, 9).await.unwrap();
    assert_eq!(seen.keys().collect::<Vec<_>>(), [&ItemKey::Deliveries]);
    assert_eq!(seen[&ItemKey::Deliveries].content.expires(now()), Some(now().plus(DELIVERIES_WINDOW)));
}
