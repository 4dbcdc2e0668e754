//! An event that can't be processed is recorded with its reason on its last receive, and not before.

use crate::support::{Harness, MAX_RECEIVES, Sent, message, moved, now, poison};
use serde_json::json;
use std::time::Duration;
use tidings_config::limits::{MAX_EVENT_AGE, MAX_REASON_BYTES};
use tidings_config::time::Clock;
use tidings_core::claim::{ClaimKey, ClaimState, Sha256Hex, TimelineKey};
use tidings_core::envelope::{Envelope, NewUnreadable};
use tidings_core::memory::log::{capture, counted};
use tidings_core::memory::{Call, Fault};
use tidings_core::ports::ClaimStore;
use tidings_core::telemetry::Metric;
use tidings_core::unreadable::{EVENT_TYPE, Unreadable, Why};

#[tokio::test]
async fn the_last_receive_records_the_reason() {
    let harness = Harness::new();
    let event = poison("bad", "ann");
    for receive in 1..MAX_RECEIVES {
        assert_eq!(harness.handle(vec![event.message(receive)]).await, ["m-bad"], "receive {receive}");
        assert_eq!(harness.claim("orders#bad"), None, "receive {receive}");
    }
    assert_eq!(harness.handle(vec![event.message(MAX_RECEIVES)]).await, ["m-bad"], "so that the redrive policy takes it");
    let dead = harness.claim("orders#bad").unwrap();
    assert_eq!((dead.state, dead.receive_count), (ClaimState::Dead, Some(MAX_RECEIVES)));
    assert_eq!((dead.source.as_str(), dead.event_type.as_str()), ("orders", "order.paid"));
    let reason = dead.reason.unwrap();
    assert!(reason.starts_with("rule paid, set.cents: "), "{reason}");
    assert!(!reason.contains("hunter2"), "{reason}");
}

#[tokio::test]
async fn a_redriven_event_is_processed_if_it_can_be() {
    let harness = Harness::new();
    let bad = poison("e1", "ann");
    harness.handle(vec![bad.message(MAX_RECEIVES)]).await;
    // As after a deploy with a better rule: the same event, and this time it has a value.
    let good = Sent { data: json!({"who": "ann", "cents": 7}), ..bad };
    assert_eq!(harness.handle(vec![message("redriven", &good.envelope().encode(), 1)]).await, [""; 0]);
    let claim = harness.claim("orders#e1").unwrap();
    assert_eq!((claim.state, claim.reason, claim.receive_count), (ClaimState::Processed, None, None));
    assert_eq!(harness.fact("ann", "order/1", "cents"), 7);
}

/// Attack 6, through a batch.
#[tokio::test]
async fn an_event_whose_expressions_exceed_memory_is_dead_lettered_alone_with_its_reason() {
    let rules = r#"
version: 1
conversations:
  - on: "*"
    conversation: data.who
rules:
  - name: bomb
    on: bomb
    set:
      all: data.l.map(x, x + data.suffix)
  - name: replaced
    on: replaced
    set:
      all: data.s.replace(data.a, data.b)
  - name: joined
    on: joined
    set:
      all: data.l.join(data.suffix)
  - name: slow
    on: slow
    when: data.l.exists(x, data.s.contains(x + 'y'))
    set:
      found: "true"
  - name: said
    on: said
    notify:
      text: "{data.t}{data.t}{data.t}{data.t}"
  - name: moved
    on: order.moved
    set:
      status: data.status
"#;
    let rules = tidings_project::read_rules("rules.yaml", rules, &["orders".to_owned()]).unwrap();
    let harness = Harness::with(rules, |store| store);
    let data = json!({
        "who": "ann", "l": vec!["x".repeat(300); 1_000], "suffix": "s".repeat(200_000), "s": "a".repeat(200_000), "a": "a",
        "b": "b".repeat(100_000), "t": "t".repeat(1_100),
    });
    let attacks = ["bomb", "replaced", "joined", "slow", "said"];
    let sent = |event_type| Sent { id: event_type, event_type, order: "1", age_seconds: 0, data: data.clone() };
    let mates = [moved("e1", "ann", "packed", 9), moved("e2", "bob", "shipped", 5)];
    let events = attacks.iter().map(|attack| sent(*attack).message(MAX_RECEIVES));
    let batch = events.chain(mates.iter().map(|mate| mate.message(MAX_RECEIVES))).collect();
    assert_eq!(harness.handle(batch).await, ["m-bomb", "m-joined", "m-replaced", "m-slow"]);
    assert_eq!(harness.claim("orders#said").unwrap().action_lines(), ["said/notify queued"], "and a text is cut");
    for mate in ["orders#e1", "orders#e2"] {
        assert_eq!(harness.state(mate), Some(ClaimState::Processed), "{mate}");
    }
    for (attack, reason) in [
        ("bomb", "rule bomb, set.all: the expression takes too much work for this event, allowed: 8388608"),
        ("replaced", "rule replaced, set.all: the value would exceed 1048576 bytes"),
        ("joined", "rule joined, set.all: the value would exceed 1048576 bytes"),
        ("slow", "rule slow, when: the expression takes too much work for this event, allowed: 8388608"),
    ] {
        assert_eq!(harness.claim(&format!("orders#{attack}")).unwrap().reason.as_deref(), Some(reason));
    }
}

#[tokio::test]
async fn every_reason_names_the_problem_and_quotes_no_payload() {
    let secret = "hunter2";
    let sent = |event_type, data| Sent { id: "e1", event_type, order: "1", age_seconds: 0, data };
    let wide = |n: usize| (0..n).map(|i| json!({"k": i})).collect::<Vec<_>>();
    for (event, begins) in [
        (sent("order.moved", json!({"who": "ann", "x": secret})), "rule moved, set.status: no field \"status\""),
        (sent("order.moved", json!({"who": 7, "x": secret})), "conversation \"data.who\": doesn't give a text"),
        (sent("order.moved", json!({"who": secret.repeat(100)})), "conversation \"data.who\": the text has 700 bytes"),
        (sent("order.moved", json!({"x": wide(3)})), "conversation \"data.who\": no field \"who\""),
        (sent("order.paid", json!({"who": "ann", "cents": secret})), "rule paid, set.cents: can't "),
        (sent("order.paid", json!({"who": "ann", "cents": {secret: secret}})), "rule paid, set.cents: can't add map and int"),
    ] {
        let harness = Harness::new();
        harness.handle(vec![event.message(MAX_RECEIVES)]).await;
        let reason = harness.claim("orders#e1").unwrap().reason.unwrap();
        assert!(reason.starts_with(begins), "{reason}");
        assert!(!reason.contains(secret) && reason.len() <= MAX_REASON_BYTES, "{reason}");
    }
}

#[tokio::test]
async fn a_message_that_names_its_event_but_cannot_be_read_is_recorded_with_it() {
    let harness = Harness::new();
    let event = moved("e1", "ann", "packed", 0).envelope().encode();
    for (body, reason) in [
        (event.replace("\"tidingsversion\":1", "\"tidingsversion\":5"), "envelope version 5, this processor reads 1 to 4"),
        (event.replace("\"type\"", "\"typo\""), "not an envelope: a field is missing or of another type, line 1 column "),
    ] {
        assert_eq!(harness.handle(vec![message("m", &body, MAX_RECEIVES)]).await, ["m"]);
        let dead = harness.claim("orders#e1").unwrap();
        assert_eq!(dead.state, ClaimState::Dead);
        assert!(dead.reason.as_ref().unwrap().starts_with(reason), "{dead:?}");
    }
}

#[tokio::test]
async fn a_dead_lettered_event_is_in_its_owners_timeline_if_known() {
    let harness = Harness::new();
    harness.handle(vec![poison("bad", "ann").message(MAX_RECEIVES)]).await;
    let dead: Vec<_> = harness.store.timeline("ann").into_iter().map(|claim| (claim.state, claim.occurred)).collect();
    let occurred = TimelineKey::new(poison("bad", "ann").envelope().order().time, &ClaimKey::new("orders", "bad"));
    assert_eq!(dead, [(ClaimState::Dead, Some(occurred))]);

    let nobodys = Sent { id: "e1", event_type: "order.moved", order: "1", age_seconds: 0, data: json!({"who": 7}) };
    harness.handle(vec![nobodys.message(MAX_RECEIVES)]).await;
    let claim = harness.claim("orders#e1").unwrap();
    assert_eq!((claim.state, claim.conversation, claim.occurred), (ClaimState::Dead, None, None));
}

/// The receiver's record of it is kept instead of "unknown".
#[tokio::test]
async fn an_unreadable_message_keeps_its_claims_data() {
    let harness = Harness::new();
    let event = moved("e1", "ann", "packed", 0).envelope();
    let claim = tidings_core::claim::NewClaim {
        key: event.claimkey.clone(),
        source: "orders".to_owned(),
        event_id: event.id.clone(),
        event_type: event.event_type.clone(),
        subject: event.subject.clone(),
        body_sha256: tidings_core::claim::Sha256Hex::of(b""),
        received: harness.clock.now(),
        trace_id: None,
        unread: Vec::new(),
        outbox: None,
    };
    harness.store.record(&claim).await;
    let newer = event.encode().replace("\"tidingsversion\":1", "\"tidingsversion\":5");
    harness.handle(vec![message("m", &newer, MAX_RECEIVES)]).await;
    let dead = harness.claim("orders#e1").unwrap();
    assert_eq!((dead.state, dead.source.as_str(), dead.event_type.as_str()), (ClaimState::Dead, "orders", "order.moved"));
}

#[tokio::test]
async fn a_message_without_a_claim_key_is_dead_lettered_without_a_claim() {
    let harness = Harness::new();
    assert_eq!(harness.handle(vec![message("m", "hello", MAX_RECEIVES)]).await, ["m"]);
    assert_eq!((harness.store.claims().len(), harness.faults.total()), (0, 0));
}

#[tokio::test]
async fn an_event_past_its_horizon_has_expired_and_is_never_applied() {
    let harness = Harness::new();
    let event = moved("e1", "ann", "packed", 0);
    harness.clock.advance(MAX_EVENT_AGE + Duration::from_millis(1));
    assert_eq!(harness.handle(vec![event.message(1)]).await, ["m-e1"]);
    assert_eq!(harness.handle(vec![event.message(MAX_RECEIVES)]).await, ["m-e1"]);
    let parked = harness.claim("orders#e1").unwrap();
    assert_eq!(parked.state, ClaimState::Dead);
    assert!(parked.reason.as_ref().unwrap().contains("longer ago than 29 days"), "{parked:?}");
    assert_eq!(harness.store.context("ann").entities.len(), 0);
    assert_eq!(harness.faults.count(Call::Commit), 0);
}

#[tokio::test]
async fn an_event_just_within_its_horizon_is_applied() {
    let harness = Harness::new();
    harness.clock.advance(MAX_EVENT_AGE);
    assert_eq!(harness.handle(vec![moved("e1", "ann", "packed", 0).message(1)]).await, [""; 0]);
    assert_eq!(harness.fact("ann", "order/1", "status"), "packed");
}

/// It keeps its order, which is that of its first receipt.
#[tokio::test]
async fn a_dead_event_that_its_provider_sends_again_is_applied_at_any_age() {
    let harness = Harness::new();
    let mut envelope = moved("e1", "ann", "packed", 0).envelope();
    let first = envelope.receivedtime;
    for days in [29, 20, 25] {
        harness.clock.advance(Duration::from_secs(days * 86_400));
        envelope.deliveredtime = Some(harness.clock.now());
    }
    harness.clock.advance(MAX_EVENT_AGE);
    assert_eq!(
        harness.handle(vec![message("m", &envelope.encode(), 1)]).await,
        [""; 0],
        "74 days old, and sent again 29 days ago"
    );
    assert_eq!(harness.fact("ann", "order/1", "status"), "packed");
    assert_eq!((envelope.receivedtime, envelope.order().time), (first, first));
    envelope.claimkey = tidings_core::claim::ClaimKey::new("orders", "e2");
    harness.clock.advance(Duration::from_millis(1));
    assert_eq!(harness.handle(vec![message("m", &envelope.encode(), 1)]).await, ["m"], "and no longer than that");
}

#[tokio::test]
async fn a_reason_that_cannot_be_recorded_still_leaves_the_event_in_the_dead_letter_queue() {
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Conflict] {
        let harness = Harness::new();
        harness.faults.fail(Call::DeadLetter, fault, 1);
        assert_eq!(harness.handle(vec![poison("bad", "ann").message(MAX_RECEIVES)]).await, ["m-bad"], "{fault:?}");
    }
}

#[tokio::test]
async fn without_a_receive_count_an_event_has_receives_left() {
    let harness = Harness::new();
    for count in [None, Some("many"), Some("0")] {
        let mut message = poison("bad", "ann").message(1);
        match count {
            None => message.attributes.clear(),
            Some(count) => {
                message.attributes.insert("ApproximateReceiveCount".to_owned(), count.to_owned());
            }
        }
        assert_eq!(harness.handle(vec![message]).await, ["m-bad"], "{count:?}");
    }
    assert_eq!(harness.faults.count(Call::DeadLetter), 0);
}

/// A delivery that the receiver couldn't read as an event.
fn unreadable() -> Envelope {
    Envelope::of_unreadable(NewUnreadable {
        source: "orders".to_owned(),
        received: now(),
        claim_key: ClaimKey::unreadable("orders", &Sha256Hex::of(b"{"), None),
        traceparent: None,
        content_type: "application/json".to_owned(),
        base64: "ew==".to_owned(),
        packed: None,
        unreadable: Unreadable { why: Why::Truncated, at: Some("line 1 column 1".to_owned()) },
    })
}

#[tokio::test]
async fn an_unreadable_delivery_is_dead_with_the_receivers_reason_and_reaches_no_rule() {
    capture();
    let harness = Harness::new();
    let (message_of, good) = (|receive| message("m", &unreadable().encode(), receive), moved("e1", "ann", "packed", 0));
    for receive in 1..MAX_RECEIVES {
        assert_eq!(harness.handle(vec![message_of(receive), good.message(1)]).await, ["m"], "its batch-mates are processed");
    }
    assert_eq!(harness.handle(vec![message_of(MAX_RECEIVES)]).await, ["m"], "so that the redrive policy takes it");
    let dead = harness.claim(unreadable().claimkey.as_str()).unwrap();
    assert_eq!((dead.state, dead.source.as_str(), dead.event_type.as_str()), (ClaimState::Dead, "orders", EVENT_TYPE));
    assert_eq!(dead.reason.as_deref(), Some("unreadable: the JSON ends before it is complete (line 1 column 1)"));
    assert_eq!(counted(Metric::Dead), [("orders".to_owned(), "unreadable".to_owned(), 1)]);
    assert_eq!(harness.state("orders#e1"), Some(ClaimState::Processed));
}

/// A processor that is older than the receiver during a deploy.
#[tokio::test]
async fn an_older_processor_refuses_an_unreadable_delivery_by_its_version() {
    let newer = unreadable().encode().replace("\"tidingsversion\":3", "\"tidingsversion\":5");
    let harness = Harness::new();
    assert_eq!(harness.handle(vec![message("m", &newer, MAX_RECEIVES)]).await, ["m"]);
    let dead = harness.claim(unreadable().claimkey.as_str()).unwrap();
    assert_eq!(
        dead.reason.as_deref(),
        Some("envelope version 5, this processor reads 1 to 4"),
        "and it waits in the dead-letter queue"
    );
}
