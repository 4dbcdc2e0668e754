//! Joins that open again, and joins whose `else` waits for a queue that lags.

use crate::support::{Harness, Sent, corpus_events, message, now};
use serde_json::json;
use std::time::Duration;
use tidings_config::limits::{JOIN_GRACE, MAX_JOIN_POSTPONED};
use tidings_config::time::{Clock, Timestamp};
use tidings_core::claim::ClaimKey;
use tidings_core::envelope::Envelope;
use tidings_project::read_rules;

fn harness(again: &str) -> Harness {
    let rules = format!(
        r#"
version: 1
conversations: [{{ on: "*", conversation: data.who }}]
rules: []
joins:
  - name: ready
    all: [paid, reserved]
    by: data.order_id
    within: 1h
    {again}
    then: {{ entity: "'order'", set: {{ ready: true }}, notify: {{ text: "{{join.key}} is ready" }} }}
    else: {{ entity: "'order'", set: {{ ready: false }}, notify: {{ text: "{{join.key}} is stuck" }} }}
"#
    );
    let rules = read_rules("rules.yaml", &rules, &[]).unwrap_or_else(|report| panic!("{report}"));
    Harness::with(rules, |store| store)
}

/// An event of these minutes after the start, received then.
fn leg(event_type: &'static str, minute: i64) -> String {
    let id: &'static str = Box::leak(format!("{event_type}{minute}").into_boxed_str());
    let data = json!({"who": "ann", "order_id": 7});
    let mut envelope = Sent { id, event_type, order: "7", age_seconds: -60 * minute, data }.envelope();
    envelope.receivedtime = minute_of(minute);
    envelope.encode()
}

fn minute_of(minute: i64) -> Timestamp {
    Timestamp::from_unix_ms(now().unix_ms() + minute * 60_000)
}

/// Advances the clock to that minute. Timers that are due before run at their time.
async fn until(harness: &Harness, minute: i64) {
    harness.pass(minute_of(minute).since(harness.clock.now())).await;
}

/// An event comes at its own time.
async fn happens(harness: &Harness, event_type: &'static str, minute: i64) {
    until(harness, minute).await;
    arrives(harness, event_type, minute).await;
}

async fn arrives(harness: &Harness, event_type: &'static str, minute: i64) {
    assert_eq!(harness.handle(vec![message("m", &leg(event_type, minute), 1)]).await, [""; 0]);
    harness.settle().await;
}

/// An event of the corpus, again at another time.
fn again(event: &Envelope, n: i64) -> String {
    let mut event = event.clone();
    event.id = format!("{}-{n}", event.id);
    event.claimkey = ClaimKey::new(event.source_name(), &event.id);
    event.time = Some(minute_of(n));
    event.receivedtime = minute_of(n);
    event.encode()
}

#[tokio::test]
async fn the_shipped_rules_report_each_breaking_release() {
    let harness = Harness::configured();
    let of = |event_type: &str| corpus_events().into_iter().find(|event| event.event_type == event_type).unwrap();
    let (deployed, incident) = (of("deployment_status.created"), of("incident.triggered"));
    let send = async |event: &Envelope, minute: i64| {
        until(&harness, minute).await;
        assert_eq!(harness.handle(vec![message("m", &again(event, minute), 1)]).await, [""; 0]);
        harness.settle().await;
    };
    for minute in 0..40 {
        send(&deployed, minute).await;
    }
    send(&incident, 50).await;
    send(&incident, 60).await;
    for day in 1..3 {
        send(&deployed, day * 1_440).await;
        send(&incident, day * 1_440 + 20).await;
    }
    let broke = harness.said("slack:C0OPS00001").into_iter().filter(|text| text.contains("Roll back?")).count();
    assert_eq!(broke, 3, "the incident of the fortieth release, and one each of two others");
}

const READY: &str = "7 is ready";
const STUCK: &str = "7 is stuck";

#[tokio::test]
async fn a_join_reports_its_end_once_unless_it_opens_again() {
    for (again, said) in [
        ("", vec![READY]),
        ("again: each", vec![READY, READY, READY]),
        ("again: after 20m", vec![READY, READY]),
        ("again: after 7d", vec![READY]),
    ] {
        let harness = harness(again);
        for (paid, reserved) in [(0, 5), (10, 15), (30, 35)] {
            happens(&harness, "paid", paid).await;
            happens(&harness, "reserved", reserved).await;
        }
        assert_eq!(harness.said("ann"), said, "{again:?}");
        assert_eq!(harness.outside.actions.sent().len(), said.len(), "{again:?}: each has an id of its own, and is sent once");
    }
}

#[tokio::test]
async fn a_span_is_counted_from_the_end_and_its_last_moment_is_inside() {
    for (paid, said) in [(25, vec![READY]), (26, vec![READY, READY])] {
        let harness = harness("again: after 20m");
        for (event_type, minute) in [("paid", 0), ("reserved", 5), ("paid", paid), ("reserved", 30)] {
            happens(&harness, event_type, minute).await;
        }
        assert_eq!(harness.said("ann"), said, "{paid}");
    }
}

#[tokio::test]
async fn a_join_that_was_given_up_opens_again_for_later_events() {
    let harness = harness("again: each");
    happens(&harness, "paid", 0).await;
    until(&harness, 62).await;
    assert_eq!(harness.said("ann"), [STUCK]);
    happens(&harness, "paid", 90).await;
    happens(&harness, "reserved", 100).await;
    assert_eq!(harness.said("ann"), [STUCK, READY]);
    assert_eq!(harness.fact("ann", "order", "ready"), true);
    happens(&harness, "reserved", 200).await;
    until(&harness, 300).await;
    assert_eq!(harness.said("ann"), [STUCK, READY, STUCK]);
    assert_eq!(harness.fact("ann", "order", "ready"), false);
    assert_eq!(harness.outside.waiting(), 0);
    let ends = harness.store.claims().into_iter().filter(|claim| claim.event_type.starts_with("tidings.join.")).count();
    assert_eq!(ends, 3, "each end is an event of its own in the timeline");
}

#[tokio::test]
async fn an_event_from_before_a_join_was_given_up_comes_too_late() {
    let harness = harness("again: each");
    happens(&harness, "paid", 0).await;
    until(&harness, 70).await;
    arrives(&harness, "reserved", 10).await;
    until(&harness, 300).await;
    assert_eq!(harness.said("ann"), [STUCK], "it isn't ready now, and isn't stuck a second time");
}

#[tokio::test]
async fn two_openings_in_a_backlog_are_reported_once_each_in_every_order() {
    let legs = [("paid", 0), ("reserved", 5), ("paid", 10), ("reserved", 15)];
    for seed in 0..24_usize {
        let mut left = legs.to_vec();
        let mut rest = seed;
        let harness = harness("again: each");
        until(&harness, 20).await;
        while !left.is_empty() {
            let (event_type, minute) = left.remove(rest % left.len());
            rest /= left.len() + 1;
            arrives(&harness, event_type, minute).await;
        }
        until(&harness, 300).await;
        assert_eq!(harness.said("ann"), [READY, READY], "{seed}");
    }
}

#[tokio::test]
async fn else_is_not_applied_while_its_own_timer_is_late() {
    let harness = harness("");
    happens(&harness, "paid", 0).await;
    until(&harness, 55).await;
    // Ten minutes without a processor. The second event was in time, and is in the queue behind the timer.
    let second = leg("reserved", 58);
    harness.outage(Duration::from_secs(600));
    harness.settle().await;
    assert_eq!(harness.said("ann"), [""; 0], "the timer is five minutes late: so may be the event");
    assert_eq!(harness.handle(vec![message("m", &second, 1)]).await, [""; 0]);
    until(&harness, 300).await;
    assert_eq!(harness.said("ann"), [READY]);
}

#[tokio::test]
async fn a_late_rescheduled_timer_shows_the_lag_as_well() {
    // The last rescheduled timer was visible in minute 60, and comes in minute 61.5: only half a minute after the join's time.
    let harness = harness("");
    harness.outside.timers.unproven();
    happens(&harness, "paid", 0).await;
    until(&harness, 59).await;
    let second = leg("reserved", 59);
    harness.outage(Duration::from_secs(150));
    harness.settle().await;
    assert_eq!(harness.said("ann"), [""; 0]);
    assert_eq!(harness.handle(vec![message("m", &second, 1)]).await, [""; 0]);
    until(&harness, 300).await;
    assert_eq!(harness.said("ann"), [READY]);
}

#[tokio::test]
async fn else_is_finally_applied_despite_any_lag_of_the_queue() {
    let harness = harness("");
    happens(&harness, "paid", 0).await;
    until(&harness, 55).await;
    for outage in 0..=MAX_JOIN_POSTPONED {
        assert_eq!(harness.said("ann"), [""; 0], "{outage}");
        harness.outage(Duration::from_secs(3_600));
        harness.settle().await;
    }
    assert_eq!((harness.said("ann"), harness.outside.waiting()), (vec![STUCK.to_owned()], 0));
}

#[tokio::test]
async fn else_is_applied_on_time_without_lag() {
    let harness = harness("");
    happens(&harness, "paid", 0).await;
    harness.pass(Duration::from_secs(3_600) + JOIN_GRACE).await;
    assert_eq!((harness.said("ann"), harness.outside.waiting()), (vec![STUCK.to_owned()], 0));
}
