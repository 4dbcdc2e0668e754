//! The metrics of a batch, and the single log line of each event.

use crate::support::{Harness, MAX_RECEIVES, message, moved, poison};
use std::time::Duration;
use tidings_config::limits::{HIGH_RECEIVE_COUNT, LAG_OBJECTIVE};
use tidings_core::memory::log::{capture, counted, lines, lines_with};
use tidings_core::memory::{Call, Fault};
use tidings_core::telemetry::{Metric, UNKNOWN};
use tidings_core::trace::Trace;
use tidings_project::read_rules;

fn harness() -> Harness {
    capture();
    Harness::new()
}

fn of(source: &str, word: &str, value: u64) -> (String, String, u64) {
    (source.to_owned(), word.to_owned(), value)
}

#[tokio::test]
async fn every_end_of_a_record_is_counted_once() {
    let harness = harness();
    let (first, older) = (moved("e1", "ann", "shipped", 5), moved("e2", "ann", "packed", 9));
    harness.handle(vec![first.message(1), older.message(1), poison("bad", "ann").message(1)]).await;
    harness.handle(vec![first.message(2), poison("bad", "ann").message(MAX_RECEIVES), message("m", "hello", MAX_RECEIVES)]).await;

    assert_eq!(counted(Metric::Processed), [of("orders", "", 1), of("orders", "", 1)]);
    assert_eq!(counted(Metric::Stale), [of("orders", "", 1)]);
    assert_eq!(counted(Metric::Repeated), [of("orders", "", 1)]);
    assert_eq!(counted(Metric::Retried), [of("orders", "rule", 1)]);
    let mut dead = counted(Metric::Dead);
    dead.sort();
    assert_eq!(dead, [of("orders", "rule", 1), of(UNKNOWN, "undecodable", 1)]);
    assert_eq!(counted(Metric::CommitLatency).len(), 3);
    assert_eq!(lines_with(&["flush="]), 2, "once a batch, before its answer");
}

#[tokio::test]
async fn an_event_is_late_when_its_effect_is_past_the_objective() {
    let harness = harness();
    harness.clock.advance(LAG_OBJECTIVE);
    harness.handle(vec![moved("e1", "ann", "packed", 0).message(1)]).await;
    harness.clock.advance(Duration::from_millis(1));
    harness.handle(vec![moved("e2", "ann", "shipped", 0).message(1)]).await;
    assert_eq!(counted(Metric::SloMiss), [of("", "", 0), of("", "", 1)]);
    assert_eq!(counted(Metric::ProcessingLag), [of("orders", "", 30_000), of("orders", "", 30_001)]);
}

#[tokio::test]
async fn a_high_receive_count_is_counted_from_the_third_receive() {
    let harness = harness();
    harness.handle(vec![moved("e1", "ann", "packed", 0).message(HIGH_RECEIVE_COUNT - 1)]).await;
    assert_eq!(counted(Metric::HighReceiveCount), []);
    harness.handle(vec![moved("e2", "ann", "packed", 0).message(HIGH_RECEIVE_COUNT)]).await;
    assert_eq!(counted(Metric::HighReceiveCount), [of("orders", "", 1)]);
}

#[tokio::test]
async fn a_retried_commit_is_counted_as_a_conflict() {
    let harness = harness();
    harness.faults.fail(Call::Commit, Fault::Conflict, 2);
    assert_eq!(harness.handle(vec![moved("e1", "ann", "packed", 0).message(1)]).await, [""; 0]);
    assert_eq!(counted(Metric::Conflicts).len(), 2);
}

/// Notifications wait from 22:00 to 07:00.
fn quiet_at_night() -> Harness {
    const RULES: &str = r#"
version: 1
conversations: [{ on: "*", conversation: data.who }]
policy: { quiet_hours: { from: "22:00", to: "07:00", zone: UTC } }
rules: [{ name: moved, on: order.moved, set: { status: data.status }, notify: { text: "{data.status}" } }]
"#;
    Harness::with(read_rules("rules.yaml", RULES, &[]).unwrap(), |store| store)
}

#[tokio::test]
async fn outcomes_of_actions_are_counted_and_timers_have_no_lag() {
    capture();
    let harness = quiet_at_night();
    harness.handle(vec![moved("e1", "ann", "packed", 0).message(1)]).await;
    assert_eq!((counted(Metric::Emitted).len(), counted(Metric::Deferred).len()), (1, 0));
    harness.clock.advance(Duration::from_secs(13 * 3_600));
    harness.handle(vec![moved("e2", "ann", "shipped", 0).message(1)]).await;
    assert_eq!((counted(Metric::Emitted).len(), counted(Metric::Deferred).len()), (1, 1));
    let lags = counted(Metric::ProcessingLag).len();
    harness.pass(Duration::from_secs(12 * 3_600)).await;
    assert_eq!((counted(Metric::Emitted).len(), counted(Metric::ProcessingLag).len()), (2, lags));
}

/// While the timers table isn't swept, a timer of seven days comes 673 times.
#[tokio::test]
async fn a_timer_that_is_not_due_yet_is_said_only_in_a_line_of_its_own_and_counts_nothing() {
    capture();
    let harness = quiet_at_night();
    harness.outside.timers.unproven();
    harness.clock.advance(Duration::from_secs(13 * 3_600));
    harness.handle(vec![moved("e1", "ann", "shipped", 0).message(1)]).await;
    assert_eq!(counted(Metric::Deferred).len(), 1);
    let before = (lines_with(&["message=processed"]), counted(Metric::CommitLatency).len());
    harness.pass(Duration::from_secs(4 * 3_600)).await;
    assert_eq!((lines_with(&["message=processed"]), counted(Metric::CommitLatency).len()), before);
    assert!(lines_with(&["message=rescheduled"]) >= 15, "hops of a quarter of an hour: {:?}", lines());
    harness.pass(Duration::from_secs(8 * 3_600)).await;
    assert_eq!(counted(Metric::Emitted).len(), 1);
}

#[tokio::test]
async fn an_events_log_line_has_its_identifiers_and_its_claim_keeps_the_trace() {
    const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    const ID: &str = "1-5759e988-bd862e3fe1be46a994272793";
    let harness = harness();
    let traced = |mut message: aws_lambda_events::event::sqs::SqsMessage| {
        message.attributes.insert(Trace::ATTRIBUTE.to_owned(), TRACE.to_owned());
        message
    };
    harness
        .handle(vec![traced(moved("e1", "ann", "packed", 0).message(1)), traced(poison("bad", "ann").message(MAX_RECEIVES))])
        .await;
    for (end, key) in [("message=processed", "orders#e1"), ("message=failed", "orders#bad")] {
        let trace_id = format!("trace_id={ID:?}");
        let line =
            [end, &format!("claim_key={key}"), "event_id=", "source=\"orders\"", "event_type=order.", "outcome=", &trace_id];
        assert_eq!(lines_with(&line), 1, "{key}: {:#?}", lines());
        assert_eq!(harness.claim(key).unwrap().trace_id.as_deref(), Some(ID), "{key}");
    }
    assert_eq!(lines_with(&["message=processed", "conversation=ann", "duration_ms=", "lag_ms=", "receive_count=1"]), 1);
    for (id, outcome, fault) in [("e1", "applied", false), ("bad", "rule", true)] {
        let found = [
            ("event_id", id),
            ("conversation", "ann"),
            ("outcome", outcome),
            ("parent_id", "53995c3f42cd8ad8"),
            ("trace_id", ID),
        ];
        let mut segment = found.map(|(name, value)| format!("\"{name}\":\"{value}\"")).to_vec();
        segment.extend(["document=".to_owned(), "\"name\":\"process\"".to_owned(), format!("\"fault\":{fault}")]);
        assert_eq!(lines_with(&segment.iter().map(String::as_str).collect::<Vec<_>>()), 1, "{id}: {:#?}", lines());
    }
}
